"""What a player knows of a map by heart: the lanes, where to wait, where to stand, and what to watch from there."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from understudy.envs.skirmish.level import LANES, Level, load_level
from understudy.envs.skirmish.maps import ways
from understudy.envs.skirmish.players import vantage

Point = tuple[float, float]
SITES = ("a", "b")

_NEAR_SITE_M = 20.0
"""How far from a site, walking, a place to stand may be."""
_WATCHED_M = 45.0
"""How far from a site, walking, the way to it is watched."""
_SPOTS_OF_A_KIND = 7
_SIGHT_BAND_M = 6.0
"""Spots are of a kind if they watch the same lane and their sight lines are about as long."""
_STAGING_M = 11.0
"""Where attackers gather: so far before the site."""
_OVERLOOKED = 0.15
"""From where this share of a site's cells is seen, the site is overlooked."""
_WAYS_KEPT = 512


class Spot(NamedTuple):
    """A place to stand, and the first point of a way to the site that can be seen from it."""

    x: float
    y: float
    watch_x: float
    watch_y: float
    sight: float
    """Metres between the two."""
    cover: float
    """Share of the eight cells around that are not floor."""
    lane: str
    """The way that is watched."""


class Chart:
    """A level with what there is to know about it, worked out once."""

    def __init__(self, level: Level) -> None:
        """Know `level`."""
        self.level = level
        self.free = level.free
        self._ways: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self.site_cells = tuple(_points(level.place_cells(f"site_{site}")) for site in SITES)
        self.site_middle = tuple(_middle(cells) for cells in self.site_cells)
        self.spawns = tuple(
            _middle(_points(level.place_cells(place))) for place in ("attacker_spawn", "defender_spawn")
        )

    def walk(self, start: Point, goal: Point) -> list[Point]:
        """Return the corners of the way from `start` to `goal`, without `start`; empty if there is no way."""
        row, column = int(start[1]), int(start[0])
        following = self._following(int(goal[1]), int(goal[0]))
        if not (0 <= row < self.level.num_rows and 0 <= column < self.level.num_cols) or following[row, column] < 0:
            return []
        corners = ways.waypoints(self.free, following, np.array(start), np.array(goal), ways.AGENT_RADIUS)
        return [(x, y) for x, y in corners[1:].tolist()]

    def metres(self, place: int, point: Point) -> float:
        """Return the walking distance from `point` to place number `place` of `level.PLACES`."""
        row = min(max(int(point[1]), 0), self.level.num_rows - 1)
        column = min(max(int(point[0]), 0), self.level.num_cols - 1)
        return float(self.level.distances[place, row, column])

    def sees(self, start: Point, goal: Point) -> bool:
        """Whether no wall stands between two points, for somebody who looks over cover."""
        return bool(vantage.sees(self.level.heights, start[0], start[1], goal[0], goal[1]))

    def refuge(self, start: Point, threat: Point) -> Point | None:
        """Return the nearest place that `threat` cannot see, or None if none is within reach."""
        x, y = vantage.refuge(self.level.heights, start[0], start[1], threat[0], threat[1], 8.0)
        return None if math.isnan(x) else (x, y)

    @cached_property
    def approaches(self) -> dict[tuple[int, str], list[Point]]:
        """The way from the attackers' spawn to each site by each lane, a point about every metre."""
        return {(site, lane): self._approach(site, lane) for site in range(2) for lane in LANES}

    @cached_property
    def staging(self) -> dict[tuple[int, str], int]:
        """For each approach, the index of its point from where a site is entered."""
        return {key: self._staging_index(key[0], points) for key, points in self.approaches.items()}

    @cached_property
    def overlooks(self) -> dict[tuple[int, str], int]:
        """For each approach, the index of its first point, short of the staging, from which the site can be seen."""
        return {key: self._overlook_index(key, points) for key, points in self.approaches.items()}

    @cached_property
    def spots(self) -> tuple[tuple[Spot, ...], tuple[Spot, ...]]:
        """The places to stand at each site."""
        return self._spots_of(0), self._spots_of(1)

    @cached_property
    def plant_cells(self) -> tuple[tuple[tuple[Point, float], ...], ...]:
        """The cells of each site, with the share of what is around them that is not floor."""
        return tuple(tuple((point, self.cover(point)) for point in cells) for cells in self.site_cells)

    def cover(self, point: Point) -> float:
        """Return the share of the eight cells around `point` that are cover or wall."""
        row, column = int(point[1]), int(point[0])
        around = self.free[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        return float(9 - around.sum()) / 8

    def _following(self, row: int, column: int) -> np.ndarray:
        key = (row, column)
        if key not in self._ways:
            targets = np.zeros((self.level.num_rows, self.level.num_cols), bool)
            if 0 <= row < self.level.num_rows and 0 <= column < self.level.num_cols:
                targets[row, column] = True
            self._ways[key] = ways.spread(self.free, targets)[1]
            if len(self._ways) > _WAYS_KEPT:
                self._ways.popitem(last=False)
        return self._ways[key]

    def _approach(self, site: int, lane: str) -> list[Point]:
        own = self.level.lanes[lane].tolist()
        if lane != SITES[site]:
            end = self.site_middle[site]
            joined = own if lane == "mid" else own[: max(len(own) // 2, 1)]
            own = [*joined, *self.walk(tuple(joined[-1]), end)]
        return _resample([(x, y) for x, y in own])

    def _staging_index(self, site: int, points: list[Point]) -> int:
        for index, point in enumerate(points):
            if self.metres(site, point) <= _STAGING_M:
                return max(index, 1)
        return len(points) - 1

    def _overlook_index(self, key: tuple[int, str], points: list[Point]) -> int:
        cells = self.site_cells[key[0]]
        for index in range(1, self.staging[key]):
            seen = sum(self.sees(points[index], cell) for cell in cells)
            if seen > _OVERLOOKED * len(cells):
                return index
        return self.staging[key]

    def _spots_of(self, site: int) -> tuple[Spot, ...]:
        metres = self.level.distances[site]
        candidates = [(column + 0.5, row + 0.5) for row, column in np.argwhere(metres <= _NEAR_SITE_M).tolist()]
        found = []
        for lane in LANES:
            watched = [p for p in self.approaches[site, lane] if 2.0 < self.metres(site, p) < _WATCHED_M]
            if not watched:
                continue
            first = vantage.first_seen(self.level.heights, np.array(candidates), np.array(watched))
            for place, index in zip(candidates, first.tolist(), strict=True):
                if index >= 0:
                    found.append(self._spot(place, watched[index], lane))
        return tuple(_thin_out(found))

    def _spot(self, place: Point, watch: Point, lane: str) -> Spot:
        return Spot(place[0], place[1], watch[0], watch[1], math.dist(place, watch), self.cover(place), lane)


@lru_cache(maxsize=64)
def chart_of(name: str) -> Chart:
    """Return the chart of the level called `name`."""
    return Chart(load_level(name))


def _points(cells: np.ndarray) -> list[Point]:
    return [(column + 0.5, row + 0.5) for row, column in np.argwhere(cells).tolist()]


def _middle(points: list[Point]) -> Point:
    x, y = np.mean(points, axis=0).tolist()
    return min(points, key=lambda point: math.dist(point, (x, y)))


def _resample(points: list[Point]) -> list[Point]:
    """A point about every metre of the way."""
    out = [points[0]]
    for start, end in itertools.pairwise(points):
        pieces = max(round(math.dist(start, end)), 1)
        for piece in range(1, pieces + 1):
            share = piece / pieces
            out.append((start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])))
    return out


def _thin_out(spots: list[Spot]) -> list[Spot]:
    """Keep the best-covered spots of each lane and length of sight, no two within three metres of each other."""
    kept: dict[tuple[str, int], list[Spot]] = {}
    for spot in sorted(spots, key=lambda each: (-each.cover, each.x, each.y)):
        like = kept.setdefault((spot.lane, int(spot.sight / _SIGHT_BAND_M)), [])
        if len(like) < _SPOTS_OF_A_KIND and all(math.dist(spot[:2], each[:2]) >= 3 for each in like):
            like.append(spot)
    return [spot for key in sorted(kept) for spot in kept[key]]
