"""A level of skirmish: its cells, its places, and the ways between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from understudy.envs.skirmish.maps import ways
from understudy.envs.skirmish.maps.ascii import COVER, PLACES_MARKED, WALL, Drawing, parse
from understudy.errors import GameError, suggest

__all__ = ["COVER", "LANES", "MAP_NAMES", "PLACES", "PLACES_MARKED", "WALL", "Level", "load_level"]

PLACES = ("site_a", "site_b", "mid", "attacker_spawn", "defender_spawn")
"""The places that everybody who knows the map knows the way to."""
LANES = ("a", "mid", "b")
"""The ways that attackers take; mid joins both sites."""
MAP_NAMES = ("foundry", "harbour", "terrace")
"""The maps that are drawn by hand."""

_GENERATED = "generated-"
_MOST_KNOWN = 256
_MOST_DIGITS = 19
_MOST_SHOWN = 60
_DRAWINGS = Path(__file__).parent / "maps"


@dataclass(frozen=True, eq=False)
class Level:
    """What a round is played on: cells of 1 m, all of whose floor is at z = 0.

    Cell (row r, column c) covers [c, c + 1) of x and [r, r + 1) of y, in metres. Headings are degrees counter-clockwise
    from +x, towards +y, as in `sensors.rays`: drawn with +y up, right is a player's right.

    Attributes:
        name: Such as `"foundry"` or `"generated-7"`.
        heights: Metres: 0, `COVER` or `WALL`, float32, shape (rows, columns). Only where it is 0 can one walk.
        places: 0, or one more than the index of a place in `PLACES_MARKED`, uint8, shape (rows, columns).
        spawns: x, y and heading of each side's four slots, attackers first, float32, shape (2, 4, 3).
        lanes: Waypoints of each lane of `LANES`, x and y, float32, shape (n, 2), each walked to straight from the one
            before: from the attackers' spawn to a site, or, for mid, to the connector between the sites.
    """

    name: str
    heights: np.ndarray
    places: np.ndarray
    spawns: np.ndarray
    lanes: Mapping[str, np.ndarray]

    @property
    def num_rows(self) -> int:
        """Metres along y."""
        return self.heights.shape[0]

    @property
    def num_cols(self) -> int:
        """Metres along x."""
        return self.heights.shape[1]

    @cached_property
    def free(self) -> np.ndarray:
        """Which cells can be walked on, bool, shape (rows, columns)."""
        return self.heights == 0

    @cached_property
    def distances(self) -> np.ndarray:
        """Metres to walk to each of `PLACES`, float32, shape (5, rows, columns); infinite where there is no way."""
        return np.stack([metres for metres, _ in self._spreads]).astype(np.float32)

    @cached_property
    def headings(self) -> np.ndarray:
        """Where to walk next from a cell's centre to each of `PLACES`, float32, shape (5, rows, columns).

        Degrees in (-180, 180], at most `ways.LOOK_AHEAD` steps ahead and never through a corner; 0 in the place itself
        and where there is no way.
        """
        return np.stack(
            [ways.headings(self.free, following, ways.AGENT_RADIUS, ways.LOOK_AHEAD) for _, following in self._spreads]
        )

    @cached_property
    def _spreads(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return [ways.spread(self.free, self.place_cells(place)) for place in PLACES]

    def place_cells(self, place: str) -> np.ndarray:
        """Return which cells belong to one of `PLACES`, bool, shape (rows, columns); mid is the end of its lane.

        Raises:
            GameError: If there is no such place.
        """
        if place == "mid":
            cells = np.zeros(self.heights.shape, bool)
            cells[self.cell(self.lanes["mid"][-1])] = True
            return cells
        if place not in PLACES:
            raise GameError(f"A level has no place '{place}'.{suggest(place, PLACES)}")
        return self.places == 1 + PLACES_MARKED.index(place)

    def distance_field(self, cells: np.ndarray) -> np.ndarray:
        """Return metres to walk from each cell to the nearest of some cells, from centre to centre.

        Args:
            cells: Where to go: bool, shape (rows, columns), or rows and columns, int, shape (n, 2).

        Returns:
            float32, shape (rows, columns), infinite where there is no way.
        """
        return ways.spread(self.free, self._targets(np.asarray(cells)))[0].astype(np.float32)

    def path(self, start: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Return waypoints of the shortest way, each walked to straight from the one before.

        Args:
            start: x and y in metres, shape (2,).
            goal: x and y in metres, shape (2,).

        Returns:
            x and y in metres, float32, shape (n, 2), the first is `start` and the last is `goal`; n is 0 if there is
            no way.
        """
        start, goal = (np.asarray(each, np.float64)[:2] for each in (start, goal))
        if not self._inside(start) or not self._inside(goal):
            return np.zeros((0, 2), np.float32)
        following = self._following(self.cell(goal))
        if following[self.cell(start)] < 0:
            return np.zeros((0, 2), np.float32)
        return ways.waypoints(self.free, following, start, goal, ways.AGENT_RADIUS)

    def _following(self, goal: tuple[int, int]) -> np.ndarray:
        """The next cell on the way to a cell, kept since players ask for the same goals again and again."""
        if goal not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[goal] = ways.spread(self.free, self._targets(np.array([goal])))[1]
        return self._known[goal]

    @cached_property
    def _known(self) -> dict[tuple[int, int], np.ndarray]:
        return {}

    def cell(self, point: np.ndarray) -> tuple[int, int]:
        """Return the row and column of the cell that a point is in."""
        return math.floor(point[1]), math.floor(point[0])

    def _inside(self, point: np.ndarray) -> bool:
        row, column = self.cell(point)
        return 0 <= row < self.num_rows and 0 <= column < self.num_cols

    def _targets(self, cells: np.ndarray) -> np.ndarray:
        if cells.dtype == bool:
            return cells
        targets = np.zeros(self.heights.shape, bool)
        targets[cells[:, 0], cells[:, 1]] = True
        return targets


def build_level(name: str, drawing: Drawing) -> Level:
    """Turn a drawing into a level: finds the lanes' ways, and turns everybody towards mid."""
    heights, places = drawing.heights, drawing.places
    bare = Level(name, heights, places, np.zeros((2, 4, 3), np.float32), {})
    lanes = {
        lane: _lane(bare, drawing, marks, f"site_{lane}" if lane != "mid" else None)
        for lane, marks in drawing.marks.items()
    }
    mid = lanes["mid"][-1]
    spawns = [[(*slot, _facing(bare.path(slot, mid))) for slot in side] for side in drawing.slots]
    return Level(name, heights, places, np.array(spawns, np.float32), lanes)


def _facing(path: np.ndarray) -> float:
    """The heading of a path's first leg, in degrees."""
    (x, y), (to_x, to_y) = path[:2] if len(path) > 1 else ((0, 0), (0, 0))
    return math.degrees(math.atan2(to_y - y, to_x - x))


def _lane(level: Level, drawing: Drawing, marks: np.ndarray, site: str | None) -> np.ndarray:
    """The way from the attackers' first slot over a lane's marks to the middle of its site, if it has one."""
    start = drawing.slots[0, 0]
    since = level.distance_field(np.array([level.cell(start)]))
    left = np.zeros_like(since) if site is None else level.distance_field(level.place_cells(site))
    stops = sorted(marks, key=lambda point: float(since[level.cell(point)]) - float(left[level.cell(point)]))
    if site is not None:
        stops.append(_middle(level.place_cells(site)))
    legs = [level.path(*leg) for leg in zip([start, *stops[:-1]], stops, strict=True)]
    if any(len(leg) == 0 for leg in legs):
        raise GameError(f"The map '{level.name}' lets nobody walk from the attackers' spawn to '{site or 'mid'}'.")
    return np.concatenate([legs[0], *(leg[1:] for leg in legs[1:])])


def _middle(cells: np.ndarray) -> np.ndarray:
    """The centre of the cell that is nearest to the middle of some cells."""
    found = np.argwhere(cells)
    nearest = found[np.argmin(((found - found.mean(axis=0)) ** 2).sum(axis=1))]
    return nearest[::-1] + 0.5


@lru_cache(maxsize=64)
def load_level(name: str) -> Level:
    """Return one of the maps, or a generated one.

    Args:
        name: One of `MAP_NAMES`, or `"generated-<seed>"`, such as `"generated-7"`.

    Raises:
        GameError: If there is no such level.
    """
    if name in MAP_NAMES:
        return build_level(name, parse(name, (_DRAWINGS / f"{name}.txt").read_text(encoding="utf-8")))
    seed = name.removeprefix(_GENERATED)
    if seed != name and seed.isdecimal() and len(seed) <= _MOST_DIGITS:
        from understudy.envs.skirmish.maps.generator import generate  # it builds levels itself

        return generate(int(seed))
    raise GameError(f"There is no level '{name[:_MOST_SHOWN]}'.{suggest(name, (*MAP_NAMES, 'generated-0'))}")
