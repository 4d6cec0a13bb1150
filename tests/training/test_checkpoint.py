"""A checkpoint is the old one or the new one, never half of each, whenever its writer is killed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from understudy.errors import RecipeError
from understudy.training.checkpoint import find_checkpoint, load_checkpoint, save_checkpoint


def trained(updates: int, size: int = 3) -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    """A tiny model and its average after some updates."""
    torch.manual_seed(0)
    policy, average = nn.Linear(size, 2), nn.Linear(size, 2)
    optimizer = torch.optim.AdamW(policy.parameters())
    for _ in range(updates):
        optimizer.zero_grad()
        policy(torch.ones(1, size)).sum().backward()
        optimizer.step()
    return policy, average, optimizer


def save(folder: Path, updates: int) -> None:
    """Save after some updates."""
    policy, average, optimizer = trained(updates)
    memory = torch.full((2, 4), float(updates))
    save_checkpoint(
        folder, policy=policy, average=average, optimizer=optimizer, memory=memory, state={"update": updates}
    )


def loaded_update(folder: Path) -> int:
    """Load, check that all of it belongs together, and return the number of updates."""
    policy, average, optimizer = trained(0)
    found = load_checkpoint(folder, policy=policy, average=average, optimizer=optimizer)
    assert found is not None
    memory, state = found
    expected, _, their_optimizer = trained(state["update"])
    assert torch.equal(policy.weight, expected.weight)
    assert torch.equal(memory, torch.full((2, 4), float(state["update"])))
    for mine, its in zip(optimizer.state.values(), their_optimizer.state.values(), strict=True):
        assert all(torch.equal(mine[key], its[key]) for key in its)
    return int(state["update"])


def test_a_checkpoint_there_and_back_is_the_identity(tmp_path: Path) -> None:
    """Weights, the optimizer's moments, memory and state come back to the bit; nothing else is left on disk."""
    folder = tmp_path / "checkpoint"
    for updates in (3, 7):
        save(folder, updates)
        assert loaded_update(folder) == updates
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]
    assert sorted(path.suffix for path in folder.iterdir()) == [".json", ".safetensors"]


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    """Where nothing was saved, there is nothing to resume."""
    policy, average, _ = trained(0)
    assert load_checkpoint(tmp_path / "checkpoint", policy=policy, average=average) is None
    assert find_checkpoint(tmp_path / "checkpoint") is None


class Killed(BaseException):
    """Stands for the moment of a kill: no code of ours runs after it."""


def killed_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop at the n-th change of the file system's names: a removal or a rename."""
    count = iter(range(call))

    def stopping(real: Any) -> Any:
        def act(*arguments: Any, **options: Any) -> Any:
            if next(count, None) is None:
                raise Killed
            return real(*arguments, **options)

        return act

    monkeypatch.setattr(Path, "rename", stopping(Path.rename))
    monkeypatch.setattr(shutil, "rmtree", stopping(shutil.rmtree))


@pytest.mark.parametrize("before", ["whole", "torn"])
@pytest.mark.parametrize("call", range(6))
def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, before: str
) -> None:
    """Killed before any rename or removal, also when the save before was killed as well, one whole one is found."""
    folder = tmp_path / "checkpoint"
    save(folder, 3)
    if before == "torn":
        folder.rename(folder.with_name("checkpoint.old"))
    with monkeypatch.context() as patched:
        killed_at(call, patched)
        try:
            save(folder, 5)
        except Killed:
            found = loaded_update(folder)
        else:
            assert loaded_update(folder) == 5
            found = 5
    assert found in (3, 5)
    save(folder, 6)
    assert loaded_update(folder) == 6


def test_a_checkpoint_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Loading into another policy says so, and what to do."""
    save(tmp_path / "checkpoint", 1)
    policy, average, _ = trained(0, size=4)
    with pytest.raises(RecipeError) as caught:
        load_checkpoint(tmp_path / "checkpoint", policy=policy, average=average)
    assert str(caught.value) == (
        f"The checkpoint {tmp_path / 'checkpoint'} is of a policy of another shape; train into a new folder."
    )


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    """A state that is no JSON is named, and what to do."""
    save(tmp_path / "checkpoint", 1)
    (tmp_path / "checkpoint" / "state.json").write_text('{"upd')
    with pytest.raises(RecipeError, match=r"state\.json cannot be read .*; train into a new folder\."):
        loaded_update(tmp_path / "checkpoint")
