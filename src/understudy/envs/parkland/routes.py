"""Ways for trails: cheap to walk, around water and houses, found on squares of four metres and then smoothed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.science import csgraph, ndimage, sparse

SQUARE = 4.0
"""Metres of a square of the map of costs."""
STRIDE = 2.0
"""Metres between the points of a trail."""
_WINDOW = 90.0
"""How far a way may leave the rectangle between its ends, metres."""
_BEND = 2.2
"""How smooth trails are, in points."""
_USED = 6.0
"""What a square costs more that a trail uses already."""

_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


class CostMap:
    """What it costs to lead a trail over each square of the park; very dear where none should be.

    Attributes:
        costs: float (rows, columns), row y, column x.
    """

    def __init__(self, side: float, costs: NDArray) -> None:
        self.side = side
        self.costs = costs

    def route(self, start: tuple[float, float], end: tuple[float, float]) -> NDArray:
        """Return the cheapest way from `start` to `end` (x, y) as points (k, 2), and make its squares dear."""
        window = self._window(start, end)
        costs = self.costs[window].copy()
        first, last = self._square(start, window), self._square(end, window)
        costs[first], costs[last] = 1.0, 1.0
        steps = _cheapest(costs, first, last)
        rows, columns = steps[:, 0] + window[0].start, steps[:, 1] + window[1].start
        np.add.at(self.costs, (rows, columns), _USED)
        points = (np.stack([columns, rows], axis=1) + 0.5) * SQUARE
        points[0], points[-1] = start, end
        return points

    def _square(self, place: tuple[float, float], window: tuple[slice, slice]) -> tuple[int, int]:
        return int(place[1] / SQUARE) - window[0].start, int(place[0] / SQUARE) - window[1].start

    def _window(self, start: tuple[float, float], end: tuple[float, float]) -> tuple[slice, slice]:
        rows, columns = self.costs.shape
        low = [max(0, int((min(a, b) - _WINDOW) / SQUARE)) for a, b in zip(start, end, strict=True)]
        high = [int((max(a, b) + _WINDOW) / SQUARE) + 1 for a, b in zip(start, end, strict=True)]
        return slice(low[1], min(rows, high[1])), slice(low[0], min(columns, high[0]))


def smooth(points: NDArray, loop: bool) -> NDArray:
    """Return points (k, 2) about `STRIDE` apart along a smoothed way; its ends stay, a loop is closed."""
    points = resample(points)
    if loop:
        bent = ndimage.gaussian_filter1d(points[:-1], _BEND, axis=0, mode="wrap")
        return resample(np.concatenate([bent, bent[:1]]))
    bent = ndimage.gaussian_filter1d(points, _BEND, axis=0, mode="nearest")
    bent[0], bent[-1] = points[0], points[-1]
    return resample(bent)


def resample(points: NDArray, stride: float = STRIDE) -> NDArray:
    """Return points (k, d) at even distances of about `stride` along a polyline (n, d), its ends kept."""
    lengths = np.hypot(*np.diff(points[:, :2], axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0, along[-1], max(2, round(along[-1] / stride) + 1))
    return np.stack([np.interp(at, along, column) for column in points.T], axis=1)


def left_of(points: NDArray, k: int) -> NDArray:
    """Return the unit vector (2,) to the left of who walks through `points` (n, 2 or 3) and is at point k, within."""
    forward = points[k + 1, :2] - points[k - 1, :2]
    return np.asarray([-forward[1], forward[0]]) / np.hypot(*forward)


def _cheapest(costs: NDArray, first: tuple[int, int], last: tuple[int, int]) -> NDArray:
    """Return the squares (k, 2) of the cheapest way, row and column."""
    columns = costs.shape[1]
    start, end = first[0] * columns + first[1], last[0] * columns + last[1]
    _, before = csgraph.dijkstra(_graph(costs), indices=start, return_predecessors=True)
    steps = [end]
    while steps[-1] != start and before[steps[-1]] >= 0:
        steps.append(int(before[steps[-1]]))
    return np.asarray([divmod(each, columns) for each in reversed(steps)])


def _graph(costs: NDArray) -> Any:
    """The graph of neighbouring squares; an edge costs its length times the mean of its squares' costs."""
    rows, columns = costs.shape
    ids = np.arange(rows * columns).reshape(rows, columns)
    starts, ends, weights = [], [], []
    for down, right in _NEIGHBOURS:
        here = (slice(0, rows - down), slice(max(0, -right), columns - max(0, right)))
        there = (slice(down, rows), slice(max(0, right), columns + min(0, right)))
        starts.append(ids[here].ravel())
        ends.append(ids[there].ravel())
        weights.append(((costs[here] + costs[there]) / 2 * np.hypot(down, right)).ravel())
    a, b, w = np.concatenate(starts), np.concatenate(ends), np.concatenate(weights)
    both = (np.concatenate([w, w]), (np.concatenate([a, b]), np.concatenate([b, a])))
    return sparse.csr_array(both, shape=(ids.size, ids.size))
