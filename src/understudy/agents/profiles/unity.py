"""The profile of Unity's ML-Agents 2.0 and later: model version 3.

Inputs are `obs_<i>` (sensors sorted by name, as ML-Agents sorts them; pictures as planes of levels from 0 to 1),
`action_masks` and `recurrent_in`. Outputs are drawn actions, the likeliest actions, the next memory, and constants that
say what is what. Source: the inference loader and the exporter of `Unity-Technologies/ml-agents`, a published model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.layout import Layout
from understudy.agents.profiles.nodes import BATCH, GraphBuilder, Model
from understudy.agents.profiles.play import bind_constants, chosen, clip_noise, likeliest, mask_logits, unit_numbers
from understudy.agents.profiles.policy import PolicyGraph
from understudy.errors import BundleError
from understudy.spec import SensorSpec

OPSET = 15
VERSION = 3
_LEVELS = 255.0


def unity_sensors(bundle: Bundle) -> list[SensorSpec]:
    """Return the sensors in the order of `obs_0`, `obs_1` and so on: ML-Agents sorts them by name."""
    return sorted(bundle.behavior.sensors, key=lambda each: each.name)


def unity_shape(sensor: SensorSpec) -> tuple[int, ...]:
    """Return the shape of a sensor's input, without the batch; raises `BundleError` if Unity has none for it."""
    shape = tuple(sensor.space.shape)
    if len(shape) > 3:
        raise BundleError(f"Sensor '{sensor.name}' has {len(shape)} dimensions; Unity's sensors have one to three.")
    return (shape[2], *shape[:2]) if len(shape) == 3 else shape or (1,)


def build_unity(bundle: Bundle, layout: Layout, *, carries_state: bool, noise_inside: bool) -> Model:
    """Return the model.

    Args:
        bundle: To convert; its default style is the one that plays.
        layout: Of its logits.
        carries_state: Whether the policy has a memory.
        noise_inside: Whether the graph draws its own noise, or has an input `noise`, to be compared with the bundle.

    Raises:
        BundleError: If the policy cannot be said in what Unity reads.
    """
    try:
        return _build(bundle, layout, carries_state, noise_inside, as_float=True)
    except BundleError:
        # Somewhere whole numbers are needed; float everywhere is what engines read best, but not the only way.
        return _build(bundle, layout, carries_state, noise_inside, as_float=False)


def _build(bundle: Bundle, layout: Layout, carries_state: bool, noise_inside: bool, *, as_float: bool) -> Model:
    graph = GraphBuilder(OPSET)
    policy = PolicyGraph(bundle, OPSET, wide_integers=True)
    inputs = {
        f"observation.{each.name}": _read_sensor(graph, index, each, as_float)
        for index, each in enumerate(unity_sensors(bundle))
    }
    inputs |= bind_constants(graph, bundle, "obs_0")
    if carries_state:
        memory = graph.input("recurrent_in", (BATCH, 1, bundle.state_size))
        inputs["state"] = graph.reshape(memory, -1, bundle.state_size)
    inputs["noise"] = noise = clip_noise(graph, _noise(graph, bundle, noise_inside))
    logits = policy.add_trunk(graph, inputs)
    if layout.choices:
        masks = graph.input("action_masks", (BATCH, sum(each.classes for each in layout.choices)))
        logits = mask_logits(graph, layout, logits, masks)
    drawn = policy.add_tail(graph, "drawn", logits, noise, inputs)
    sure = likeliest(graph, layout, logits)
    half = graph.rows_of("obs_0", bundle.noise_size, 0.5)
    settled = policy.add_tail(graph, "settled", sure.logits, half, inputs)
    _write_outputs(graph, bundle, layout, drawn, settled, sure.indices, carries_state)
    return graph.finish({"understudy.profile": "unity", "understudy.bundle": bundle.digest})


def _read_sensor(graph: GraphBuilder, index: int, sensor: SensorSpec, as_float: bool) -> str:
    shape = unity_shape(sensor)
    value = graph.input(f"obs_{index}", (BATCH, *shape))
    whole = np.issubdtype(sensor.space.dtype, np.integer)
    if len(shape) == 3:
        value = graph("Transpose", value, perm=[0, 2, 3, 1])
        value = graph("Mul", value, graph.constant(_LEVELS)) if sensor.space.dtype == np.uint8 else value
    if not sensor.space.shape:
        value = graph.reshape(value, -1)
    if whole:
        value = graph("Round", value)
    return value if as_float or not whole else graph("Cast", value, to=7)


def _noise(graph: GraphBuilder, bundle: Bundle, inside: bool) -> str:
    if not inside:
        return graph.input("noise", (BATCH, bundle.noise_size))
    return graph("RandomUniformLike", graph.rows_of("obs_0", bundle.noise_size), low=0.0, high=1.0, dtype=1)


def _write_outputs(
    graph: GraphBuilder,
    bundle: Bundle,
    layout: Layout,
    drawn: Mapping[str, str],
    settled: Mapping[str, str],
    likely: list[str],
    carries_state: bool,
) -> None:
    graph.output(graph.stated("version_number", [VERSION]), (1,))
    graph.output(graph.stated("memory_size", [bundle.state_size if carries_state else 0]), (1,))
    if layout.numbers:
        graph.output(graph.stated("continuous_action_output_shape", [layout.num_numbers]), (1,))
        for name, tail in (("continuous_actions", drawn), ("deterministic_continuous_actions", settled)):
            parts = unit_numbers(graph, layout, tail)
            graph("Concat", *parts, axis=1, out=graph.output(name, (BATCH, layout.num_numbers)))
    if layout.choices:
        branches = [each.classes for each in layout.choices]
        graph.output(graph.stated("discrete_action_output_shape", [branches]), (1, len(branches)))
        indices = {"discrete_actions": chosen(graph, layout, drawn), "deterministic_discrete_actions": likely}
        for name, columns in indices.items():
            graph("Concat", *columns, axis=1, out=graph.output(name, (BATCH, len(branches)), np.int64))
    if carries_state:
        memory = graph.output("recurrent_out", (BATCH, 1, bundle.state_size))
        graph.reshape(drawn["next_state"], -1, 1, bundle.state_size, out=memory)


def to_unity(sensor: SensorSpec, values: np.ndarray) -> np.ndarray:
    """Return what a Unity sensor of this shape would hold, float32, for values of shape (batch, *sensor shape)."""
    rows = values.astype(np.float32).reshape(len(values), *(sensor.space.shape or (1,)))
    if rows.ndim != 4:
        return rows
    levels = rows / np.float32(_LEVELS) if sensor.space.dtype == np.uint8 else rows
    return np.ascontiguousarray(np.moveaxis(levels, -1, 1))
