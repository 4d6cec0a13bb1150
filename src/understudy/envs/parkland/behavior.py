"""Parkland as it is played: what a player sees, can do, and how often a decision is made.

Shared by the environment, its recordings, the scripted testers and the bots.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from understudy.errors import GameError, ObservationError, SpecError, suggest
from understudy.sensors import RayFan
from understudy.spec import Action, ActionSpec, BehaviorSpec, SensorSpec

PHYSICS_HZ, DECISION_HZ = 60, 10.0
MOVES = ("none", "forward", "forward_right", "right", "back_right", "back", "back_left", "left", "forward_left")
GAITS = ("walk", "run", "crouch")
MAX_TURN_DEGREES, MAX_PITCH_DEGREES = 45.0, 30.0
"""Of one decision."""
STEEPEST_LOOK = 85.0
"""How far up or down the view goes, degrees."""

SIZE = 84
SMALLEST, LARGEST = 16, 2048
"""Pixels along a side of the picture."""
SENSORS = ("frame", "rays")
RAY_TYPES = ("solid", "tree", "prop", "door", "ground")
RAYS = RayFan.foveated(31, 100, power=1.5, reach=60, types=RAY_TYPES, units="metres")
"""Rays on the level of the eyes, closest together ahead, cast by Bullet: for comparisons with pixels."""


def parkland_behavior(
    size: int | tuple[int, int] = SIZE, sensors: Sequence[str] = ("frame",), decision_hz: float = DECISION_HZ
) -> BehaviorSpec:
    """Return the behaviour `"parkland"`.

    Args:
        size: Of the picture: pixels along both sides, or (height, width).
        sensors: Names among `SENSORS`.
        decision_hz: Decisions a second.

    Raises:
        GameError: If there is no such picture.
        SpecError: If there is no such sensor.
    """
    names = (sensors,) if isinstance(sensors, str) else tuple(sensors)
    known = {"frame": _frame(*picture_size(size)), "rays": RAYS.spec("rays")}
    for name in names:
        if name not in known:
            raise SpecError(f"Parkland has no sensor '{name}'.{suggest(name, known)}")
    return BehaviorSpec("parkland", tuple(known[name] for name in names), parkland_actions(), decision_hz)


def parkland_actions() -> tuple[ActionSpec, ...]:
    """Return the parts of an action.

    `move` is a direction relative to the heading. `turn` (positive right) and `pitch` (positive up) are spread over
    the decision. `interact` opens or closes the door that is looked at, or inspects the thing; held, it does so once.
    """
    turns = spaces.Box(-MAX_TURN_DEGREES, MAX_TURN_DEGREES, (), np.float32)
    pitches = spaces.Box(-MAX_PITCH_DEGREES, MAX_PITCH_DEGREES, (), np.float32)
    return (
        ActionSpec("move", spaces.Discrete(len(MOVES)), labels=MOVES),
        ActionSpec("gait", spaces.Discrete(len(GAITS)), labels=GAITS),
        ActionSpec("turn", turns, units="degrees per decision", labels=("right",)),
        ActionSpec("pitch", pitches, units="degrees per decision", labels=("up",)),
        ActionSpec("jump", spaces.Discrete(2), labels=("no", "yes")),
        ActionSpec("interact", spaces.Discrete(2), labels=("no", "yes")),
    )


def picture_size(size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) of a picture given as one number or two.

    Raises:
        GameError: If it is not a size between `SMALLEST` and `LARGEST` pixels.
    """
    pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
    whole = len(pair) == 2 and all(isinstance(each, (int, np.integer)) for each in pair)
    if not whole or not all(SMALLEST <= each <= LARGEST for each in pair):
        raise GameError(
            f"Parkland draws no picture of size {size}; give pixels or [height, width], {SMALLEST} to {LARGEST} each."
        )
    return int(pair[0]), int(pair[1])


def _frame(height: int, width: int) -> SensorSpec:
    return SensorSpec("frame", spaces.Box(0, 255, (height, width, 3), np.uint8), "levels", computed={"channels": "rgb"})


_RANGES = {
    each.name: (0, int(each.space.n) - 1, "iu")
    if isinstance(each.space, spaces.Discrete)
    else (float(each.space.low), float(each.space.high), "iuf")  # type: ignore[union-attr]
    for each in parkland_actions()
}


class Choice(NamedTuple):
    """An action as plain numbers; see `parkland_actions`."""

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
    if set(action) != set(_RANGES):
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
