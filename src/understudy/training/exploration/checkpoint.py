"""Checkpoints of an exploration without pickle: tensors in safetensors, the rest in JSON, replaced in one rename."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from understudy.errors import RecipeError
from understudy.training.checkpoint import find_checkpoint

_TENSORS = "tensors.safetensors"
_STATE = "state.json"


@dataclass(frozen=True)
class Learned:
    """All that learning changes.

    Attributes:
        modules: By name, with their buffers.
        optimizers: By name.
    """

    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def save(self, folder: Path, state: Mapping[str, Any]) -> None:
        """Write it with a state in JSON, replacing `folder` as a whole."""
        tensors = {f"{name}.{key}": value for name, each in self.modules.items() for key, value in _tensors(each)}
        for name, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                for key, value in moments.items():
                    tensors[f"optimizer.{name}.{index}.{key}"] = torch.as_tensor(value)
        work = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        save_file({key: value.detach().clone().contiguous() for key, value in tensors.items()}, work / _TENSORS)
        (work / _STATE).write_text(json.dumps(state))
        # Killed between the two renames, `find_checkpoint` takes the `.old` one.
        old = folder.with_name(f"{folder.name}.old")
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        work.rename(folder)
        shutil.rmtree(old, ignore_errors=True)

    def load(self, folder: Path) -> dict[str, Any] | None:
        """Take over what `save` wrote and return the state, or None if there is no checkpoint.

        Raises:
            RecipeError: If it is of networks of another shape.
        """
        state = read_state(folder)
        if state is None:
            return None
        home = find_checkpoint(folder)
        assert home is not None
        tensors = load_file(home / _TENSORS)
        try:
            for name, each in self.modules.items():
                each.load_state_dict(_below(f"{name}.", tensors))
        except RuntimeError as error:
            raise RecipeError(f"The checkpoint {home} is of networks of another shape; use a new folder.") from error
        for name, optimizer in self.optimizers.items():
            _load_moments(optimizer, _below(f"optimizer.{name}.", tensors))
        return state


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return the state of the checkpoint in `folder`, or None if there is none; raises `RecipeError` if damaged."""
    home = find_checkpoint(folder)
    if home is None:
        return None
    try:
        form = json.loads((home / _STATE).read_text())
    except (OSError, ValueError) as error:
        raise RecipeError(f"{home / _STATE} cannot be read ({error}); explore into a new folder.") from error
    if not isinstance(form, dict) or "iteration" not in form:
        raise RecipeError(f"{home} is no checkpoint of an exploration; explore into a new folder.")
    return form


def _tensors(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    return list(module.state_dict().items())


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in moments.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
