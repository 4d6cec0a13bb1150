"""How recordings lie in an exported table: its columns, and the mapping that reads them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.recordings.formats.telemetry.mapping import Mapping, check_mapping
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

KEY = b"understudy"
FORMAT = 1


def value_columns(prefix: str, shape: Sequence[int]) -> tuple[str, ...]:
    """Name the columns of an array: `prefix` itself if it has no dimensions, else `prefix.0`, `prefix.1` and so on."""
    places = product(*(range(size) for size in shape))
    return tuple(".".join([prefix, *map(str, place)]) for place in places)


def sensor_columns(sensor: SensorSpec) -> tuple[str, ...]:
    """The columns of a sensor."""
    return value_columns(f"observation.{sensor.name}", sensor.space.shape)


def action_columns(part: ActionSpec) -> tuple[str, ...]:
    """The columns of an action part."""
    return value_columns(f"action.{part.name}", part.shape)


def choice_words(part: ActionSpec) -> tuple[str, ...]:
    """The words a choice is written as: its labels if they tell the choices apart, else its numbers."""
    plain = part.labels and len(set(part.labels)) == len(part.labels) and all(_is_plain(each) for each in part.labels)
    return part.labels if plain else tuple(map(str, range(part.num_labels)))


def mapping_of(behavior: BehaviorSpec) -> Mapping:
    """Return the mapping of the table that the exporter writes of a behaviour."""
    return check_mapping(mapping_form(behavior), f"the behaviour '{behavior.name}'")


def mapping_form(behavior: BehaviorSpec) -> dict[str, Any]:
    """Return it as plain values, for YAML."""
    return {
        "name": behavior.name,
        "rate_hz": float(behavior.decision_hz),
        "steps": "rows",
        "clock": {"column": "time_ns", "unit": "ns"},
        "max_gap_s": None,
        "ends": "unknown",
        "episode": ["episode"],
        "map": "map",
        "tick": "tick",
        "sensors": [_sensor_form(each) for each in behavior.sensors],
        "actions": [_action_form(each) for each in behavior.actions],
        "reward": {"column": "reward"},
        "events": [{"column": "events"}],
        "terminated": "terminated",
        "truncated": "truncated",
        "final": "final",
    }


def _sensor_form(sensor: SensorSpec) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": sensor.name,
        "columns": list(sensor_columns(sensor)),
        "shape": list(sensor.space.shape),
    }
    form |= {"dtype": np.dtype(sensor.space.dtype).name, "units": sensor.units, "privileged": sensor.privileged}
    for key, bound in (("low", sensor.space.low), ("high", sensor.space.high)):
        form[key] = _bound_form(bound)
    return form


def _action_form(part: ActionSpec) -> dict[str, Any]:
    form: dict[str, Any] = {"name": part.name}
    if isinstance(part.space, spaces.Discrete):
        return form | {"kind": "choice", "column": f"action.{part.name}", "values": list(choice_words(part))}
    form["columns"] = list(action_columns(part))
    if isinstance(part.space, spaces.MultiBinary):
        return form | {"kind": "buttons", "labels": list(part.labels)}
    low, high = _bound_form(part.space.low), _bound_form(part.space.high)
    form |= {"kind": "axes", "shape": list(part.shape), "low": low, "high": high}
    return form | {"units": part.units, "labels": list(part.labels)}


def _bound_form(bound: np.ndarray) -> Any:
    """One number if all are alike; none where there is no bound, for not every reader of YAML knows infinities."""
    different = np.unique(bound)
    if different.size == 1:
        return float(different[0]) if math.isfinite(different[0]) else None
    return [float(each) for each in bound.ravel()]


def _is_plain(label: str) -> bool:
    """Whether a word comes back from a table as it was."""
    return label == label.strip() and label.lower() not in ("", "true", "false") and label.lower() not in _LOST


_LOST = ("na", "n/a", "nan", "null", "none", "nil", "-", "#n/a")
