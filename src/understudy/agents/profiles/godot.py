"""The profile of Godot RL Agents: one input per key of the observation, one row of numbers for the whole action.

The plug-in takes the largest number of each choice, and looks for one above 0, so the scores of a choice are shifted to
start at 1. Where there are choices too, it skips as many numbers behind a continuous action as that has itself (the
logarithms of deviations, which some trainers write). Source: `sync.gd` and `ONNXInference.cs` of
`godot_rl_agents_plugin`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.layout import Choice, Layout
from understudy.agents.profiles.nodes import BATCH, GraphBuilder, Model
from understudy.agents.profiles.play import bind_constants, chosen, class_logits, clip_noise, likeliest, unit_numbers
from understudy.agents.profiles.policy import PolicyGraph
from understudy.spec import SensorSpec

OPSET = 17
NO_DEVIATION = -20.0
"""The logarithm of the deviation of a number that is not drawn."""
_FIRST_SCORE = 1.0


@dataclass(frozen=True)
class GodotKey:
    """One entry of the game's `get_action_space()`, in the order it must have there.

    Attributes:
        name: Its key.
        size: Classes of a choice, or numbers.
        discrete: Whether it is a choice.
    """

    name: str
    size: int
    discrete: bool


def godot_keys(layout: Layout, order: Sequence[str]) -> list[GodotKey]:
    """Return the game's action keys; `order` is the names of the parts."""
    keys = []
    for name in order:
        keys += [GodotKey(each.name, each.classes, True) for each in layout.choices if each.part.name == name]
        keys += [GodotKey(each.name, each.num_labels, False) for each in layout.numbers if each.name == name]
    return keys


def observation_keys(bundle: Bundle) -> dict[str, SensorSpec]:
    """Return the sensor behind each key: `obs` for an only one, as older plug-ins have it, else the sensors' names."""
    sensors = bundle.behavior.sensors
    return {"obs": sensors[0]} if len(sensors) == 1 else {each.name: each for each in sensors}


def build_godot(
    bundle: Bundle, layout: Layout, *, carries_state: bool, noise_inside: bool, sampled: bool = False
) -> Model:
    """Return the model.

    Args:
        bundle: To convert; its default style is the one that plays.
        layout: Of its logits.
        carries_state: Whether the policy has a memory; its `state_ins` then has a column for each number of it.
        noise_inside: Whether the graph draws its own noise, or has an input `noise`, to be compared with the bundle.
        sampled: Whether it draws actions as the bundle does, rather than taking the likeliest.

    Raises:
        BundleError: If the policy cannot be said in what the plug-in reads.
    """
    graph = GraphBuilder(OPSET)
    policy = PolicyGraph(bundle, OPSET)
    keys = observation_keys(bundle)
    first = next(iter(keys))
    inputs = {f"observation.{sensor.name}": _read_key(graph, key, sensor) for key, sensor in keys.items()}
    inputs |= bind_constants(graph, bundle, first)
    state = graph.input("state_ins", (BATCH, bundle.state_size) if carries_state else (BATCH,))
    if carries_state:
        inputs["state"] = state
    inputs["noise"] = noise = _noise(graph, bundle, first, sampled, noise_inside)
    logits = policy.add_trunk(graph, inputs)
    sure = likeliest(graph, layout, logits)
    drawn = policy.add_tail(graph, "drawn", logits if sampled else sure.logits, noise, inputs)
    scores = (
        [_one_hot(graph, *each) for each in zip(layout.choices, chosen(graph, layout, drawn), strict=True)]
        if sampled
        else [_shift(graph, class_logits(graph, each, logits)) for each in layout.choices]
    )
    _write_outputs(graph, bundle, layout, scores, drawn, state if not carries_state else "")
    return graph.finish({"understudy.profile": "godot", "understudy.bundle": bundle.digest})


def _read_key(graph: GraphBuilder, key: str, sensor: SensorSpec) -> str:
    shape = tuple(sensor.space.shape)
    value = graph.reshape(graph.input(key, (BATCH, math.prod(shape))), -1, *shape)
    if np.issubdtype(sensor.space.dtype, np.integer):
        value = graph("Round", value)
    return graph("Cast", value, to=graph.kind(sensor.space.dtype))


def _noise(graph: GraphBuilder, bundle: Bundle, like: str, sampled: bool, inside: bool) -> str:
    if not sampled:
        return graph.rows_of(like, bundle.noise_size, 0.5)
    if not inside:
        return clip_noise(graph, graph.input("noise", (BATCH, bundle.noise_size)))
    blank = graph.rows_of(like, bundle.noise_size)
    return clip_noise(graph, graph("RandomUniformLike", blank, low=0.0, high=1.0, dtype=1))


def _shift(graph: GraphBuilder, scores: str) -> str:
    lowest = graph("ReduceMin", scores, axes=[1], keepdims=1)
    return graph("Add", graph("Sub", scores, lowest), graph.constant(_FIRST_SCORE))


def _one_hot(graph: GraphBuilder, choice: Choice, index: str) -> str:
    hot = graph("Equal", index, graph.constant([range(choice.classes)], np.int64))
    return graph("Add", graph("Cast", hot, to=1), graph.constant(_FIRST_SCORE))


def _write_outputs(
    graph: GraphBuilder, bundle: Bundle, layout: Layout, scores: list[str], drawn: Mapping[str, str], echo: str
) -> None:
    pieces: dict[str, tuple[str, ...]] = dict.fromkeys(bundle.behavior.action_names, ())
    for choice, score in zip(layout.choices, scores, strict=True):
        pieces[choice.part.name] += (score,)
    for part, numbers in zip(layout.numbers, unit_numbers(graph, layout, drawn), strict=True):
        spread = graph("Add", graph("Mul", numbers, graph.constant(0.0)), graph.constant(NO_DEVIATION))
        pieces[part.name] = (numbers, spread) if layout.choices else (numbers,)
    total = godot_width(layout)
    graph("Concat", *(name for of_part in pieces.values() for name in of_part), axis=1, out="output")
    graph.output("output", (BATCH, total))
    if echo:
        graph("Identity", echo, out=graph.output("state_outs", (BATCH,)))
    else:
        graph("Identity", drawn["next_state"], out=graph.output("state_outs", (BATCH, bundle.state_size)))


def godot_width(layout: Layout) -> int:
    """Return how many numbers `output` has."""
    choices = sum(each.classes for each in layout.choices)
    return choices + layout.num_numbers * (2 if layout.choices else 1)
