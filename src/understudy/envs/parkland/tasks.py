"""What there is to do in a park: quests of several stages, and places where something happens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import Building, Point, Quest, Trail, Trigger
from understudy.envs.parkland.routes import left_of

STAGE_RADIUS = 4.0
ROOM_RADIUS = 2.2
BELL_RADIUS = 1.6
_EVERY = 90.0
"""How often a bell hangs beside a long trail, metres."""


def set_quests(trails: tuple[Trail, ...], buildings: tuple[Building, ...], ends: list[Point]) -> tuple[Quest, ...]:
    """Return the quests: one along each kind of way, and one through the houses.

    Args:
        trails: The golden one first, then the perimeter.
        buildings: The houses.
        ends: Lonely places off the golden trail, at least one.
    """
    quests = [
        Quest(0, "tour", _along(trails[0].points, 5)),
        Quest(1, "rounds", _along(trails[1].points, 4)),
        Quest(2, "ramble", tuple((*end, STAGE_RADIUS) for end in ends[:4])),
        Quest(3, "errand", tuple((*room_middle(each, 1, 2), ROOM_RADIUS) for each in buildings[:3])),
    ]
    return tuple(quests)


def hang_bells(trails: tuple[Trail, ...], buildings: tuple[Building, ...], ends: list[Point]) -> tuple[Trigger, ...]:
    """Return the triggers: bells along the golden trail and the perimeter, at lonely places, and in upper rooms."""
    places = [(place, BELL_RADIUS) for trail in trails[:2] for place in _beside(trail)]
    places += [(place, BELL_RADIUS) for place in ends]
    places += [(room_middle(each, 1, 1), ROOM_RADIUS) for each in buildings]
    return tuple(Trigger(number, place, radius) for number, (place, radius) in enumerate(places))


def room_middle(building: Building, floor: int, number: int) -> Point:
    """Return a free place in room `number` (0 is the hall) of a floor: a metre inside the doorway's wall."""
    room = [each for each in building.rooms if each.floor == floor][number]
    low_x, low_y = room.bounds[:2]
    return low_x + 1.5, low_y + 1.5, room.z


def lonely_places(trails: tuple[Trail, ...]) -> list[Point]:
    """Return the far ends of the spurs that are long, farthest from the golden trail first."""
    golden = trails[0].points[:, :2]
    ends = [trail.points[0] for trail in trails[2:] if len(trail.points) > 8]
    away = [float(np.hypot(*(golden - end[:2]).T).min()) for end in ends]
    order = np.argsort(away)[::-1]
    return [(float(ends[k][0]), float(ends[k][1]), float(ends[k][2])) for k in order]


def _along(points: NDArray, number: int) -> tuple[tuple[float, float, float, float], ...]:
    at = np.linspace(0, len(points) - 1, number + 1).astype(int)[1:]
    return tuple((float(x), float(y), float(z), STAGE_RADIUS) for x, y, z in points[at])


def _beside(trail: Trail) -> list[Point]:
    """Places at the edge of a trail, on both sides by turns."""
    step = int(_EVERY / 2)
    places: list[Point] = []
    for number, k in enumerate(range(step // 2, len(trail.points) - 2, step)):
        aside = left_of(trail.points, k) * (trail.width / 3 * (-1) ** number)
        x, y, z = trail.points[k]
        places.append((float(x + aside[0]), float(y + aside[1]), float(z)))
    return places
