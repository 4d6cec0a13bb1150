"""Whether a level is fair and sound, in numbers: times, sight lines, cover, and ways into the sites."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from understudy.envs.skirmish.level import PLACES, Level
from understudy.envs.skirmish.maps import ways
from understudy.envs.skirmish.maps.ascii import COVER, WALL
from understudy.sensors.compiling import numba

RUN = 5.0
"""Metres a second, of somebody who runs: only to give distances as times."""
SITES = ("site_a", "site_b")

_CORNERS = (0.15, 0.85)
"""Where in a cell somebody may stand and look from."""
_AROUND_SITE = 6.0
"""Metres around a site at which the ways into it are counted."""


@dataclass(frozen=True)
class Measures:
    """What makes a level fair; pairs are of site a and site b.

    Attributes:
        attack_seconds: From the attackers' first two slots to the middle of each site, at a run.
        defend_seconds: The same for the defenders.
        longest_sight: Metres of the longest line over which two people who stand see each other.
        median_sight: Metres of the median line of sight.
        cover_share: Share of the cells within a wall's reach that are cover.
        site_cover: Share of the cells around each site that are cover.
        attack_ways: Ways into each site that attackers can take without passing the site or the defenders' spawn.
        spawns_see: Whether somebody in one spawn sees somebody in the other.
        whole: Whether all that can be walked on is connected.
    """

    attack_seconds: tuple[float, float]
    defend_seconds: tuple[float, float]
    longest_sight: float
    median_sight: float
    cover_share: float
    site_cover: tuple[float, float]
    attack_ways: tuple[int, int]
    spawns_see: bool
    whole: bool


def measure(level: Level) -> Measures:
    """Measure a level; takes about a quarter of a second."""
    lengths = _sight_lengths(_walls(level), _centres(level.free))
    a, b = (_of_site(level, site) for site in SITES)
    return Measures(
        attack_seconds=(a[0], b[0]),
        defend_seconds=(a[1], b[1]),
        longest_sight=float(lengths.max()),
        median_sight=float(np.median(lengths)),
        cover_share=float((level.heights == COVER).sum() / (level.heights < WALL).sum()),
        site_cover=(a[2], b[2]),
        attack_ways=(attack_ways(level, SITES[0]), attack_ways(level, SITES[1])),
        spawns_see=spawns_see(level),
        whole=is_whole(level),
    )


def _of_site(level: Level, site: str) -> tuple[float, float, float]:
    """Seconds of the attackers and of the defenders to a site, and the share of cover around it."""
    attack, defend = seconds_to(level, site)
    around = _around(level, site) & (level.heights < WALL)
    return attack, defend, float((level.heights[around] == COVER).mean())


def seconds_to(level: Level, site: str) -> tuple[float, float]:
    """Return the attackers' and the defenders' seconds to the middle of a site, at a run: a side's first two's mean."""
    cells = np.argwhere(level.place_cells(site))
    middle = cells[np.argmin(((cells - cells.mean(axis=0)) ** 2).sum(axis=1))]
    metres = level.distance_field(middle[None])
    rows, columns = (np.floor(level.spawns[:, :2, axis]).astype(int) for axis in (1, 0))
    attack, defend = metres[rows, columns].mean(axis=1) / RUN
    return float(attack), float(defend)


def is_whole(level: Level) -> bool:
    """Whether every free cell can be walked to from every other, and every place has some."""
    return bool(np.isfinite(level.distances[:, level.free]).all())


def attack_ways(level: Level, site: str) -> int:
    """Count the ways into a site for somebody who starts at the attackers' spawn.

    A way is a connected part of the edge of what lies around the site. Cover counts as floor here: it parts no ways.
    """
    around = _around(level, site)
    outside = (level.heights < WALL) & ~around & ~level.place_cells("defender_spawn")
    metres, _ = ways.spread(outside, level.place_cells("attacker_spawn"))
    reached = np.isfinite(metres)
    return count_parts(reached & _grown(around))


def _around(level: Level, site: str) -> np.ndarray:
    metres, _ = ways.spread(level.heights < WALL, level.place_cells(site))
    return metres <= _AROUND_SITE


def _grown(cells: np.ndarray) -> np.ndarray:
    """Some cells and their eight neighbours."""
    padded = np.pad(cells, 1)
    rows, columns = cells.shape
    return np.any([padded[r : r + rows, c : c + columns] for r in range(3) for c in range(3)], axis=0)


def count_parts(cells: np.ndarray) -> int:
    """Count the connected parts of some cells, bool, shape (rows, columns); diagonal neighbours are connected."""
    left, parts = cells.copy(), 0
    while left.any():
        part = np.zeros_like(left)
        part[tuple(np.argwhere(left)[0])] = True
        while (more := _grown(part) & left & ~part).any():
            part |= more
        left &= ~part
        parts += 1
    return parts


def spawns_see(level: Level) -> bool:
    """Whether anybody who stands in one side's spawn sees anybody in the other's, over cover."""
    spawns = [_corners(level.place_cells(place) & level.free) for place in PLACES[3:]]
    return bool(_sees_any(_walls(level), *spawns))


def sees_farther(level: Level, metres: float) -> bool:
    """Whether there is a line of sight of more than some metres between the centres of two free cells."""
    return bool(_sees_farther(_walls(level), _centres(level.free), metres))


def _walls(level: Level) -> np.ndarray:
    return level.heights >= WALL


def _centres(cells: np.ndarray) -> np.ndarray:
    """Where the centres of some cells are: x and y, float64, shape (n, 2)."""
    return np.argwhere(cells)[:, ::-1] + 0.5


def _corners(cells: np.ndarray) -> np.ndarray:
    """Points near the corners of some cells: x and y, float64, shape (4 n, 2)."""
    inside = np.array([(x, y) for x in _CORNERS for y in _CORNERS])
    return (np.argwhere(cells)[:, None, ::-1] + inside).reshape(-1, 2)


@numba.njit(cache=True)
def _sees(walls: np.ndarray, x: float, y: float, to_x: float, to_y: float) -> bool:  # pragma: no cover
    """Whether no wall lies between two points inside the level: a walk through the cells between them."""
    away_x, away_y = abs(to_x - x), abs(to_y - y)
    row, column = math.floor(y), math.floor(x)
    step_x, step_y = (1 if to_x > x else -1), (1 if to_y > y else -1)
    next_x = (column + 1 - x if to_x > x else x - column) / away_x if away_x > 0 else math.inf
    next_y = (row + 1 - y if to_y > y else y - row) / away_y if away_y > 0 else math.inf
    while min(next_x, next_y) < 1:
        if next_x <= next_y:
            column += step_x
            next_x += 1 / away_x
        else:
            row += step_y
            next_y += 1 / away_y
        if walls[row, column]:
            return False
    return True


@numba.njit(cache=True)
def _sight_lengths(walls: np.ndarray, points: np.ndarray) -> np.ndarray:  # pragma: no cover
    """Metres between all pairs of points that see each other, float32, shape (n,)."""
    out = np.empty(points.shape[0] * (points.shape[0] - 1) // 2, np.float32)
    found = 0
    for index in range(points.shape[0]):
        x, y = points[index]
        for other in range(index):
            to_x, to_y = points[other]
            if _sees(walls, x, y, to_x, to_y):
                out[found] = math.hypot(to_x - x, to_y - y)
                found += 1
    return out[:found]


@numba.njit(cache=True)
def _sees_any(walls: np.ndarray, points: np.ndarray, others: np.ndarray) -> bool:  # pragma: no cover
    """Whether any of some points sees any of the others."""
    for index in range(points.shape[0]):
        for other in range(others.shape[0]):
            if _sees(walls, points[index, 0], points[index, 1], others[other, 0], others[other, 1]):
                return True
    return False


@numba.njit(cache=True)
def _sees_farther(walls: np.ndarray, points: np.ndarray, metres: float) -> bool:  # pragma: no cover
    """Whether any point sees another that is more than some metres away."""
    for index in range(points.shape[0]):
        x, y = points[index]
        for other in range(index):
            to_x, to_y = points[other]
            away = (to_x - x) * (to_x - x) + (to_y - y) * (to_y - y)
            if away > metres * metres and _sees(walls, x, y, to_x, to_y):
                return True
    return False
