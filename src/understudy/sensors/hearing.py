"""Kernels of directional audio: what a listener hears from each side, and how much wall lies in between.

They write to arrays they are given and allocate nothing, so that other kernels can call them for each player.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.sensors.compiling import numba


@numba.njit(cache=True)
def hear(
    listener: np.ndarray, sources: np.ndarray, reaches: np.ndarray, muffling: float, out: np.ndarray
) -> None:  # pragma: no cover
    """Write what one listener hears.

    Args:
        listener: x and y in metres and heading in degrees counter-clockwise from +x, float64, shape (3,).
        sources: x, y, index of the type, loudness, metres of wall in between, float64, shape (sources, 5). One whose
            loudness is not above 0 is silent.
        reaches: Metres that a sound of each type carries at loudness 1, float64, shape (types,).
        muffling: How many metres of air a metre of wall counts as.
        out: Written: float32, shape (sectors, types), in [0, 1].
    """
    num_sectors = out.shape[0]
    out[:, :] = 0
    for index in range(sources.shape[0]):
        kind, loudness = int(sources[index, 2]), sources[index, 3]
        if loudness <= 0:
            continue
        to_x, to_y = sources[index, 0] - listener[0], sources[index, 1] - listener[1]
        straight = math.hypot(to_x, to_y)
        value = 1 - (straight + muffling * sources[index, 4]) / (reaches[kind] * loudness)
        right = listener[2] - math.degrees(math.atan2(to_y, to_x)) if straight > 0 else 0.0
        sector = math.floor(right / 360 * num_sectors + 0.5) % num_sectors
        if value > out[sector, kind]:
            out[sector, kind] = value


@numba.njit(cache=True)
def hear_all(
    listeners: np.ndarray, sources: np.ndarray, reaches: np.ndarray, muffling: float, out: np.ndarray
) -> None:  # pragma: no cover
    """Write what each listener hears: `hear` with listeners, sources and `out` of one more axis in front."""
    for index in range(listeners.shape[0]):
        hear(listeners[index], sources[index], reaches, muffling, out[index])


@numba.njit(cache=True)
def wall_metres(
    heights: np.ndarray, wall: float, from_x: float, from_y: float, to_x: float, to_y: float
) -> float:  # pragma: no cover
    """Return the metres that the straight line between two points runs through cells of at least some height.

    The time it takes grows with the distance of the points.

    Args:
        heights: Metres above the floor, shape (rows, columns); cell (row, column) covers
            [column, column + 1) × [row, row + 1), and outside there is nothing.
        wall: The height from which on a cell is in the way of sound.
        from_x: x of the one end, in metres.
        from_y: y of the one end.
        to_x: x of the other end.
        to_y: y of the other end.
    """
    length = math.hypot(to_x - from_x, to_y - from_y)
    if length == 0:
        return 0.0
    dx, dy = (to_x - from_x) / length, (to_y - from_y) / length
    column, row = math.floor(from_x), math.floor(from_y)
    step_x, step_y = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    delta_x = 1 / abs(dx) if dx != 0 else math.inf
    delta_y = 1 / abs(dy) if dy != 0 else math.inf
    next_x = (column + 1 - from_x if dx > 0 else from_x - column) * delta_x if dx != 0 else math.inf
    next_y = (row + 1 - from_y if dy > 0 else from_y - row) * delta_y if dy != 0 else math.inf
    start, metres = 0.0, 0.0
    while start < length:
        end = min(next_x, next_y, length)
        inside = 0 <= column < heights.shape[1] and 0 <= row < heights.shape[0]
        if inside and heights[row, column] >= wall:
            metres += end - start
        start = end
        if next_x <= next_y:
            next_x += delta_x
            column += step_x
        else:
            next_y += delta_y
            row += step_y
    return metres
