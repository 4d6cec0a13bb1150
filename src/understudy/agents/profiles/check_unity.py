"""A loader of Unity's contract, version 3, as strict as ML-Agents' own and stricter where that fails silently."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from understudy.agents.profiles.contract import Contract

LOWEST_OPSET, HIGHEST_OPSET = 9, 15
_CHECK_BATCH = 2
# fmt: off
OPERATORS = frozenset(
    (
        "Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip",
        "Concat", "Constant", "ConstantOfShape", "Conv", "ConvTranspose", "CumSum", "Div", "Elu", "Equal",
        "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gemm",
        "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish",
        "Identity", "InstanceNormalization", "LSTM", "LeakyRelu", "Less", "LessOrEqual", "Log", "LogSoftmax",
        "MatMul", "Max", "MaxPool", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "PRelu", "Pad",
        "Pow", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Range", "Reciprocal",
        "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
        "ReduceSumSquare", "Relu", "Reshape", "Round", "Selu", "Shape", "Sigmoid", "Sign", "Slice", "Softmax",
        "Softplus", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "TopK", "Transpose", "Trilu",
        "Unsqueeze", "Where",
    )
)
# fmt: on
"""Operators that Sentis (now Unity's Inference Engine, ML-Agents 3 and later) reads: those a policy may be made of."""


@dataclass(frozen=True)
class UnityModel:
    """What ML-Agents learns from a model.

    Attributes:
        observations: The shape of each `obs_<i>`, without the batch.
        branches: Classes of each discrete branch.
        continuous: Numbers of the continuous action.
        memory: Numbers of the memory.
        opset: Of the file.
    """

    observations: tuple[tuple[int, ...], ...]
    branches: tuple[int, ...]
    continuous: int
    memory: int
    opset: int


def check_unity(path: Path | str) -> UnityModel:
    """Load a model as ML-Agents would.

    Args:
        path: Of the `.onnx` file.

    Returns:
        What it says of itself.

    Raises:
        BundleError: If it breaks the contract; the sentence says where.
    """
    file = Contract(path, "Unity")
    file.require_opset(LOWEST_OPSET, HIGHEST_OPSET)
    unknown = sorted(file.operators - OPERATORS)
    file.require(not unknown, f"Unity does not read the operators {', '.join(unknown)}.")
    version = file.constant("version_number").ravel().tolist()
    file.require(version == [3.0], f"version_number is {version}, not 3.")
    memory = int(file.constant("memory_size").ravel()[0])
    branches = _branches(file)
    continuous = _continuous(file)
    file.require(bool(branches) or continuous > 0, "it has neither discrete_actions nor continuous_actions.")
    observations = _observations(file)
    _check_inputs(file, len(observations), branches, memory)
    _check_masks(file, branches)
    return UnityModel(observations, branches, continuous, memory, file.model.opset_import[0].version)


def _branches(file: Contract) -> tuple[int, ...]:
    if "discrete_actions" not in file.outputs:
        return ()
    shape = file.constant("discrete_action_output_shape")
    file.require(shape.ndim == 2 and len(shape) == 1, "discrete_action_output_shape is not of shape (1, branches).")
    branches = tuple(int(each) for each in shape[0])
    for name in ("discrete_actions", "deterministic_discrete_actions"):
        file.require_tensor(name, "int64", (None, len(branches)))
    return branches


def _continuous(file: Contract) -> int:
    if "continuous_actions" not in file.outputs:
        return 0
    size = int(file.constant("continuous_action_output_shape").ravel()[0])
    for name in ("continuous_actions", "deterministic_continuous_actions"):
        file.require_tensor(name, "float32", (None, size))
    return size


def _observations(file: Contract) -> tuple[tuple[int, ...], ...]:
    names = [name for name in file.inputs if name.startswith("obs_")]
    expected = [f"obs_{index}" for index in range(len(names))]
    file.require(bool(names) and sorted(names) == sorted(expected), "its observations are not obs_0, obs_1 and so on.")
    shapes = []
    for name in expected:
        dims = file.inputs[name][1][1:]
        fixed = tuple(each for each in dims if each)
        file.require(1 <= len(dims) <= 3 and len(fixed) == len(dims), f"'{name}' is not of one to three known sizes.")
        file.require_tensor(name, "float32", (None, *fixed))
        shapes.append(fixed)
    return tuple(shapes)


def _check_inputs(file: Contract, observations: int, branches: tuple[int, ...], memory: int) -> None:
    allowed = {f"obs_{index}" for index in range(observations)}
    if branches:
        file.require_tensor("action_masks", "float32", (None, sum(branches)))
        allowed.add("action_masks")
    if memory:
        for name in ("recurrent_in", "recurrent_out"):
            file.require_tensor(name, "float32", (None, 1, memory))
        allowed.add("recurrent_in")
    unknown = sorted(file.inputs.keys() - allowed)
    file.require(not unknown, f"it has unexpected inputs ({', '.join(unknown)}), with which ML-Agents will not use it.")
    file.require_used(allowed)


def _check_masks(file: Contract, branches: tuple[int, ...]) -> None:
    """Allow one class of a branch at a time: that class must be the action, drawn and likeliest alike."""
    first = 0
    for branch, classes in enumerate(branches):
        for allowed in range(classes):
            feed = file.zeros(_CHECK_BATCH)
            feed["action_masks"][:] = 1
            feed["action_masks"][:, first : first + classes] = np.arange(classes) == allowed
            found = file.run(feed)
            for name in ("discrete_actions", "deterministic_discrete_actions"):
                obeyed = bool((found[name][:, branch] == allowed).all())
                file.require(obeyed, f"{name} does a masked action in branch {branch}.")
        first += classes
