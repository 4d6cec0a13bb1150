"""How d3rlpy lays out observations and actions: pictures channels first, one choice or one vector of numbers a step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.spec import BehaviorSpec, SensorSpec


def is_picture(sensor: SensorSpec) -> bool:
    """Whether d3rlpy takes the sensor for a picture: bytes in three dimensions."""
    return sensor.space.dtype == np.uint8 and len(sensor.space.shape) == 3


def stored_shape(sensor: SensorSpec) -> tuple[int, ...]:
    """The shape of one stored observation: (channels, height, width) for a picture, one number as (1,)."""
    shape = tuple(sensor.space.shape)
    return (shape[2], *shape[:2]) if is_picture(sensor) else shape or (1,)


def to_stored(sensor: SensorSpec, values: np.ndarray) -> np.ndarray:
    """Lay out a sensor's values, shape (n, *sensor shape), as d3rlpy has them."""
    moved = np.moveaxis(values, -1, 1) if is_picture(sensor) else values
    return np.ascontiguousarray(moved).reshape(len(values), *stored_shape(sensor))


def from_stored(sensor: SensorSpec, stored: np.ndarray) -> np.ndarray:
    """Undo `to_stored`, and cast."""
    moved = np.moveaxis(stored, 1, -1) if is_picture(sensor) else stored
    with np.errstate(over="ignore", invalid="ignore"):
        cast = moved.astype(sensor.space.dtype, copy=False)
    return np.ascontiguousarray(cast).reshape(len(stored), *sensor.space.shape)


def check_actions(behavior: BehaviorSpec) -> None:
    """Raise `RecordingError`, naming a part, unless the actions are one choice, or numbers only."""
    choices = [each for each in behavior.actions if isinstance(each.space, spaces.Discrete)]
    if len(choices) == len(behavior.actions) == 1:
        return
    for part in behavior.actions:
        if not isinstance(part.space, spaces.Box):
            raise RecordingError(
                f"d3rlpy holds one choice, or numbers, not '{part.name}' ({part.space}) among {len(behavior.actions)} "
                "parts; take it out first (understudy logs mask --part), or export as minari."
            )


def action_width(behavior: BehaviorSpec) -> int:
    """How many numbers a stored action has."""
    return sum(math.prod(each.shape) for each in behavior.actions)


def join_actions(behavior: BehaviorSpec, actions: Mapping[str, np.ndarray]) -> np.ndarray:
    """Lay out actions by part name as one array, shape (n, width): a choice is one integer."""
    parts = [actions[each.name].reshape(len(actions[each.name]), -1) for each in behavior.actions]
    return np.concatenate(parts, axis=1)


def split_actions(behavior: BehaviorSpec, stored: np.ndarray) -> dict[str, np.ndarray]:
    """Undo `join_actions`."""
    ends = np.cumsum([math.prod(each.shape) for each in behavior.actions])
    parts: Sequence[np.ndarray] = np.split(stored, ends[:-1], axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            each.name: np.ascontiguousarray(part.astype(each.dtype)).reshape(len(stored), *each.shape)
            for each, part in zip(behavior.actions, parts, strict=True)
        }
