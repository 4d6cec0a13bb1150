"""Bundles built node by node, without torch: the format belongs to nobody's training code.

The policy is a GRU written as MatMul, Sigmoid and Tanh, with one head per kind of action part.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gymnasium import spaces
from onnx import TensorProto, checker, helper, numpy_helper

from understudy.agents.bundle import Bundle, ParitySample, write_bundle
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

HIDDEN = 8
BEHAVIOR = BehaviorSpec(
    "arena",
    (
        SensorSpec("rays", spaces.Box(-np.inf, np.inf, (4,), np.float32)),
        SensorSpec("frame", spaces.Box(0, 255, (2, 3), np.uint8)),
    ),
    (
        ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward")),
        ActionSpec("buttons", spaces.MultiBinary(2)),
        ActionSpec("turn", spaces.Box(-90, 90, (1,), np.float32), "degrees per decision"),
    ),
    10.0,
)


def observe(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Return a batch of observations for `BEHAVIOR`."""
    return {
        "rays": rng.normal(0, 2, (rows, 4)).astype(np.float32),
        "frame": rng.integers(0, 200, (rows, 2, 3), np.uint8),
    }


def make_bundle(
    folder: Path,
    name: str = "rusher",
    seed: int = 0,
    parity: ParitySample | None = None,
    styles: dict[str, list[float]] | None = None,
    hidden: int = HIDDEN,
) -> Bundle:
    """Write a bundle for `BEHAVIOR` whose weights depend on `seed`, and return it.

    With `styles`, of two numbers each, the first number of a style bends its turns.

    Its graph fails at run time where the first number of `frame` is above 200: a policy with a fault of its own.
    """
    return write_bundle(
        folder,
        make_graph(seed, hidden, styled=bool(styles)),
        parity,
        name=name,
        behavior=BEHAVIOR,
        state_size=hidden,
        noise_size=6,
        logits_size=6,
        provenance={},
        certificate={},
        style_size=2 if styles else 0,
        styles=styles or {},
    )


def make_graph(seed: int, hidden: int = HIDDEN, *, styled: bool = False) -> bytes:
    """Return the policy's ONNX graph."""
    graph = Graph(np.random.default_rng(seed))
    rays = "observation.rays"
    frame = graph("Cast", "observation.frame", to=TensorProto.FLOAT)
    flat = graph("Flatten", graph("Div", frame, graph.constant(np.float32(255))))
    flat = graph("Add", flat, fragile_zero(graph))
    seen = graph("Concat", rays, flat, axis=1)
    state = gru_step(graph, seen, "state", 10, hidden)
    graph("Identity", state, out="next_state")
    logits = graph("MatMul", state, graph.weight(hidden, 6), out="logits")
    move, buttons, turn = graph.split(logits, (3, 2, 1))
    for_move, for_buttons, for_turn = graph.split("noise", (3, 2, 1))
    gumbel = graph("Neg", graph("Log", graph("Add", graph("Neg", graph("Log", safe(graph, for_move))), tiny(graph))))
    graph("ArgMax", graph("Add", move, gumbel), out="action.move", axis=1, keepdims=0)
    pressed = graph("Less", for_buttons, graph("Sigmoid", buttons))
    graph("Cast", pressed, out="action.buttons", to=TensorProto.INT8)
    wobble = graph("Sub", for_turn, graph.constant(np.float32(0.5)))
    if styled:
        wobble = graph("Add", wobble, graph("MatMul", "style", graph.constant(np.array([[1], [0]], np.float32))))
    graph("Mul", graph("Tanh", graph("Add", turn, wobble)), graph.constant(np.float32(90)), out="action.turn")
    return graph.finish(
        {"observation.rays": (np.float32, (4,)), "observation.frame": (np.uint8, (2, 3))}
        | {"state": (np.float32, (hidden,)), "noise": (np.float32, (6,))}
        | ({"style": (np.float32, (2,))} if styled else {}),
        {"action.move": (np.int64, ()), "action.buttons": (np.int8, (2,)), "action.turn": (np.float32, (1,))}
        | {"next_state": (np.float32, (hidden,)), "logits": (np.float32, (6,))},
    )


def gru_step(graph: Graph, seen: str, state: str, inputs: int, hidden: int) -> str:
    """Add one step of a GRU; returns the name of the next state."""
    gates = {
        gate: (
            graph("MatMul", seen, graph.weight(inputs, hidden)),
            graph("MatMul", state, graph.weight(hidden, hidden)),
        )
        for gate in ("reset", "update", "new")
    }
    reset = graph("Sigmoid", graph("Add", *gates["reset"]))
    update = graph("Sigmoid", graph("Add", *gates["update"]))
    new = graph("Tanh", graph("Add", gates["new"][0], graph("Mul", reset, gates["new"][1])))
    return graph("Add", new, graph("Mul", update, graph("Sub", state, new)))


def fragile_zero(graph: Graph) -> str:
    """Look up a zero at the index that the first number of `frame` gives, in a table of 201."""
    pixels = graph("Flatten", graph("Cast", "observation.frame", to=TensorProto.INT64))
    first = graph("Gather", pixels, graph.constant(np.array([0], np.int64)), axis=1)
    return graph("Gather", graph.constant(np.zeros(201, np.float32)), first)


def safe(graph: Graph, noise: str) -> str:
    """Keep the noise away from 0, whose logarithm is not finite."""
    return graph("Add", graph("Mul", noise, graph.constant(np.float32(1 - 2e-6))), tiny(graph))


def tiny(graph: Graph) -> str:
    """Return a small constant."""
    return graph.constant(np.float32(1e-6))


class Graph:
    """Adds nodes and weights one at a time; every result gets a name of its own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._nodes: list = []
        self._weights: list = []

    def __call__(self, op: str, *inputs: str, out: str = "", **attributes: object) -> str:
        """Add a node and return its output's name."""
        out = out or f"{op.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [out], **attributes))
        return out

    def constant(self, value: np.ndarray) -> str:
        """Add a constant and return its name."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, *shape: int) -> str:
        """Add a random matrix and return its name."""
        return self.constant(self._rng.normal(0, shape[0] ** -0.5, shape).astype(np.float32))

    def split(self, value: str, sizes: tuple[int, ...]) -> list[str]:
        """Cut `value` along its second dimension."""
        names = [f"split_{len(self._nodes)}_{index}" for index in range(len(sizes))]
        cuts = self.constant(np.array(sizes, np.int64))
        self._nodes.append(helper.make_node("Split", [value, cuts], names, axis=1))
        return names

    def finish(self, inputs: dict, outputs: dict) -> bytes:
        """Return the checked model; `inputs` and `outputs` give dtype and row shape by name."""
        tensors = [
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["batch", *shape])
                for name, (dtype, shape) in arrays.items()
            ]
            for arrays in (inputs, outputs)
        ]
        graph = helper.make_graph(self._nodes, "policy", *tensors, self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        checker.check_model(model, full_check=True)
        return model.SerializeToString()
