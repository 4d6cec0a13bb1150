"""A loader of Godot RL Agents' contract: what `ONNXInference.cs` feeds a model with and reads from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.agents.profiles.contract import Contract
from understudy.agents.profiles.godot import GodotKey

LOWEST_OPSET, HIGHEST_OPSET = 9, 17


@dataclass(frozen=True)
class GodotModel:
    """What the plug-in learns from a model.

    Attributes:
        observations: The size of each key's input.
        width: Numbers of `output`.
        memory: Numbers of `state_ins` for one agent; 0 if it is the plug-in's own single one, which means nothing.
        opset: Of the file.
    """

    observations: dict[str, int]
    width: int
    memory: int
    opset: int


def check_godot(path: Path | str, keys: Sequence[GodotKey] | None = None) -> GodotModel:
    """Load a model as the plug-in would.

    Args:
        path: Of the `.onnx` file.
        keys: Of the game's `get_action_space()`, in order, to check the width and the scores by.

    Returns:
        What it says of itself.

    Raises:
        BundleError: If it breaks the contract; the sentence says where.
    """
    file = Contract(path, "Godot RL")
    file.require_opset(LOWEST_OPSET, HIGHEST_OPSET)
    file.require(list(file.outputs) == ["output", "state_outs"], "its outputs are not 'output' and 'state_outs'.")
    observations = _observations(file)
    file.require("state_ins" in file.inputs, "it has no input 'state_ins'.")
    dims = file.inputs["state_ins"][1]
    file.require(len(dims) in (1, 2), "'state_ins' has neither one nor two dimensions.")
    for name in ("state_ins", "state_outs"):
        file.require_tensor(name, "float32", dims)
    width = file.outputs["output"][1][-1]
    file.require(width is not None, "the width of 'output' is not in the file, where the plug-in looks for it.")
    file.require_tensor("output", "float32", (None, width))
    file.require_used(file.inputs)
    _check_output(file, int(width or 0), keys)
    memory = int(dims[1] or 0) if len(dims) == 2 else 0
    return GodotModel(observations, int(width or 0), memory, file.model.opset_import[0].version)


def _observations(file: Contract) -> dict[str, int]:
    sizes = {}
    for name, (dtype, dims) in file.inputs.items():
        if name == "state_ins":
            continue
        file.require(dtype == "float32", f"'{name}' is {dtype}, not float32.")
        file.require(len(dims) == 2 and dims[1] is not None, f"'{name}' is not of shape (batch, size).")
        sizes[name] = int(dims[1] or 0)
    file.require(bool(sizes), "it has no input for an observation.")
    return sizes


def _check_output(file: Contract, width: int, keys: Sequence[GodotKey] | None) -> None:
    """Run it with a batch of one, as the plug-in does, and read the row by the game's keys."""
    row = file.run(file.zeros(1))["output"][0]
    file.require(bool(np.isfinite(row).all()), "'output' is not finite for an observation of zeros.")
    if keys is None:
        return
    mixed = any(each.discrete for each in keys)
    sizes = [each.size * (1 if each.discrete or not mixed else 2) for each in keys]
    file.require(sum(sizes) == width, f"'output' has {width} numbers; the game's actions take {sum(sizes)}.")
    for key, end in zip(keys, np.cumsum(sizes), strict=True):
        piece = row[end - key.size * (1 if key.discrete or not mixed else 2) : end][: key.size]
        # The plug-in looks for the largest score above 0, so that a row of negative ones would always be choice 0.
        positive = not key.discrete or float(piece.max()) > 0
        file.require(positive, f"no score of '{key.name}' is above 0, where the plug-in begins to look.")
        within = key.discrete or math.isclose(max(1.0, float(np.abs(piece).max())), 1.0)
        file.require(within, f"'{key.name}' is outside [-1, 1].")
