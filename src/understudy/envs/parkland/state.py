"""All that a moment of play in a park consists of, beside the layout: what is saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from understudy.envs.parkland.body import Walker
from understudy.envs.parkland.layout import Layout
from understudy.errors import GameError

OUTSIDE = -1
"""The building of those who are in none."""


class State(NamedTuple):
    """A moment of play. Nothing in it changes: the next moment is a state of its own.

    Attributes:
        walker: The player's body.
        heading: Degrees counter-clockwise from +x, in [0, 360).
        pitch: Degrees above the level.
        open: Whether each door stands open.
        locked: Whether each door has shut for good.
        stages: How many stages of each quest are done.
        near: Whether the player is within each trigger.
        bells: How often a trigger fired.
        interactions: How often something was inspected, opened or closed.
        interacted: The id of the prop inspected in the last decision, else -1.
        interacting: Whether `interact` was held in the last decision.
        inside: The id of the building the player is in, or `OUTSIDE`.
        decisions: Made since the start.
    """

    walker: Walker
    heading: float
    pitch: float
    open: tuple[bool, ...]
    locked: tuple[bool, ...]
    stages: tuple[int, ...]
    near: tuple[bool, ...]
    bells: int = 0
    interactions: int = 0
    interacted: int = -1
    interacting: bool = False
    inside: int = OUTSIDE
    decisions: int = 0


def start_state(layout: Layout, options: Mapping[str, Any]) -> State:
    """Return the start of a play in a park: everything closed, nothing done.

    Args:
        layout: The park.
        options: Where to start, if not where the park says: `position` (x, y, z in metres), `heading` and `pitch` in
            degrees, each of which may be left out.

    Raises:
        GameError: If a position is no three finite numbers.
    """
    place = np.asarray(options.get("position", layout.start[:3]), np.float64)
    look = np.array([options.get("heading", layout.start[3]), options.get("pitch", 0.0)], np.float64)
    if place.shape != (3,) or not np.isfinite(place).all() or not np.isfinite(look).all():
        raise GameError(f"A walk cannot begin at {options}; position is x, y, z in metres, the rest degrees.")
    x, y, z = place.tolist()
    return State(
        Walker(x, y, z),
        float(look[0]) % 360,
        float(look[1]),
        open=(False,) * len(layout.doors),
        locked=(False,) * len(layout.doors),
        stages=(0,) * len(layout.quests),
        near=(False,) * len(layout.triggers),
        inside=building_at(layout, x, y, z),
    )


def building_at(layout: Layout, x: float, y: float, z: float) -> int:
    """Return the id of the building around a point, or `OUTSIDE`."""
    for each in layout.buildings:
        west, south, east, north = each.footprint
        if west < x < east and south < y < north and each.floors[0] - 1 < z < each.floors[0] + each.height:
            return each.id
    return OUTSIDE
