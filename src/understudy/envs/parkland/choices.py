"""An action of Parkland checked and read as plain numbers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from understudy.envs.parkland.behavior import parkland_actions
from understudy.errors import ObservationError
from understudy.spec import Action, BehaviorSpec

_RANGES = {
    each.name: (0, int(each.space.n) - 1, "iu")
    if isinstance(each.space, spaces.Discrete)
    else (float(each.space.low), float(each.space.high), "iuf")  # type: ignore[union-attr]
    for each in parkland_actions()
}
_PARTS = set(_RANGES)


class Choice(NamedTuple):
    """An action as plain numbers; see `behavior.parkland_actions`."""

    move: int
    gait: int
    turn: float
    pitch: float
    jump: int
    interact: int


def read_choice(behavior: BehaviorSpec, action: Action) -> Choice:
    """Return an action as numbers.

    Raises:
        ObservationError: If it is none of the behaviour's actions.
    """
    if set(action) != _PARTS:
        parts, found = ", ".join(behavior.action_names), ", ".join(action)
        raise ObservationError(f"An action of Parkland has the parts {parts}, but got {found or 'nothing'}.")
    return Choice(*(_number(behavior, name, action[name]) for name in Choice._fields))


def _number(behavior: BehaviorSpec, name: str, value: Any) -> Any:
    """One part of an action; gymnasium's own check takes longer than the physics."""
    array = np.asarray(value)
    low, high, kinds = _RANGES[name]
    number = array.item() if array.shape == () and array.dtype.kind in kinds else math.nan
    if not low <= number <= high:
        space = behavior.action(name).space
        raise ObservationError(f"'{name}' is {value!r}, which is no action of Parkland; it needs {space}.")
    return number
