"""Between a behaviour's arrays and the flat vectors of a demonstration.

    part              numbers
    Box               as many, its bounds at -1 and 1 as Godot RL's policies want it
    Discrete(n)       one: the choice
    MultiBinary(n)    n: 0 not pressed, 1 pressed

Sensors and parts follow one another in the spec's order. Numbers outside of a part's bounds stay outside.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from gymnasium import spaces

from understudy.recordings.formats.godot_rl.settings import width
from understudy.recordings.formats.godot_rl.text import DamageError
from understudy.spec import ActionSpec, BehaviorSpec


def widths(behavior: BehaviorSpec) -> tuple[int, int]:
    """How many numbers an observation and an action have."""
    seen = sum(math.prod(each.space.shape) for each in behavior.sensors)
    return seen, sum(width(each) for each in behavior.actions)


def join_observation(behavior: BehaviorSpec, observations: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return observations as vectors, shape (n, numbers).

    Args:
        behavior: Of the observations.
        observations: By sensor name, shape (n, *sensor shape).
    """
    return np.concatenate([_flat(observations[name]) for name in behavior.sensor_names], axis=1)


def split_observation(behavior: BehaviorSpec, vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Return observations by sensor, of each one's dtype: the way back.

    Args:
        behavior: Of the observations.
        vectors: float64, shape (n, numbers).

    Raises:
        DamageError: If a sensor cannot hold a number.
    """
    found, start = {}, 0
    for sensor in behavior.sensors:
        size = math.prod(sensor.space.shape)
        values = vectors[:, start : start + size].reshape(-1, *sensor.space.shape)
        found[sensor.name] = _cast(f"sensor '{sensor.name}'", values, np.dtype(sensor.space.dtype))
        start += size
    return found


def join_action(behavior: BehaviorSpec, actions: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return actions as vectors, shape (n, numbers); `actions` are by part, shape (n, *part shape)."""
    return np.concatenate([_flat(_to_unit(part, actions[part.name])) for part in behavior.actions], axis=1)


def split_action(behavior: BehaviorSpec, vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Return actions by part, from float64 of shape (n, numbers): the way back.

    Raises:
        DamageError: If a choice or button is none of those there are.
    """
    found, start = {}, 0
    for part in behavior.actions:
        values = vectors[:, start : start + width(part)].reshape(-1, *part.shape)
        found[part.name] = _from_unit(part, values)
        start += width(part)
    return found


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).astype(np.float64)


def _middle_and_half(space: spaces.Box) -> tuple[np.ndarray, np.ndarray]:
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return (low + high) / 2, np.where(high > low, (high - low) / 2, 1.0)


def _to_unit(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    if not isinstance(part.space, spaces.Box):
        return values
    middle, half = _middle_and_half(part.space)
    return (values.astype(np.float64) - middle) / half


def _from_unit(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    what = f"action part '{part.name}'"
    if isinstance(part.space, spaces.Box):
        middle, half = _middle_and_half(part.space)
        return _cast(what, middle + values * half, part.dtype)
    choices = part.num_labels if isinstance(part.space, spaces.Discrete) else 2
    if ((values < 0) | (values >= choices) | (values != np.rint(values))).any():
        raise DamageError(f"{what} is {values.ravel()[:8].tolist()}, which is none of its {choices} choices")
    return values.astype(part.dtype)


def _cast(what: str, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return the values as a dtype: rounded if it is of floats, and refused if they are no such integers."""
    with np.errstate(invalid="ignore", over="ignore"):
        cast = values.astype(dtype)
        same = np.isfinite(cast) if dtype.kind == "f" else cast.astype(np.float64) == values
    if not same.all():
        raise DamageError(f"{what} holds numbers that are no {dtype}: {values.ravel()[:8].tolist()}")
    return cast
