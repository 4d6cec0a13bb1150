"""Kernels over a level's cells: what can be seen from where by somebody who stands, and where one is out of sight."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.sightlines import is_clear
from understudy.sensors.compiling import numba

_EYE = 1.55
"""Metres: how high looks pass, over cover and not over walls."""


@numba.njit(cache=True)
def sees(heights: np.ndarray, x: float, y: float, to_x: float, to_y: float) -> bool:  # pragma: no cover
    """Whether no wall stands between two points, for somebody who looks over cover."""
    return is_clear(heights, x, y, _EYE, to_x, to_y, _EYE)


@numba.njit(cache=True)
def first_seen(heights: np.ndarray, places: np.ndarray, way: np.ndarray) -> np.ndarray:  # pragma: no cover
    """Return the index of the first point of a way that can be seen from each place, -1 if none can.

    Args:
        heights: Of the level's cells in metres, float32, shape (rows, columns).
        places: x and y in metres, float64, shape (places, 2).
        way: x and y in metres, float64, shape (points, 2), from its beginning.

    Returns:
        int64, shape (places,).
    """
    out = np.full(places.shape[0], -1, np.int64)
    for place in range(places.shape[0]):
        for point in range(way.shape[0]):
            if sees(heights, places[place, 0], places[place, 1], way[point, 0], way[point, 1]):
                out[place] = point
                break
    return out


@numba.njit(cache=True)
def refuge(
    heights: np.ndarray, x: float, y: float, threat_x: float, threat_y: float, reach: float
) -> tuple[float, float]:  # pragma: no cover
    """Return the nearest free cell's centre that a threat cannot see, (nan, nan) if none is within reach.

    Args:
        heights: As for `first_seen`.
        x: Where one stands, in metres, like `y`.
        y: Where one stands.
        threat_x: Where the threat stands, in metres, like `threat_y`.
        threat_y: Where the threat stands.
        reach: How far to look, in metres.
    """
    best, best_x, best_y = reach, math.nan, math.nan
    for row in range(max(math.floor(y - reach), 0), min(math.floor(y + reach) + 1, heights.shape[0])):
        for column in range(max(math.floor(x - reach), 0), min(math.floor(x + reach) + 1, heights.shape[1])):
            away = math.hypot(column + 0.5 - x, row + 0.5 - y)
            if away >= best or heights[row, column] > 0 or sees(heights, column + 0.5, row + 0.5, threat_x, threat_y):
                continue
            if sees(heights, x, y, column + 0.5, row + 0.5):
                best, best_x, best_y = away, column + 0.5, row + 0.5
    return best_x, best_y
