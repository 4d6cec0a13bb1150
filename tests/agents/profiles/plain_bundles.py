"""Small bundles built node by node, to try what torch's exporter never writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle, write_bundle
from understudy.agents.profiles.nodes import BATCH, GraphBuilder
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

MOVE = ActionSpec("move", spaces.Discrete(3))
BUTTONS = ActionSpec("buttons", spaces.MultiBinary(2), labels=("fire", "use"))
TURN = ActionSpec("turn", spaces.Box(np.array([-90, 0], np.float32), np.array([90, 10], np.float32)))
SENSORS = (SensorSpec("rays", spaces.Box(-np.inf, np.inf, (3,), np.float32)),)
SLOT = SensorSpec("slot", spaces.Box(0, 9, (2,), np.int32))
HIDDEN = 5


def write_plain(
    folder: Path,
    parts: Sequence[ActionSpec],
    *,
    seed: int = 0,
    style_size: int = 0,
    sensors: Sequence[SensorSpec] = SENSORS,
    opset: int = 17,
    odd: str = "",
) -> Bundle:
    """Write a recurrent policy with random weights.

    Args:
        folder: Of the bundle.
        parts: Of the action.
        seed: Of the weights.
        style_size: Numbers of a style; with styles, there are two, "calm" and "wild".
        sensors: To read.
        opset: Of the graph.
        odd: What is strange about it: "operator", "past logits", "shared logits" or "".
    """
    build = _Policy(parts, np.random.default_rng(seed), opset, odd)
    model = build(sensors, style_size)
    styles = {"calm": [0.0] * style_size, "wild": [2.0] * style_size} if style_size else {}
    return write_bundle(
        folder,
        model.SerializeToString(),
        None,
        name="plain",
        behavior=BehaviorSpec("plain", tuple(sensors), tuple(parts), 10.0),
        state_size=HIDDEN,
        noise_size=build.width,
        logits_size=build.width,
        style_size=style_size,
        styles=styles,
        provenance={},
        certificate={},
    )


class _Policy:
    def __init__(self, parts: Sequence[ActionSpec], rng: np.random.Generator, opset: int, odd: str) -> None:
        self._graph = GraphBuilder(opset)
        self._parts = parts
        self._rng = rng
        self._odd = odd
        self.width = sum(each.num_labels for each in parts)

    def __call__(self, sensors: Sequence[SensorSpec], style_size: int) -> Any:
        graph = self._graph
        seen = [
            graph.input(f"observation.{each.name}", (BATCH, *each.space.shape), each.space.dtype) for each in sensors
        ]
        seen = [graph("Cast", each, to=1) for each in seen]
        size = sum(each.space.shape[0] for each in sensors)
        state = graph.input("state", (BATCH, HIDDEN))
        joined = graph("Concat", *seen, state, axis=1)
        if style_size:
            joined = graph("Concat", joined, graph.input("style", (BATCH, style_size)), axis=1)
        hidden = graph("Tanh", self._linear(joined, size + HIDDEN + style_size, HIDDEN))
        if self._odd == "operator":
            hidden = graph("Gelu", hidden)
        graph("Identity", hidden, out=graph.output("next_state", (BATCH, HIDDEN)))
        logits = self._linear(hidden, HIDDEN, self.width)
        graph("Identity", logits, out=graph.output("logits", (BATCH, self.width)))
        noise = graph.input("noise", (BATCH, self.width))
        self._draw(hidden if self._odd == "past logits" else "logits", noise)
        return graph.finish({})

    def _draw(self, logits: str, noise: str) -> None:
        at = 0
        if logits != "logits":
            logits = self._linear(logits, HIDDEN, self.width)
        for part in self._parts:
            columns = list(range(at, at + part.num_labels))
            at += part.num_labels
            self._draw_part(part, self._graph.columns(logits, columns), self._graph.columns(noise, columns))

    def _draw_part(self, part: ActionSpec, logits: str, noise: str) -> None:
        graph = self._graph
        out = graph.output(f"action.{part.name}", (BATCH, *part.shape), part.dtype)
        if isinstance(part.space, spaces.Discrete):
            shaken = graph("Add", logits, graph("Mul", noise, graph.constant(3.0)))
            if self._odd == "shared logits":
                shaken = graph("Mul", shaken, graph.constant([[1.0, 1.0, 0.0]]))
            graph("ArgMax", shaken, axis=1, keepdims=0, out=out)
        elif isinstance(part.space, spaces.MultiBinary):
            graph("Cast", graph("Less", noise, graph("Sigmoid", logits)), to=3, out=out)
        else:
            low, high = (each.reshape(1, -1) for each in (part.space.low, part.space.high))
            unit = graph("Tanh", graph("Add", logits, graph("Sub", noise, graph.constant(0.5))))
            scaled = graph("Mul", unit, graph.constant((high - low) / 2))
            graph("Add", scaled, graph.constant((high + low) / 2), out=out)

    def _linear(self, value: str, inputs: int, outputs: int) -> str:
        weights = self._rng.normal(0, inputs**-0.5 * 2, (inputs, outputs))
        return self._graph("MatMul", value, self._graph.constant(weights))
