"""How a tester inspects an object: walk up to it, look at it from three sides, crouch once, interact."""

from __future__ import annotations

import numpy as np

from understudy.envs.parkland.layout import PROP_SIZES, Point, Prop
from understudy.envs.parkland.testers.legs import Deed, Leg, Plan, Task

SIDES = 3
"""From how many sides an object is looked at, where there is room for so many."""
_APART = 100.0
"""Degrees from one side to the next."""
_CLOSE = 1.3
"""From the edge of an object to the tester, metres; within reach."""


def inspect(task: Task, prop: Prop) -> Plan:
    """Yield the legs that inspect a prop, from the sides that can be reached; none if it cannot be."""
    spots = vantages(task, prop)
    for number, spot in enumerate(spots):
        deed = Deed(
            middle(prop),
            float(task.rng.uniform(0.5, 1.0)),
            crouch=number == 1 or len(spots) == 1,
            interact=number == len(spots) - 1,
        )
        yield Leg(task.way(spot), "walk" if number else task.gait(0.8), deed)


def middle(prop: Prop) -> Point:
    """Return the point of a prop that one looks at: its middle, or as high as the eyes if it is tall."""
    height = PROP_SIZES[prop.kind][2]
    lift = 1.0 if prop.kind == "painting" else 0.0
    return prop.x, prop.y, prop.z + lift + min(height / 2, 1.2)


def vantages(task: Task, prop: Prop) -> list[Point]:
    """Return up to `SIDES` places around a prop from which it is near and in sight, one after the other around it."""
    width, depth, _ = PROP_SIZES[prop.kind]
    away = max(width, depth) / 2 + _CLOSE
    here = task.where()
    first = np.degrees(np.arctan2(here[1] - prop.y, here[0] - prop.x))
    turn = float(task.rng.choice((-1, 1)))
    spots: list[Point] = []
    for step in range(SIDES):
        for jitter in (float(task.rng.uniform(-20, 20)), 35.0, -35.0, 60.0, -60.0):
            spot = _stand(task, prop, np.radians(first + turn * (step * _APART + jitter)), away)
            if spot is not None and all(np.hypot(spot[0] - x, spot[1] - y) > 0.9 for x, y, _ in spots):
                spots.append(spot)
                break
    return spots


def _stand(task: Task, prop: Prop, angle: float, away: float) -> Point | None:
    """The reachable place nearest to that side of a prop, if it is near, on the same floor and in the same room."""
    wanted = (prop.x + np.cos(angle) * away, prop.y + np.sin(angle) * away, prop.z)
    x, y, z = (float(each) for each in task.grid.places[int(task.grid.nearest(wanted))])
    near = np.hypot(x - wanted[0], y - wanted[1]) < 0.9 and abs(z - prop.z) < 1.0
    return (x, y, z) if near and _same_room(task, prop, x, y) else None


def _same_room(task: Task, prop: Prop, x: float, y: float) -> bool:
    """Whether a prop in a house is seen from (x, y), without a wall between."""
    if prop.building < 0:
        return True
    rooms = [each for each in task.layout.buildings[prop.building].rooms if abs(each.z - prop.z) < 0.5]
    return any(_holds(each.bounds, x, y) and _holds(each.bounds, prop.x, prop.y) for each in rooms)


def _holds(bounds: tuple[float, float, float, float], x: float, y: float) -> bool:
    return bounds[0] <= x <= bounds[2] and bounds[1] <= y <= bounds[3]
