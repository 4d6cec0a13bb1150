"""Where players are: divergence of occupancy on a grid, and the metres that one cloud must move to become the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.errors import require
from understudy.evaluation.statistics import js_divergence
from understudy.evaluation.telemetry import Telemetry

MAX_SUPPORT = 300
"""Places that a cloud is summarised by at most: exact transport between them takes some hundredths of a second."""

_CELLS_ACROSS = 32
_EVERY_S = 0.25


@dataclass(frozen=True)
class Grid:
    """A map's cells.

    Attributes:
        left: Least x.
        bottom: Least y.
        cell: Side of a cell.
        rows: Cells up.
        cols: Cells across.
    """

    left: float
    bottom: float
    cell: float
    rows: int
    cols: int

    def cells_of(self, positions: np.ndarray) -> np.ndarray:
        """Return the number of each position's cell, int64, shape (n,); those outside count to the border."""
        columns, rows = np.floor((positions - (self.left, self.bottom)) / self.cell).astype(np.int64).T
        return np.clip(rows, 0, self.rows - 1) * self.cols + np.clip(columns, 0, self.cols - 1)

    def counts(self, positions: np.ndarray) -> np.ndarray:
        """Return how many positions each cell holds, int64, shape (rows * cols,)."""
        return np.bincount(self.cells_of(positions), minlength=self.rows * self.cols)


def grids_of(episodes: Sequence[Telemetry], cell: float = 0.0) -> dict[str, Grid]:
    """Return a grid for each map that somebody was recorded on, of `cell`, or of 1/32 of its longer side."""
    clouds: dict[str, list[np.ndarray]] = {}
    for each in episodes:
        if each.positions is not None:
            clouds.setdefault(each.map, []).append(each.positions)
    return {name: _grid(np.concatenate(parts), cell) for name, parts in clouds.items()}


def _grid(positions: np.ndarray, cell: float) -> Grid:
    low, high = positions.min(0), positions.max(0)
    side = cell or max(float((high - low).max()) / _CELLS_ACROSS, 1e-6)
    cols, rows = (np.floor((high - low) / side).astype(int) + 1).tolist()
    return Grid(float(low[0]), float(low[1]), side, rows, cols)


@dataclass(frozen=True)
class Stay:
    """Where one episode was played, some times a second.

    Attributes:
        map: Of the level.
        positions: Shape (n, 2).
        counts: Of the map's grid, shape (cells,).
    """

    map: str
    positions: np.ndarray
    counts: np.ndarray


def stay_of(episode: Telemetry, grids: Mapping[str, Grid]) -> Stay | None:
    """Return where an episode was played; None without positions, or on a map without a grid."""
    if episode.positions is None or episode.map not in grids:
        return None
    positions = episode.positions[:: max(1, round(_EVERY_S * episode.hz))]
    return Stay(episode.map, positions, grids[episode.map].counts(positions))


def occupancy_divergence(left: Sequence[Stay], right: Sequence[Stay]) -> np.ndarray:
    """Return the Jensen-Shannon divergence of occupancy in bits, shape (1,), the mean over the maps of both sides."""
    return _over_maps(left, right, lambda a, b: js_divergence(_sum(a), _sum(b)))


def occupancy_transport(left: Sequence[Stay], right: Sequence[Stay]) -> np.ndarray:
    """Return the 2-D optimal transport distance of occupancy, shape (1,), the mean over the maps of both sides."""
    return _over_maps(left, right, lambda a, b: transport_distance(_cloud(a), _cloud(b)))


def transport_distance(left: np.ndarray, right: np.ndarray, limit: int = MAX_SUPPORT) -> float:
    """Return how far, on average, a cloud of points must move to become another, in the points' units.

    A cloud of more than `limit` points is summarised first by the means of its points in the cells of a grid, as fine
    as the limit allows; between the summaries the transport is exact.

    Args:
        left: Shape (n, 2).
        right: Shape (m, 2).
        limit: Points of a summary at most.

    Source: Bonneel et al. 2011, "Displacement interpolation using Lagrangian mass transport" (the network simplex of
        POT's `emd2`); the cost is the Euclidean distance.
    """
    ot = require("ot", "evaluate")
    (a, a_weights), (b, b_weights) = _summary(left, limit), _summary(right, limit)
    costs = np.linalg.norm(a[:, None] - b[None], axis=2)
    return float(ot.emd2(a_weights, b_weights, costs, numItermax=1_000_000))


def _summary(points: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and their weights, which sum to 1."""
    points = np.asarray(points, float)
    if len(points) <= limit:
        return points, np.full(len(points), 1 / len(points))
    low = points.min(0)
    cell = max(float((points.max(0) - low).max()) / np.sqrt(limit) / 4, 1e-9)
    while True:
        _, owner = np.unique(np.floor((points - low) / cell).astype(np.int64), axis=0, return_inverse=True)
        weights = np.bincount(owner.ravel()).astype(float)
        if len(weights) <= limit:
            break
        cell *= 1.25
    means = np.stack([np.bincount(owner.ravel(), points[:, axis]) for axis in range(2)], 1) / weights[:, None]
    return means, weights / weights.sum()


def _over_maps(
    left: Sequence[Stay], right: Sequence[Stay], distance: Callable[[list[Stay], list[Stay]], float]
) -> np.ndarray:
    shared = sorted({each.map for each in left} & {each.map for each in right})
    found = [distance([s for s in left if s.map == name], [s for s in right if s.map == name]) for name in shared]
    return np.array([np.mean(found) if found else np.nan])


def _sum(stays: Sequence[Stay]) -> np.ndarray:
    return np.sum([each.counts for each in stays], axis=0)


def _cloud(stays: Sequence[Stay]) -> np.ndarray:
    return np.concatenate([each.positions for each in stays])
