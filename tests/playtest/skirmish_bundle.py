"""A bundle for skirmish, built node by node: runs the way to site a, turning as far as its style says by chance.

Its styles are how much it wavers; its skill dial is how rarely it shoots at nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from understudy.agents.bundle import Bundle, write_bundle
from understudy.envs.skirmish.behavior import skirmish_behavior

BEHAVIOR = skirmish_behavior(["ways"])
STYLES = {"rusher": (0.0, 0.5), "anchor": (1.0, 0.5)}
_CHOICES = ("move", "gait", "fire", "act")


def make_skirmish_bundle(folder: Path, provenance: Mapping[str, object] | None = None) -> Bundle:
    """Write the bundle and return it."""
    sizes = {"state_size": 1, "noise_size": 4, "logits_size": 1, "style_size": 2}
    return write_bundle(
        folder,
        _graph(),
        None,
        name="runner",
        behavior=BEHAVIOR,
        provenance=provenance or {},
        certificate={},
        styles=STYLES,
        has_skill=True,
        **sizes,
    )


def _graph() -> bytes:
    def node(op: str, inputs: list[str], outputs: list[str], **attributes: object) -> object:
        return helper.make_node(op, inputs, outputs, **attributes)

    nodes = [
        node("Flatten", ["observation.ways"], ["flat"]),
        node("Gather", ["flat", "first"], ["sine"], axis=1),
        node("Split", ["noise", "four"], ["n0", "n1", "n2", "n3"], axis=1),
        node("Split", ["style", "two"], ["waver", "skill"], axis=1),
        node("Sub", ["n0", "half"], ["centred"]),
        node("Mul", ["centred", "waver"], ["wavering"]),
        node("Add", ["sine", "wavering"], ["wish"]),
        node("Mul", ["wish", "twenty"], ["turn_column"]),
        node("Squeeze", ["turn_column", "axis"], ["action.turn"]),
        node("Mul", ["centred", "zero"], ["pitch_column"]),
        node("Squeeze", ["pitch_column", "axis"], ["action.pitch"]),
        node("Less", ["n1", "mostly"], ["moves"]),
        node("Greater", ["n2", "skill"], ["shoots"]),
        node("Less", ["n3", "zero"], ["never"]),
        *(
            each
            for part, flag in zip(_CHOICES, ("moves", "never", "shoots", "never"), strict=True)
            for each in (
                node("Cast", [flag], [f"{part}_column"], to=TensorProto.INT64),
                node("Squeeze", [f"{part}_column", "axis"], [f"action.{part}"]),
            )
        ),
        node("Add", ["state", "one"], ["next_state"]),
        node("Identity", ["wish"], ["logits"]),
    ]
    constants = {
        "first": np.array([0], np.int64),
        "four": np.ones(4, np.int64),
        "two": np.ones(2, np.int64),
        "axis": np.array([1], np.int64),
        **{name: np.float32(v) for name, v in {"half": 0.5, "zero": 0, "one": 1, "twenty": 20, "mostly": 0.9}.items()},
    }
    inputs = {"observation.ways": (5, 3), "state": (1,), "noise": (4,), "style": (2,)}
    kinds = {"turn": TensorProto.FLOAT, "pitch": TensorProto.FLOAT, **dict.fromkeys(_CHOICES, TensorProto.INT64)}
    outputs = {
        **{f"action.{name}": (kind, ()) for name, kind in kinds.items()},
        "next_state": (TensorProto.FLOAT, (1,)),
        "logits": (TensorProto.FLOAT, (1,)),
    }
    graph = helper.make_graph(
        nodes,
        "policy",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape]) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, kind, ["batch", *shape]) for name, (kind, shape) in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())
