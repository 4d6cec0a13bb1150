"""The preferences of testers, each a plan that goes on for as long as one plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import PASSABLE, Building, Layout, Point, Prop, Room
from understudy.envs.parkland.science import ndimage
from understudy.envs.parkland.testers.inspection import inspect
from understudy.envs.parkland.testers.legs import Deed, Leg, Plan, Task, nearest_first
from understudy.envs.parkland.venues import Venues

STRETCH = 24
"""How many points of a trail are one leg."""
HUGGING = 0.5
"""The share of the stretches of the perimeter that are walked along the boundary itself."""
_AT_BOUNDARY = 1.3
_LEAN = 5
_TRAIL_COST, _WATER_COST = 6.0, 3.0
_LOOK = 4.0
_BUMPS = {"trail": 0.35, "wild": 0.6, "room": 0.4}
"""How often one walks against something: beside a stretch of trail, at a rock, in a room."""
_BESIDE = 7.0


def golden_path(task: Task) -> Plan:
    """Round the golden loop, one way or the other, now left and now right of its middle."""
    points = task.layout.trail("golden").points
    yield from _round_and_round(task, points, 0.6, running=0.75)


def perimeter(task: Task) -> Plan:
    """Round the perimeter, by turns along its trail and along the boundary."""
    points = task.layout.trail("perimeter").points
    for stretch in _stretches(task, points, 0.5):
        if task.rng.random() < HUGGING:
            stretch = _to_boundary(task.layout, stretch)
        yield Leg(_joined(task, stretch), task.gait(0.85))
        yield from _bump_nearby(task)


def off_road(task: Task) -> Plan:
    """Across the country, far from the trails, to rocks, gardens and places where one has not been."""
    wild = Venues(task.layout).wild_places
    weights, free = _wilderness(task)
    seen: list[Point] = [task.where()]
    while True:
        to_thing = bool(wild) and task.rng.random() < 0.6
        if to_thing:
            place = _least_seen([wild[k] for k in task.rng.permutation(len(wild))[:8]], seen, task.where())
        else:
            nodes = task.rng.choice(free, 24)
            place = _least_seen([_point(each) for each in task.grid.places[nodes]], seen, task.where())
        seen.append(place)
        yield Leg(task.way(place, weights), task.gait(0.55), _glance(task, place))
        if to_thing and task.rng.random() < _BUMPS["wild"]:
            yield task.bump(place)


def indoors(task: Task) -> Plan:
    """From house to house, through every room of both floors."""
    while True:
        middles = np.asarray([_middle(each) for each in task.layout.buildings])
        # Any house first, and from there on the nearest: episodes begin at one place.
        for k in nearest_first(middles, _point(task.rng.choice(middles))):
            building = task.layout.buildings[k]
            for room in building.rooms:
                yield from _visit(task, room)


def inspection(task: Task) -> Plan:
    """From one object of interest to the next, and around each of them."""
    things = [each for each in task.layout.props if each.of_interest]
    left = list(range(len(things)))
    while left:
        places = np.asarray([(things[k].x, things[k].y, things[k].z) for k in left])
        # Not always the nearest, so that no two testers go the same round.
        order = nearest_first(places, task.where())
        chosen = left.pop(order[min(int(task.rng.exponential(0.7)), len(order) - 1)])
        yield from inspect(task, things[chosen])
        left = left or list(range(len(things)))


PREFERENCES: Mapping[str, Callable[[Task], Plan]] = {
    "golden_path": golden_path,
    "perimeter": perimeter,
    "off_road": off_road,
    "indoors": indoors,
    "inspection": inspection,
}


def _round_and_round(task: Task, points: NDArray, share: float, running: float) -> Plan:
    for stretch in _stretches(task, points, share):
        yield Leg(_joined(task, stretch), task.gait(running))
        yield from _bump_nearby(task)


def _stretches(task: Task, points: NDArray, share: float) -> Iterator[NDArray]:
    """Cut a loop into stretches, from the point nearest to the tester, again and again."""
    loop = points[:-1][:: task.rng.choice((-1, 1))]
    while True:
        first = int(np.argmin(np.linalg.norm(loop - task.where(), axis=1)))
        lap = _wandering(task, np.roll(loop, -first, axis=0), share)
        for start in range(0, len(lap) - 1, STRETCH):
            yield lap[start : start + STRETCH + 1]


def _wandering(task: Task, loop: NDArray, share: float) -> NDArray:
    """Move points of a loop aside by up to about `share` of its half width, smoothly."""
    forward = np.roll(loop, -1, axis=0) - np.roll(loop, 1, axis=0)
    left = np.stack([-forward[:, 1], forward[:, 0]], axis=1) / np.hypot(forward[:, 0], forward[:, 1])[:, None]
    swing = ndimage.gaussian_filter1d(task.rng.normal(size=len(loop)), 8, mode="wrap")
    aside = swing / (np.abs(swing).max() + 1e-9) * share * 2.0
    moved = loop.copy()
    moved[:, :2] += left * aside[:, None]
    return moved


def _to_boundary(layout: Layout, points: NDArray) -> NDArray:
    """Move points to the nearest side of the boundary, and lean against it now and then."""
    low_x, low_y, high_x, high_y = layout.bounds
    leaning = np.sin(np.linspace(0, np.pi * round(len(points) / _LEAN), len(points))) ** 2
    gap = _AT_BOUNDARY - leaning * (_AT_BOUNDARY + 0.4)
    gaps = np.stack([points[:, 0] - low_x, points[:, 1] - low_y, high_x - points[:, 0], high_y - points[:, 1]])
    side = int(np.argmin(gaps.mean(axis=1)))
    axis, place = side % 2, (low_x, low_y, high_x, high_y)[side] + (gap if side < 2 else -gap)
    moved = points.copy()
    moved[:, axis] = place
    other = 1 - axis
    moved[:, other] = np.clip(moved[:, other], low_x + _AT_BOUNDARY, high_x - _AT_BOUNDARY)
    moved[:, 2] = layout.ground(moved[:, 0], moved[:, 1])
    return moved


def _joined(task: Task, points: NDArray) -> NDArray:
    """Lead from here to the first of `points`, if it is not near."""
    if np.linalg.norm(points[0] - task.where()) < 6.0:
        return points
    return np.concatenate([task.way(_point(points[0])), points])


def _wilderness(task: Task) -> tuple[NDArray, NDArray]:
    """Return what a metre costs at each node, dear on trails and in water, and the dry nodes far from trails."""
    off = ~np.isfinite(task.from_trail)
    costs = np.where(off, 1.0, _TRAIL_COST) * np.where(task.is_wet, _WATER_COST, 1.0)
    return costs.astype(np.float32), np.flatnonzero(off & task.grid.reachable & ~task.is_wet)


def _least_seen(places: list[Point], seen: list[Point], here: Point) -> Point:
    """Of some places the one that is near, and far from what has been seen."""
    spots, known = np.asarray(places)[:, :2], np.asarray(seen)[:, :2]
    new = np.hypot(*(spots[:, None] - known[None]).transpose(2, 0, 1)).min(axis=1)
    away = np.hypot(*(spots - np.asarray(here)[:2]).T)
    return places[int(np.argmax(np.minimum(new, 80.0) - 0.5 * away))]


def _glance(task: Task, place: Point) -> Deed | None:
    if task.rng.random() < 0.3:
        return None
    return Deed((place[0], place[1], place[2] + 0.8), float(task.rng.uniform(0.4, 1.2)))


def _bump_nearby(task: Task) -> Plan:
    """Now and then, go to the nearest thing beside the trail and against it."""
    here = task.where()
    things = [each for each in task.layout.props if each.building < 0 and each.kind not in PASSABLE]
    away = [np.hypot(each.x - here[0], each.y - here[1]) for each in things]
    if task.rng.random() < _BUMPS["trail"] and min(away) < _BESIDE:
        thing = things[int(np.argmin(away))]
        yield Leg(task.way((thing.x, thing.y, thing.z)), "walk")
        yield task.bump((thing.x, thing.y, thing.z))


def _visit(task: Task, room: Room) -> Plan:
    """Walk to a place or two in a room and look around there; perhaps walk against what stands in it."""
    low_x, low_y, high_x, high_y = room.bounds
    places = task.grid.places
    inside = (places[:, 0] > low_x) & (places[:, 0] < high_x) & (places[:, 1] > low_y) & (places[:, 1] < high_y)
    nodes = np.flatnonzero(inside & (np.abs(places[:, 2] - room.z) < 0.3) & task.grid.reachable)
    for node in task.rng.choice(nodes, min(len(nodes), int(task.rng.integers(1, 3))), replace=False):
        angle = task.rng.uniform(0, 2 * np.pi)
        x, y, z = _point(places[node])
        look = (x + float(np.cos(angle)) * _LOOK, y + float(np.sin(angle)) * _LOOK, z + 1.2)
        yield Leg(task.way((x, y, z)), task.gait(0.7), Deed(look, float(task.rng.uniform(0.2, 0.8))))
    things = [each for each in task.layout.props if _stands_in(each, room) and each.kind not in PASSABLE]
    if things and task.rng.random() < _BUMPS["room"]:
        thing = things[int(task.rng.integers(len(things)))]
        yield Leg(task.way((thing.x, thing.y, thing.z)), "walk")
        yield task.bump((thing.x, thing.y, thing.z))


def _stands_in(prop: Prop, room: Room) -> bool:
    low_x, low_y, high_x, high_y = room.bounds
    return low_x < prop.x < high_x and low_y < prop.y < high_y and abs(prop.z - room.z) < 0.5


def _middle(building: Building) -> Point:
    low_x, low_y, high_x, high_y = building.footprint
    return (low_x + high_x) / 2, (low_y + high_y) / 2, building.floors[0]


def _point(place: NDArray) -> Point:
    return float(place[0]), float(place[1]), float(place[2])
