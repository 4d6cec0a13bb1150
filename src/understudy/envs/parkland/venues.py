"""The four parts of a park that testers differ in, and the places in each where something can be planted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import Layout, Point, Trail
from understudy.envs.parkland.routes import left_of
from understudy.envs.parkland.science import cKDTree
from understudy.envs.parkland.solids import KINDS
from understudy.envs.parkland.tasks import room_middle

VENUES = ("golden", "perimeter", "wild", "indoors")
"""On the golden trail, along the boundary, off the trails, inside houses."""
BESIDE = 6.0
"""What is within this distance of a trail's middle is seen from it, metres."""
WILD = 9.0
"""What is off the trails is at least this far from them, metres."""
_DRY = 0.9


@dataclass(frozen=True, eq=False)
class Venues:
    """The places of a layout, venue by venue."""

    layout: Layout

    def spots(self, venue: str, rng: np.random.Generator, number: int = 60) -> list[Point]:
        """Return places where one can stand, in random order; on trails anywhere across their width."""
        if venue == "indoors":
            rooms = [(b, floor, room) for b in self.layout.buildings for floor in (0, 1) for room in (1, 2)]
            return [room_middle(*rooms[k]) for k in rng.permutation(len(rooms))]
        if venue == "wild":
            return [self._aside(place, rng) for place in _shuffled(self.wild_places, rng)]
        return [self._on(self.layout.trail(venue), rng) for _ in range(number)]

    def props(self, venue: str) -> list[int]:
        """Return the props that belong to a venue."""
        props = self.layout.props
        if venue == "indoors":
            return [each.id for each in props if each.building >= 0]
        there = [each for each in props if each.building < 0]
        return [each.id for each in there if self.venue_of((each.x, each.y, each.z)) == venue]

    def triggers(self, venue: str) -> list[int]:
        """Return the triggers that belong to a venue; those at the ends of spurs count as wild."""
        return [each.id for each in self.layout.triggers if (self.venue_of(each.position) or "wild") == venue]

    def venue_of(self, place: Point) -> str | None:
        """Return the venue of a place: the house it is in, the trail it is seen from; None beside a spur."""
        x, y, _ = place
        for building in self.layout.buildings:
            low_x, low_y, high_x, high_y = building.footprint
            if low_x <= x <= high_x and low_y <= y <= high_y:
                return "indoors"
        for name in ("golden", "perimeter"):
            if self._trees[name].query((x, y))[0] <= BESIDE:
                return name
        return "wild" if self._trees["any"].query((x, y))[0] >= WILD else None

    @cached_property
    def wild_places(self) -> list[Point]:
        """What there is to walk up to off the trails: rocks, and what stands in the gardens."""
        solids = self.layout.solids
        rocks = solids.centre[solids.kind == KINDS.index("rock")]
        places = [(float(x), float(y), float(self.layout.ground(x, y))) for x, y, _ in rocks]
        places += [(each.x, each.y, each.z) for each in self.layout.props if each.building < 0]
        return [each for each in places if self.venue_of(each) == "wild"]

    @cached_property
    def _trees(self) -> dict[str, cKDTree]:
        named = {name: cKDTree(self.layout.trail(name).points[:, :2]) for name in ("golden", "perimeter")}
        return named | {"any": cKDTree(np.concatenate([each.points[:, :2] for each in self.layout.trails]))}

    def _on(self, trail: Trail, rng: np.random.Generator) -> Point:
        """A place on dry ground across the width of a trail."""
        while True:
            k = int(rng.integers(1, len(trail.points) - 1))
            aside = left_of(trail.points, k) * rng.uniform(-0.3, 0.3) * trail.width
            x, y = (float(each) for each in trail.points[k, :2] + aside)
            if self.layout.ground(x, y) > _DRY:
                return x, y, float(self.layout.ground(x, y))

    def _aside(self, place: Point, rng: np.random.Generator) -> Point:
        """A place within a few steps of another."""
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(2.2, 3.2)
        x, y = place[0] + float(np.cos(angle) * away), place[1] + float(np.sin(angle) * away)
        return x, y, float(self.layout.ground(x, y))


def _shuffled(places: list[Point], rng: np.random.Generator) -> list[Point]:
    return [places[k] for k in rng.permutation(len(places))]


def heading_of(points: NDArray, place: Point) -> float:
    """Return where a trail through `points` (k, 3) leads at the point nearest to `place`, degrees."""
    k = int(np.clip(np.argmin(np.hypot(*(points[:, :2] - place[:2]).T)), 1, len(points) - 2))
    forward = points[k + 1] - points[k - 1]
    return float(np.degrees(np.arctan2(forward[1], forward[0])))
