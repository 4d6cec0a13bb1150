"""Checkpoints without pickle: tensors in safetensors, the rest in JSON, replaced in one rename."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from understudy.errors import RecipeError

_TENSORS = "tensors.safetensors"
_STATE = "state.json"


Pair = tuple[nn.Module | None, nn.Module | None]


@dataclass(frozen=True)
class Learned:
    """All that learning changes.

    Attributes:
        modules: By name, with their buffers.
        optimizers: By name.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def save(self, folder: Path, state: Any, **more: Tensor) -> None:
        """Write it with a state in JSON and `more` tensors, replacing `folder` as a whole."""
        tensors = dict(more)
        for name, module in self.modules.items():
            tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
        for name, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"{name}.{index}.{key}": torch.as_tensor(value) for key, value in moments.items()}
        _replace(folder, tensors, state)

    def load(self, folder: Path) -> tuple[Any, dict[str, Tensor]] | None:
        """Take over what `save` wrote; return the state and all tensors, or None if there is no checkpoint.

        Raises:
            RecipeError: If it is damaged, or of networks of another shape.
        """
        home = find_checkpoint(folder)
        if home is None:
            return None
        tensors = load_file(home / _TENSORS)
        try:
            for name, module in self.modules.items():
                module.load_state_dict(_below(f"{name}.", tensors))
        except RuntimeError as error:
            raise RecipeError(
                f"The checkpoint {home} is of a policy of another shape; train into a new folder."
            ) from error
        for name, optimizer in self.optimizers.items():
            _load_moments(optimizer, _below(f"{name}.", tensors))
        return read_state(home), tensors


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
    Learned(modules, {"optimizer": optimizer}).save(folder, state, memory=memory)


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
        RecipeError: If the checkpoint is damaged, or of another policy.
    """
    modules = _named(policy, average, styles, self_supervision)
    found = Learned(modules, {} if optimizer is None else {"optimizer": optimizer}).load(folder)
    if found is None:
        return None
    state, tensors = found
    return tensors["memory"], state


def find_checkpoint(folder: Path) -> Path | None:
    """Return where the checkpoint of `folder` lies, or None if there is none."""
    for home in (folder, folder.with_name(f"{folder.name}.old")):
        if (home / _STATE).exists():
            return home
    return None


def read_state(home: Path) -> Any:
    """Return the state of the checkpoint that lies in `home`; raises `RecipeError` if it is damaged."""
    try:
        return json.loads((home / _STATE).read_text())
    except (OSError, ValueError) as error:
        raise RecipeError(f"{home / _STATE} cannot be read ({error}); train into a new folder.") from error


def read_module(home: Path, name: str) -> dict[str, Tensor]:
    """Return a module's tensors in the checkpoint that lies in `home`, as its `state_dict`."""
    return _below(f"{name}.", load_file(home / _TENSORS))


def _replace(folder: Path, tensors: Mapping[str, Tensor], state: Any) -> None:
    work = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, work / _TENSORS)
    (work / _STATE).write_text(json.dumps(state))
    # Killed between the two renames, `find_checkpoint` gives the `.old` one; so that one goes only where it is not the
    # only one.
    old = folder.with_name(f"{folder.name}.old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    work.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


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
