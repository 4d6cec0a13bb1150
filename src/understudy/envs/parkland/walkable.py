"""Where one can walk in a park, and the shortest ways: cells of one metre on the ground, on decks and on floors.

Privileged: made from the layout, for scripted testers, baselines that say so, and the denominator of coverage. It is
the park as it looks, its doors open: planted bugs do not show in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from understudy.envs.parkland import stepping
from understudy.envs.parkland.body import MAX_SLOPE
from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.obstacles import world_of

CELL = 1.0
"""Metres."""


@dataclass(frozen=True, eq=False)
class WalkGrid:
    """Places to stand and the steps between them.

    A node is a cell and a height; where a deck or an upper floor lies over walkable ground, one cell has several.

    Attributes:
        layout: The park.
        places: float32 (n, 3), where one stands in the middle of each node's cell.
        firsts: int64 (cells + 1,), where each cell's nodes begin; cells row by row, south-west first.
        links: int32 (n, 8), the node in each direction, -1 where one cannot walk.
    """

    layout: Layout
    places: NDArray[np.float32]
    firsts: NDArray[np.int64]
    links: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def reachable(self) -> NDArray[np.bool_]:
        """Which nodes (n,) can be walked to from the start."""
        start = self._nodes_near(np.asarray([self.layout.start[:3]]), np.ones(len(self), np.bool_))
        return np.asarray(np.isfinite(self._search(int(start[0]), -1, None)[0]))

    @cached_property
    def narrow(self) -> NDArray[np.bool_]:
        """Which nodes (n,) have something in the way on a side."""
        return np.asarray((self.links < 0).any(axis=1))

    def nearest(self, place: ArrayLike) -> NDArray[np.int64]:
        """Return the reachable node nearest to each `place` (..., 3); height counts double."""
        wanted = np.asarray(place, np.float64)
        return self._nodes_near(wanted.reshape(-1, 3), self.reachable).reshape(wanted.shape[:-1])

    def is_near(self, place: ArrayLike, within: float = 1.0) -> NDArray[np.bool_]:
        """Return whether each `place` (..., 3) is within a distance (metres, height doubled) of a reachable node."""
        away = (self.places[self.nearest(place)] - np.asarray(place)) * (1.0, 1.0, 2.0)
        return np.asarray(np.linalg.norm(away, axis=-1) <= within)

    def distances(self, place: ArrayLike, weights: NDArray | None = None) -> NDArray[np.float32]:
        """Return the length of the shortest way (n,) from `place` (3,) to each node, metres; inf where there is none.

        A place stands for the reachable node nearest to it.

        Args:
            place: Where the ways start.
            weights: float (n,), what a metre costs at each node, at least 1; by default 1 everywhere.
        """
        return self._search(int(self.nearest(place)), -1, weights)[0]

    def path(self, start: ArrayLike, end: ArrayLike, weights: NDArray | None = None) -> NDArray[np.float32]:
        """Return the cheapest way from `start` to `end` (3,), as the places (k, 3) of nodes that can be reached."""
        source, target = int(self.nearest(start)), int(self.nearest(end))
        before = self._search(target, source, weights)[1]
        nodes = [source]
        while nodes[-1] != target:
            nodes.append(int(before[nodes[-1]]))
        return self.places[nodes]

    def _nodes_near(self, wanted: NDArray, allowed: NDArray) -> NDArray[np.int64]:
        per_side = math.isqrt(len(self.firsts) - 1)
        return np.asarray(stepping.nodes_near(self.places, self.firsts, per_side, allowed, wanted.astype(np.float64)))

    def _search(self, source: int, target: int, weights: NDArray | None) -> tuple[NDArray, NDArray]:
        costs = np.ones(1, np.float32) if weights is None else np.asarray(weights, np.float32)
        return stepping.search(self.places, self.links, costs, source, target)


def walk_grid(layout: Layout) -> WalkGrid:
    """Return where one can walk in `layout`; about a second for 0.25 km², half a minute for 8.6 km²."""
    world, per_side = world_of(layout), int(layout.side // CELL)
    busy = stepping.near_boxes(world.boxes, per_side)
    firsts = np.concatenate([[0], np.cumsum(stepping.count_nodes(world, busy))])
    places = stepping.place_nodes(world, busy, firsts)
    links = stepping.link_nodes(world, busy, firsts, places, math.tan(math.radians(MAX_SLOPE)))
    return WalkGrid(layout, places, firsts, links)
