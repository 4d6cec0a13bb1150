"""Promise: a fan of rays costs hardly more than the bare kernel that casts it."""

from __future__ import annotations

import numpy as np
from _table import Row, interleaved, report

from understudy.sensors import RayFan
from understudy.sensors.casting import cast_grid

SIZE, WALLS, AGENTS, RAYS, REACH = 128, 0.12, 256, 64, 64.0
ROUNDS = 60


def rows() -> list[Row]:
    """Cast 256 agents × 64 rays on a 128×128 grid with 12 % walls, three ways in turn, and compare the medians."""
    rng = np.random.default_rng(0)
    grid = (rng.random((SIZE, SIZE)) < WALLS).astype(np.uint8)
    positions, headings = rng.uniform(1, SIZE - 1, (AGENTS, 2)), rng.uniform(0, 360, AGENTS)
    fan = RayFan.even(RAYS, 120, reach=REACH, units="cells")
    directions = [np.ascontiguousarray(each, np.float64) for each in _trigonometry(fan, headings)]
    out = np.empty((AGENTS, *fan.shape), np.float32)
    wrapped, bare = interleaved(
        lambda: fan.on_grid(grid, positions, headings),
        lambda: cast_grid(grid, positions, *directions, REACH, out),
        ROUNDS,
    )
    _, looped = interleaved(
        lambda: fan.on_grid(grid, positions, headings), lambda: lockstep(grid, positions, headings, fan), ROUNDS // 4
    )
    found, expected = lockstep(grid, positions, headings, fan), fan.on_grid(grid, positions, headings)[..., 0]
    if not np.allclose(found, expected, atol=1e-3):
        raise RuntimeError("The numpy loop and the kernel disagree; the comparison would mean nothing.")
    rate = AGENTS * RAYS / 1e6 / wrapped
    note = f"{SIZE}×{SIZE} cells, {WALLS:.0%} walls, {AGENTS} agents × {RAYS} rays, one thread, medians"
    return [
        Row("RayFan.on_grid against the bare numba kernel", bare / wrapped, 0.7, note=note),
        Row("RayFan.on_grid against numpy with all rays in step", looped / wrapped, 10, note=note),
        Row("RayFan.on_grid", rate, 5, "million rays/s", note=note),
    ]


def lockstep(grid: np.ndarray, positions: np.ndarray, headings: np.ndarray, fan: RayFan) -> np.ndarray:
    """The same walk over the grid with all rays in step, in numpy: distances, shape (agents, rays)."""
    angles = np.radians(headings[:, None] - np.array(fan.angles)).ravel()
    directions = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    origins = np.repeat(positions, len(fan.angles), axis=0)
    cells = np.floor(origins).astype(int)
    steps = np.where(directions > 0, 1, -1)
    with np.errstate(divide="ignore"):
        deltas = 1 / np.abs(directions)
    ahead = np.where(directions > 0, cells + 1 - origins, origins - cells) * deltas
    distances = np.zeros(len(angles))
    result = np.full(len(angles), fan.reach)
    going = np.arange(len(angles))
    while len(going):
        column, row = cells[going].T
        inside = (column >= 0) & (column < grid.shape[1]) & (row >= 0) & (row < grid.shape[0])
        going, column, row = going[inside], column[inside], row[inside]
        hit = grid[row, column] > 0
        result[going[hit]] = np.minimum(distances[going[hit]], fan.reach)
        going = going[~hit]
        going = going[distances[going] <= fan.reach]
        axis = np.argmin(ahead[going], axis=1)
        distances[going] = ahead[going, axis]
        ahead[going, axis] += deltas[going, axis]
        cells[going, axis] += steps[going, axis]
    return result.reshape(len(positions), -1)


def _trigonometry(fan: RayFan, headings: np.ndarray) -> list[np.ndarray]:
    turned, angles = np.radians(headings), np.radians(fan.angles)
    return [np.cos(turned), np.sin(turned), np.cos(angles), np.sin(angles)]


if __name__ == "__main__":
    report("rays", rows())
