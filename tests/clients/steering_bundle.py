"""A bundle that steers by its rays, built node by node: the same small policy plays in every engine's example.

It turns to the side where it sees further, smoothed over decisions by its state, and walks slower near a wall. With
every ray at its reach it goes straight ahead: a blinded bot walks into what a seeing one walks around.

    python tests/clients/steering_bundle.py bots/walker
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from gymnasium import spaces
from onnx import TensorProto, checker, helper, numpy_helper

from understudy.agents.bundle import Bundle, write_bundle
from understudy.sensors.rays import RayFan
from understudy.spec import ActionSpec, BehaviorSpec

NUM_RAYS = 15
REACH = 10.0
MAX_TURN = 30.0
FAN = RayFan.even(NUM_RAYS, 180, reach=REACH, units="m")
BEHAVIOR = BehaviorSpec(
    "corridor",
    (FAN.spec("rays"),),
    (
        ActionSpec("turn", spaces.Box(-MAX_TURN, MAX_TURN, (1,), np.float32), "degrees per decision"),
        ActionSpec("pace", spaces.Discrete(3), labels=("stop", "walk", "run")),
        ActionSpec("buttons", spaces.MultiBinary(2), labels=("jump", "use")),
    ),
    10.0,
)
STYLES = {"even": (0.0,), "lefty": (-0.5,)}
INPUTS = {"observation.rays": (NUM_RAYS, 2), "state": (1,), "noise": (1,), "style": (1,)}
OUTPUTS = {
    "action.turn": (TensorProto.FLOAT, (1,)),
    "action.pace": (TensorProto.INT64, ()),
    "action.buttons": (TensorProto.INT8, (2,)),
    "next_state": (TensorProto.FLOAT, (1,)),
    "logits": (TensorProto.FLOAT, (1,)),
}


def make_steering_bundle(folder: Path, name: str = "walker") -> Bundle:
    """Write the bundle and return it."""
    sizes = {"state_size": 1, "noise_size": 1, "logits_size": 1, "style_size": 1}
    return write_bundle(
        folder,
        make_graph(),
        None,
        name=name,
        behavior=BEHAVIOR,
        provenance={},
        certificate={},
        styles=STYLES,
        **sizes,
    )


def make_graph() -> bytes:
    """Return the policy's ONNX graph.

    steer = clip(2 mean(sin-like weights * distances) + 0.5 near + style); state' = (state + steer) / 2.
    """
    nodes = [
        node("Split", ["observation.rays", "columns"], ["column", "hit"], axis=2),
        node("Squeeze", ["column", "last"], ["metres"]),
        node("Div", ["metres", "reach"], ["far"]),
        node("MatMul", ["far", "sides"], ["longer_side"]),
        node("Gather", ["far", "middle"], ["ahead_rays"], axis=1),
        node("ReduceMin", ["ahead_rays"], ["ahead"], axes=[1], keepdims=1),
        node("Sub", ["quarter", "ahead"], ["nearness"]),
        node("Relu", ["nearness"], ["near"]),
        node("Mul", ["near", "two"], ["evade"]),
        node("Sum", ["longer_side", "evade", "style"], ["wish"]),
        node("Clip", ["wish", "minus_one", "one"], ["logits"]),
        node("Add", ["state", "logits"], ["doubled"]),
        node("Div", ["doubled", "two"], ["next_state"]),
        node("Mul", ["next_state", "max_turn"], ["action.turn"]),
        *choice_nodes(),
    ]
    return finish(nodes, weights())


def choice_nodes() -> list:
    """Return the nodes of `pace` and `buttons`."""
    return [
        node("Greater", ["ahead", "tenth"], ["can_walk"]),
        node("Greater", ["ahead", "half"], ["can_run"]),
        node("Cast", ["can_walk"], ["walks"], to=TensorProto.INT64),
        node("Cast", ["can_run"], ["runs"], to=TensorProto.INT64),
        node("Add", ["walks", "runs"], ["pace_column"]),
        node("Squeeze", ["pace_column", "axis_one"], ["action.pace"]),
        node("Not", ["can_walk"], ["blocked"]),
        node("Concat", ["blocked", "can_run"], ["pressed"], axis=1),
        node("Cast", ["pressed"], ["action.buttons"], to=TensorProto.INT8),
    ]


def weights() -> dict[str, np.ndarray]:
    """Return the graph's constants by name."""
    angles = np.deg2rad(FAN.angles)
    sides = np.sign(angles) * np.cos(angles)
    numbers = {"reach": REACH, "quarter": 0.25, "two": 2.0, "minus_one": -1.0, "one": 1.0, "tenth": 0.1, "half": 0.5}
    numbers["max_turn"] = MAX_TURN
    return {
        **{name: np.float32(number) for name, number in numbers.items()},
        "sides": (2 * sides / np.abs(sides).sum()).astype(np.float32)[:, None],
        "columns": np.array([1, 1], np.int64),
        "last": np.array([2], np.int64),
        "axis_one": np.array([1], np.int64),
        "middle": np.array([6, 7, 8], np.int64),
    }


def node(op: str, inputs: list[str], outputs: list[str], **attributes: object) -> object:
    """Return a node."""
    return helper.make_node(op, inputs, outputs, **attributes)


def finish(nodes: list, constants: dict[str, np.ndarray]) -> bytes:
    """Return the checked model."""
    inputs = [tensor(name, TensorProto.FLOAT, shape) for name, shape in INPUTS.items()]
    outputs = [tensor(name, *form) for name, form in OUTPUTS.items()]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "policy", inputs, outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def tensor(name: str, dtype: int, shape: tuple[int, ...]) -> object:
    """Return what the graph says of an input or output."""
    return helper.make_tensor_value_info(name, dtype, ["batch", *shape])


if __name__ == "__main__":
    print(f"Wrote {make_steering_bundle(Path(sys.argv[1])).folder}")
