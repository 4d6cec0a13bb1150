"""Ways over a grid of 1 m cells: distances to a target, the heading of the next step, and waypoints.

A step goes to one of the eight neighbours; a diagonal one only if both cells beside it are free, so that somebody of
radius `AGENT_RADIUS` passes no corner too closely. Distances are Dijkstra's (1959), "A note on two problems in
connexion with graphs".
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from understudy.sensors.compiling import numba

AGENT_RADIUS = 0.35
"""Of the cylinder that a player is, in metres: it walks through a gap of one cell."""
LOOK_AHEAD = 8
"""How many steps along a way a heading may cut straight across free floor."""

_SAMPLE = 0.2
"""Metres between the points of a straight walk that are tried."""
_SLACK = 1e-6
_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1))


@numba.njit(cache=True)
def _may_step(free: np.ndarray, row: int, column: int, down: int, right: int) -> bool:  # pragma: no cover
    """Whether somebody in a free cell may step to its neighbour."""
    to_row, to_column = row + down, column + right
    if not (0 <= to_row < free.shape[0] and 0 <= to_column < free.shape[1]) or not free[to_row, to_column]:
        return False
    return bool(free[row, to_column] and free[to_row, column])


@numba.njit(cache=True)
def spread(free: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:  # pragma: no cover
    """Walk from the targets to every cell that can be reached.

    Args:
        free: Which cells can be walked on, bool, shape (rows, columns).
        targets: Which cells to go to, bool, shape (rows, columns); those that are not free do not count.

    Returns:
        Metres to the nearest target, float64, shape (rows, columns), infinite where there is no way; and the flat
        index of the next cell on the way there, int64, same shape, a cell's own at a target and -1 without a way.
    """
    num_rows, num_columns = free.shape
    metres = np.full((num_rows, num_columns), np.inf)
    following = np.full((num_rows, num_columns), -1, np.int64)
    heap = [(0.0, 0)]
    heap.pop()
    for row in range(num_rows):
        for column in range(num_columns):
            if targets[row, column] and free[row, column]:
                metres[row, column] = 0.0
                following[row, column] = row * num_columns + column
                heapq.heappush(heap, (0.0, row * num_columns + column))
    while heap:
        here, cell = heapq.heappop(heap)
        row, column = cell // num_columns, cell % num_columns
        if here > metres[row, column]:
            continue
        for down, right in _NEIGHBOURS:
            if _may_step(free, row, column, down, right):
                there = here + math.sqrt(down * down + right * right)
                if there < metres[row + down, column + right] - _SLACK:
                    metres[row + down, column + right] = there
                    following[row + down, column + right] = cell
                    heapq.heappush(heap, (there, (row + down) * num_columns + column + right))
    return metres, following


@numba.njit(cache=True)
def _stands(free: np.ndarray, x: float, y: float, radius: float) -> bool:  # pragma: no cover
    """Whether a disc touches free floor only."""
    for row in range(math.floor(y - radius), math.floor(y + radius) + 1):
        for column in range(math.floor(x - radius), math.floor(x + radius) + 1):
            inside = 0 <= row < free.shape[0] and 0 <= column < free.shape[1]
            if inside and free[row, column]:
                continue
            away_x = max(column - x, 0.0, x - column - 1)
            away_y = max(row - y, 0.0, y - row - 1)
            if away_x * away_x + away_y * away_y < radius * radius - _SLACK:
                return False
    return True


@numba.njit(cache=True)
def walks_straight(
    free: np.ndarray, x: float, y: float, to_x: float, to_y: float, radius: float
) -> bool:  # pragma: no cover
    """Whether somebody of `radius` walks straight from one point to another."""
    steps = math.ceil(math.hypot(to_x - x, to_y - y) / _SAMPLE)
    for step in range(steps + 1):
        share = step / max(steps, 1)
        if not _stands(free, x + share * (to_x - x), y + share * (to_y - y), radius):
            return False
    return True


@numba.njit(cache=True)
def _ahead(
    free: np.ndarray, following: np.ndarray, x: float, y: float, cell: int, radius: float, most: int
) -> int:  # pragma: no cover
    """The farthest cell on the way from `cell`, at most `most` steps on, to which (x, y) walks straight."""
    num_columns = free.shape[1]
    for _ in range(most):
        following_cell = following[cell // num_columns, cell % num_columns]
        to_x, to_y = following_cell % num_columns + 0.5, following_cell // num_columns + 0.5
        if following_cell == cell or not walks_straight(free, x, y, to_x, to_y, radius):
            break
        cell = following_cell
    return cell


@numba.njit(cache=True)
def headings(free: np.ndarray, following: np.ndarray, radius: float, most: int) -> np.ndarray:  # pragma: no cover
    """Return where to walk from each cell's centre, in degrees counter-clockwise from +x.

    Args:
        free: As for `spread`.
        following: What `spread` returned.
        radius: Of the walker, in metres.
        most: How many steps of the way are cut across at most.

    Returns:
        float32, shape (rows, columns), in (-180, 180]; 0 at a target and where there is no way.
    """
    num_rows, num_columns = free.shape
    out = np.zeros((num_rows, num_columns), np.float32)
    for row in range(num_rows):
        for column in range(num_columns):
            cell = row * num_columns + column
            if following[row, column] < 0 or following[row, column] == cell:
                continue
            ahead = _ahead(free, following, column + 0.5, row + 0.5, cell, radius, most)
            out[row, column] = math.degrees(math.atan2(ahead // num_columns - row, ahead % num_columns - column))
    return out


@numba.njit(cache=True)
def waypoints(
    free: np.ndarray, following: np.ndarray, start: np.ndarray, goal: np.ndarray, radius: float
) -> np.ndarray:  # pragma: no cover
    """Return the corners of the way from `start` to `goal`, pulled straight wherever one can walk straight.

    Args:
        free: As for `spread`.
        following: What `spread` returned for the goal's cell.
        start: x and y in metres, float64, shape (2,), in a cell from which there is a way.
        goal: x and y in metres, float64, shape (2,).
        radius: Of the walker, in metres.

    Returns:
        x and y in metres, float32, shape (n, 2), from `start` to `goal`.
    """
    num_columns = free.shape[1]
    cell = math.floor(start[1]) * num_columns + math.floor(start[0])
    x, y = start[0], start[1]
    corners = [(x, y)]
    while not walks_straight(free, x, y, goal[0], goal[1], radius):
        ahead = _ahead(free, following, x, y, cell, radius, free.size)
        at_centre = x == cell % num_columns + 0.5 and y == cell // num_columns + 0.5
        if ahead == cell and at_centre:
            break
        cell = ahead
        x, y = cell % num_columns + 0.5, cell // num_columns + 0.5
        corners.append((x, y))
    corners.append((goal[0], goal[1]))
    return np.array(corners, np.float32)
