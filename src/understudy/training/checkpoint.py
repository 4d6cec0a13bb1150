"""Checkpoints without pickle: tensors in safetensors, the rest in JSON, replaced in one rename."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from understudy.errors import RecipeError

_TENSORS = "tensors.safetensors"
_STATE = "state.json"


Pair = tuple[nn.Module | None, nn.Module | None]


def save_checkpoint(
    folder: Path,
    *,
    policy: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    memory: Tensor,
    state: Any,
    styles: Pair = (None, None),
    self_supervision: nn.Module | None = None,
) -> None:
    """Write everything a resumed run needs.

    Args:
        folder: Replaced as a whole.
        policy: Weights being trained.
        average: Weights that are exported.
        optimizer: Its moments.
        memory: The sequences' memory at the end of the last window.
        state: The number of updates done and the like, in JSON.
        styles: The styles being trained and those that are exported, where there are any.
        self_supervision: What else is trained, where there is any.
    """
    modules = _named(policy, average, styles, self_supervision)
    tensors = {f"{name}.{key}": value for name, each in modules.items() for key, value in each.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": torch.as_tensor(value) for key, value in moments.items()}
    tensors["memory"] = memory
    work = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, work / _TENSORS)
    (work / _STATE).write_text(json.dumps(state))
    # Killed between the two renames, `load_checkpoint` takes the `.old` one; so that one goes only where it is not
    # the only one.
    old = folder.with_name(f"{folder.name}.old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    work.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def find_checkpoint(folder: Path) -> Path | None:
    """Return where the checkpoint of `folder` lies, or None if there is none."""
    for home in (folder, folder.with_name(f"{folder.name}.old")):
        if (home / _STATE).exists():
            return home
    return None


def load_checkpoint(
    folder: Path,
    *,
    policy: nn.Module,
    average: nn.Module,
    styles: Pair = (None, None),
    self_supervision: nn.Module | None = None,
    optimizer: torch.optim.Optimizer | None = None,
) -> tuple[Tensor, Any] | None:
    """Restore what `save_checkpoint` wrote.

    Returns:
        The memory and the state, or None if there is no checkpoint.

    Raises:
        RecipeError: If the checkpoint is of another policy.
    """
    home = find_checkpoint(folder)
    if home is None:
        return None
    tensors = load_file(home / _TENSORS)
    try:
        for name, each in _named(policy, average, styles, self_supervision).items():
            each.load_state_dict(_below(f"{name}.", tensors))
    except RuntimeError as error:
        raise RecipeError(f"The checkpoint {home} is of a policy of another shape; train into a new folder.") from error
    if optimizer is not None:
        _load_moments(optimizer, _below("optimizer.", tensors))
    return tensors["memory"], json.loads((home / _STATE).read_text())


def _named(policy: nn.Module, average: nn.Module, styles: Pair, lesson: nn.Module | None) -> dict[str, nn.Module]:
    known = {"policy": policy, "average": average, "styles": styles[0], "average_styles": styles[1]}
    known["self_supervision"] = lesson
    return {name: each for name, each in known.items() if each is not None}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    form = optimizer.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in moments.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**form, "state": state})
