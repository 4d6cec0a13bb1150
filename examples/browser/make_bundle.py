"""Write the bundle that `index.html` plays: a reflex that walks through an arena without touching its walls.

    python examples/browser/make_bundle.py runs/wanderer
    understudy serve runs/wanderer --web-port 8050

Nothing is learned here: the graph is written node by node, so that the example needs no logs and no torch. It turns to
where the rays are longer, and walks more slowly the nearer the wall ahead is. Its one number of memory is the side it
last turned to, which decides in corners where both sides look alike.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from onnx import TensorProto, helper, numpy_helper

from understudy.agents.bundle import Bundle, write_bundle
from understudy.sensors.rays import RayFan
from understudy.spec import ActionSpec, BehaviorSpec

FAN = RayFan(angles=(-90.0, -60.0, -35.0, -15.0, 0.0, 15.0, 35.0, 60.0, 90.0), reach=160.0, units="pixels")
BEHAVIOR = BehaviorSpec(
    "wanderer",
    (FAN.spec("rays"),),
    (
        ActionSpec("turn", spaces.Box(-20, 20, (1,), np.float32), "degrees per decision, positive to the right"),
        ActionSpec("speed", spaces.Box(0, 1, (1,), np.float32), "of the fastest walk"),
    ),
    10.0,
)
NUM_RAYS = len(FAN.angles)


def make_bundle(folder: Path) -> Bundle:
    """Write the bundle into `folder` and return it."""
    return write_bundle(
        folder,
        make_graph(),
        None,
        name="wanderer",
        behavior=BEHAVIOR,
        state_size=1,
        noise_size=1,
        logits_size=2,
        provenance={"made_by": "examples/browser/make_bundle.py"},
        certificate={},
    )


def make_graph() -> bytes:
    """Return the reflex as an ONNX graph."""
    weights = {
        "first": np.array(0, np.int64),
        "reach": np.float32(FAN.reach),
        "looks": _looks(),
        "one": np.float32(1),
        "half": np.float32(0.5),
        "third": np.float32(0.3),
        "most": np.float32(0.7),
        "sharp": np.float32(10),
        "far": np.float32(20),
        "ones": np.array([1, 1], np.int64),
    }
    nodes = [
        _node("Gather", "observation.rays", "first", out="pixels", axis=2),
        _node("Div", "pixels", "reach", out="distance"),
        _node("MatMul", "distance", "looks", out="seen"),
        helper.make_node("Split", ["seen", "ones"], ["steer", "ahead"], axis=1),
        # Where both sides look alike, go on to the side that was last turned to, the more the nearer the wall.
        _node("Mul", "state", "sharp", out="side"),
        _node("Tanh", "side", out="last_side"),
        _node("Sub", "one", "ahead", out="near"),
        _node("Mul", "near", "last_side", out="commit"),
        _node("Sub", "noise", "half", out="centred"),
        _node("Sum", "steer", "commit", "commit", "centred", out="wish"),
        _node("Tanh", "wish", out="turned"),
        _node("Mul", "turned", "far", out="action.turn"),
        _node("Sub", "ahead", "third", out="room"),
        _node("Mul", "room", "sharp", out="hurry"),
        _node("Sigmoid", "hurry", out="action.speed"),
        _node("Mul", "state", "most", out="kept"),
        _node("Mul", "turned", "third", out="added"),
        _node("Add", "kept", "added", out="next_state"),
        _node("Concat", "wish", "ahead", out="logits", axis=1),
    ]
    inputs = {"observation.rays": (NUM_RAYS, 2), "state": (1,), "noise": (1,)}
    outputs = {"action.turn": (1,), "action.speed": (1,), "next_state": (1,), "logits": (2,)}
    graph = helper.make_graph(
        nodes,
        "wanderer",
        [_value(name, shape) for name, shape in inputs.items()],
        [_value(name, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _looks() -> np.ndarray:
    """What each ray says: of the side to turn to (positive: right), and of the room ahead; float32 (rays, 2)."""
    angles = np.array(FAN.angles)
    steer = np.sign(angles) * np.cos(np.radians(angles) / 2) * 2
    ahead = (np.abs(angles) <= 15) / np.count_nonzero(np.abs(angles) <= 15)
    return np.stack([steer, ahead], axis=1).astype(np.float32)


def _node(op: str, *inputs: str, out: str, **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), [out], **attributes)


def _value(name: str, shape: tuple[int, ...]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/browser/make_bundle.py FOLDER")
    print(f"Serve it: understudy serve {make_bundle(Path(sys.argv[1])).folder} --web-port 8050")
