"""A bundle's graph for a server that only carries tensors from one request of a sequence to the next.

Around the policy: its noise is drawn inside, from `seed` and the number of decisions so far, which is carried like the
memory. So a sequence of Triton, with implicit state, plays exactly as our own server does with the same seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.errors import BundleError, require
from understudy.serving.fleet.noise_graph import Nodes, add_noise

OPSET = 18
"""The first with bitwise operators on integers, which the noise needs."""

SEED, STYLE = "seed", "style"
MEMORY_IN, MEMORY_OUT = "memory.in", "memory.out"
DECISION_IN, DECISION_OUT = "decision.in", "decision.out"

_INNER = "policy/"


def sequence_graph(bundle: Bundle) -> bytes:
    """Return the graph.

    Its inputs are the sensors by name, `seed` int64 (batch, 1), `style` if the bundle takes one, and what is carried:
    `memory.in` float32 (batch, state_size) and `decision.in` int64 (batch, 1), both zeros at first. Its outputs are the
    action parts by name, a single choice as (batch, 1), then `memory.out` and `decision.out`.

    Raises:
        BundleError: If the policy cannot be brought to opset 18.
    """
    onnx: Any = require("onnx", "train")
    compose: Any = require("onnx.compose", "train")
    policy = compose.add_prefix(_upgraded(onnx, bundle), _INNER)
    nodes = Nodes("around")
    _add_inputs(nodes, bundle)
    before, nodes.nodes = nodes.nodes, []
    outputs = _add_outputs(onnx, nodes, bundle)
    del policy.graph.input[:], policy.graph.output[:]
    policy.graph.input.extend(_inputs(onnx, bundle))
    policy.graph.output.extend(outputs)
    policy.graph.initializer.extend(nodes.constants)
    inner = list(policy.graph.node)
    del policy.graph.node[:]
    policy.graph.node.extend([*before, *inner, *nodes.nodes])
    onnx.checker.check_model(policy)
    return policy.SerializeToString()


def _upgraded(onnx: Any, bundle: Bundle) -> Any:
    policy = onnx.load_model(bundle.policy_path)
    opset = next(each.version for each in policy.opset_import if each.domain in ("", "ai.onnx"))
    if opset >= OPSET:
        return policy
    converter: Any = require("onnx.version_converter", "train")
    try:
        return converter.convert_version(policy, OPSET)
    except Exception as error:  # onnx raises RuntimeError and its own kinds
        raise BundleError(
            f"{bundle.policy_path} cannot be brought from ONNX opset {opset} to {OPSET} ({error}); export the bundle "
            "with a newer opset."
        ) from error


def _add_inputs(nodes: Nodes, bundle: Bundle) -> None:
    """Feed the policy's inputs."""
    for name in bundle.behavior.sensor_names:
        nodes("Identity", name, out=f"{_INNER}observation.{name}")
    nodes("Identity", MEMORY_IN, out=f"{_INNER}state")
    nodes("Identity", add_noise(nodes, SEED, DECISION_IN, bundle.noise_size), out=f"{_INNER}noise")
    if bundle.style_size:
        nodes("Identity", STYLE, out=f"{_INNER}style")


def _add_outputs(onnx: Any, nodes: Nodes, bundle: Bundle) -> list[Any]:
    """Give the policy's outputs their names here, and count the decision."""
    row = nodes.constant(np.array([1], np.int64))
    for part in bundle.behavior.actions:
        inner = f"{_INNER}action.{part.name}"
        if part.shape:
            nodes("Identity", inner, out=part.name)
        else:
            nodes("Unsqueeze", inner, row, out=part.name)
    nodes("Identity", f"{_INNER}next_state", out=MEMORY_OUT)
    nodes("Add", DECISION_IN, row, out=DECISION_OUT)
    parts = [_value(onnx, each.name, each.dtype, each.shape or (1,)) for each in bundle.behavior.actions]
    return [
        *parts,
        _value(onnx, MEMORY_OUT, np.float32, (bundle.state_size,)),
        _value(onnx, DECISION_OUT, np.int64, (1,)),
    ]


def _inputs(onnx: Any, bundle: Bundle) -> list[Any]:
    values = [_value(onnx, each.name, each.space.dtype, each.space.shape) for each in bundle.behavior.sensors]
    values.append(_value(onnx, SEED, np.int64, (1,)))
    if bundle.style_size:
        values.append(_value(onnx, STYLE, np.float32, (bundle.style_size,)))
    values.append(_value(onnx, MEMORY_IN, np.float32, (bundle.state_size,)))
    return [*values, _value(onnx, DECISION_IN, np.int64, (1,))]


def _value(onnx: Any, name: str, dtype: Any, shape: tuple[int, ...]) -> Any:
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return onnx.helper.make_tensor_value_info(name, kind, ["batch", *shape])
