"""Straight lines through a level: where they end, and whether smoke lies across.

Cells are walked as in `understudy.sensors.casting`. Cover is as high as it is; walls have no top, so that nothing
passes over them, and outside the level all is wall.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.sensors.compiling import numba

WALL_HEIGHT = 3.0
"""Cells at least this high are walls."""
NOTHING, WALL, COVER, FLOOR = range(4)
"""What a line ends at."""
_TINY = 1e-12


@numba.njit(cache=True)
def line_end(
    heights: np.ndarray, x: float, y: float, z: float, dx: float, dy: float, dz: float, reach: float
) -> tuple[float, int]:  # pragma: no cover
    """How far a line goes from (x, y, z) along the unit vector (dx, dy, dz), and what it ends at."""
    rows, columns = heights.shape
    ending = NOTHING
    if dz < 0.0 and z < -dz * reach:
        reach, ending = z / -dz, FLOOR
    column, row = math.floor(x), math.floor(y)
    step_x, step_y = (1 if dx > 0.0 else -1), (1 if dy > 0.0 else -1)
    delta_x = 1.0 / abs(dx) if abs(dx) > _TINY else math.inf
    delta_y = 1.0 / abs(dy) if abs(dy) > _TINY else math.inf
    next_x = (column + 1 - x if dx > 0.0 else x - column) * delta_x if delta_x < math.inf else math.inf
    next_y = (row + 1 - y if dy > 0.0 else y - row) * delta_y if delta_y < math.inf else math.inf
    start = 0.0
    while start < reach:
        if not (0 <= column < columns and 0 <= row < rows):
            return start, WALL
        height = heights[row, column]
        end = min(next_x, next_y)
        if height > 0.0:
            if height >= WALL_HEIGHT:
                return start, WALL
            if z + dz * start < height:
                return start, COVER
            if z + dz * end < height:
                top = (height - z) / dz
                return (top, COVER) if top < reach else (reach, ending)
        start = end
        if next_x <= next_y:
            next_x += delta_x
            column += step_x
        else:
            next_y += delta_y
            row += step_y
    return reach, ending


@numba.njit(cache=True)
def is_clear(
    heights: np.ndarray, x: float, y: float, z: float, to_x: float, to_y: float, to_z: float
) -> bool:  # pragma: no cover
    """Whether neither wall nor cover lies between two points."""
    dx, dy, dz = to_x - x, to_y - y, to_z - z
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    if length < 1e-6:
        return True
    found, ending = line_end(heights, x, y, z, dx / length, dy / length, dz / length, length)
    return ending in (NOTHING, FLOOR) or found >= length - 1e-6


@numba.njit(cache=True)
def in_smoke(
    smokes: np.ndarray, height: float, x: float, y: float, z: float, to_x: float, to_y: float, to_z: float
) -> bool:  # pragma: no cover
    """Whether a line touches a smoke (rows of x, y, seconds left, radius), whose centres are at `height`."""
    dx, dy, dz = to_x - x, to_y - y, to_z - z
    length = dx * dx + dy * dy + dz * dz
    for index in range(smokes.shape[0]):
        radius = smokes[index, 3]
        if smokes[index, 2] > 0.0 and radius > 0.0:
            away_x, away_y, away_z = smokes[index, 0] - x, smokes[index, 1] - y, height - z
            share = (away_x * dx + away_y * dy + away_z * dz) / length if length > 0.0 else 0.0
            share = min(max(share, 0.0), 1.0)
            gap_x, gap_y, gap_z = away_x - share * dx, away_y - share * dy, away_z - share * dz
            if gap_x * gap_x + gap_y * gap_y + gap_z * gap_z < radius * radius:
                return True
    return False
