"""What is still free: whatever is put into the park asks here first, and takes its place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.science import cKDTree
from understudy.envs.parkland.terrain import WATER_LEVEL


class Clearings:
    """Which places are free of trails, of water, and of what stands there already."""

    def __init__(self, side: float, trails: NDArray) -> None:
        """Start from the points (k, 2) of all trails."""
        self.side = side
        self._trails = cKDTree(trails)
        self._circles: list[tuple[float, float, float]] = []

    def take(self, x: float, y: float, radius: float) -> None:
        """Keep a circle from being used again."""
        self._circles.append((x, y, radius))

    def from_trail(self, places: NDArray) -> NDArray:
        """Return the distance of each of `places` (k, 2) to the middle of the nearest trail, metres."""
        return np.asarray(self._trails.query(places)[0])

    def free(self, places: NDArray, from_trail: float, radius: float = 0.0) -> NDArray:
        """Return which of `places` (k, 2) are `from_trail` metres from trails and free for a circle of `radius`."""
        free = self.from_trail(places) >= from_trail
        if self._circles:
            taken = np.asarray(self._circles)
            tree, most = cKDTree(taken[:, :2]), float(taken[:, 2].max())
            for k in np.flatnonzero(free):
                near = tree.query_ball_point(places[k], most + radius)
                free[k] = all(np.hypot(*(taken[each, :2] - places[k])) >= taken[each, 2] + radius for each in near)
        return free


def dry(ground: NDArray) -> NDArray:
    """Return where the elevation `ground` is clear of the water."""
    return np.asarray(ground > WATER_LEVEL + 0.5)
