"""A bundle with every kind of sensor and action that Godot RL can carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from arena import Graph, gru_step
from gymnasium import spaces
from onnx import TensorProto

from understudy.agents.bundle import Bundle, write_bundle
from understudy.spec import ActionSpec, BehaviorSpec, Observation, SensorSpec

HIDDEN = 6
CAMERA = (3, 4, 3)
BEHAVIOR = BehaviorSpec(
    "godot",
    (
        SensorSpec("rays", spaces.Box(-np.inf, np.inf, (2, 2), np.float32)),
        SensorSpec("camera_2d", spaces.Box(0, 255, CAMERA, np.uint8)),
        SensorSpec("health", spaces.Box(-np.inf, np.inf, (), np.float32)),
        SensorSpec("weapon", spaces.Box(0, 5, (1,), np.int64)),
    ),
    (
        ActionSpec("move", spaces.Discrete(3)),
        ActionSpec("buttons", spaces.MultiBinary(2), labels=("fire", "use")),
        ActionSpec("turn", spaces.Box(np.array([-90, 0], np.float32), np.array([90, 10], np.float32))),
    ),
    10.0,
)
_SIZES = {"rays": 4, "camera_2d": 36, "health": 1, "weapon": 1}


def observe(seed: int, agent: int, step: int) -> Observation:
    """Draw an observation of `BEHAVIOR`."""
    rng = np.random.default_rng((seed, agent, step))
    return {
        "rays": rng.normal(0, 2, (2, 2)).astype(np.float32),
        "camera_2d": rng.integers(0, 256, CAMERA, np.uint8),
        "health": np.float32(rng.normal()),
        "weapon": rng.integers(0, 6, 1),
    }


def make_godot_bundle(folder: Path, name: str, seed: int) -> Bundle:
    """Write a recurrent policy with random weights."""
    graph = Graph(np.random.default_rng(seed))
    seen = graph("Concat", *(_flat(graph, each) for each in _SIZES), axis=1)
    state = gru_step(graph, seen, "state", sum(_SIZES.values()), HIDDEN)
    graph("Identity", state, out="next_state")
    logits = graph("MatMul", state, graph.weight(HIDDEN, 7), out="logits")
    move, buttons, turn = graph.split(logits, (3, 2, 2))
    for_move, for_buttons, for_turn = graph.split("noise", (3, 2, 2))
    graph(
        "ArgMax", graph("Add", move, graph("Mul", for_move, _number(graph, 4))), out="action.move", axis=1, keepdims=0
    )
    pressed = graph("Less", for_buttons, graph("Sigmoid", buttons))
    graph("Cast", pressed, out="action.buttons", to=TensorProto.INT8)
    bent = graph("Tanh", graph("Add", turn, for_turn))
    scaled = graph("Mul", bent, graph.constant(np.array([90, 5], np.float32)))
    graph("Add", scaled, graph.constant(np.array([0, 5], np.float32)), out="action.turn")
    inputs = {f"observation.{each.name}": (each.space.dtype, each.space.shape) for each in BEHAVIOR.sensors}
    outputs = {f"action.{each.name}": (each.dtype, each.shape) for each in BEHAVIOR.actions}
    policy = graph.finish(
        inputs | {"state": (np.float32, (HIDDEN,)), "noise": (np.float32, (7,))},
        outputs | {"next_state": (np.float32, (HIDDEN,)), "logits": (np.float32, (7,))},
    )
    sizes = {"state_size": HIDDEN, "noise_size": 7, "logits_size": 7}
    return write_bundle(folder, policy, None, name=name, behavior=BEHAVIOR, provenance={}, certificate={}, **sizes)


def _flat(graph: Graph, sensor: str) -> str:
    value = graph("Cast", f"observation.{sensor}", to=TensorProto.FLOAT)
    flat = graph("Reshape", value, graph.constant(np.array([-1, _SIZES[sensor]], np.int64)))
    return graph("Div", flat, _number(graph, 255 if sensor == "camera_2d" else 1))


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.float32(value))
