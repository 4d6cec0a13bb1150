"""A small world of boxes, cylinders and balls, and an engine that casts single rays in it by the textbook formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.sensors.raygrid import NO_TYPE, RAY_TYPES

WALL, COVER, FLOOR, SITE, ENEMY, SMOKE = (
    RAY_TYPES.index(each) for each in ("wall", "cover", "floor", "site", "enemy", "smoke")
)


@dataclass(frozen=True)
class ToyWorld:
    """What is there: the arrays that `RayGrid.on_heights` takes, of one viewer."""

    heights: np.ndarray
    surface_types: np.ndarray
    bodies: np.ndarray
    spheres: np.ndarray

    @classmethod
    def random(cls, seed: int, *, num_bodies: int = 3, num_spheres: int = 1) -> ToyWorld:
        """Return a walled room with blocks in it, some of them low, a site, bodies and smoke."""
        rng = np.random.default_rng(seed)
        rows, columns = rng.integers(8, 20, 2)
        heights = rng.choice([0.0, 1.1, 4.0], (rows, columns), p=[0.8, 0.1, 0.1])
        heights[[0, -1], :] = heights[:, [0, -1]] = 4.0
        types = np.where(heights == 4.0, WALL, np.where(heights > 0, COVER, FLOOR))
        types[(heights == 0) & (rng.random(heights.shape) < 0.1)] = SITE
        bodies = [(*rng.uniform(1, (columns - 1, rows - 1)), 0, 1.8, 0.35, ENEMY) for _ in range(num_bodies)]
        spheres = [(*rng.uniform(1, (columns - 1, rows - 1)), 0.5, 1.5, SMOKE) for _ in range(num_spheres)]
        return cls(heights, types, np.reshape(bodies, (-1, 6)), np.reshape(spheres, (-1, 5)))

    def free_viewers(self, num: int, seed: int) -> np.ndarray:
        """Return viewers of random poses over cells of floor: x, y, z of the eye, heading and pitch."""
        rng = np.random.default_rng(seed)
        free = np.argwhere(self.heights == 0)
        cells = free[rng.integers(len(free), size=num)] + rng.uniform(0.05, 0.95, (num, 2))
        eyes, headings, pitches = rng.choice([1.0, 1.6], num), rng.uniform(0, 360, num), rng.uniform(-30, 30, num)
        return np.column_stack((cells[:, 1], cells[:, 0], eyes, headings, pitches))

    def cast(self, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distance and the type of what each ray hits first: infinity and -1 if nothing."""
        rays = directions.reshape(-1, 3)
        found = [self._boxes(origin, rays), self._floor(origin, rays)]
        found += [(_cylinder(origin, rays, each), np.full(len(rays), each[5], int)) for each in self.bodies]
        found += [(_ball(origin, rays, each), np.full(len(rays), each[4], int)) for each in self.spheres]
        distances, types = (np.stack(each) for each in zip(*found, strict=True))
        nearest = distances.argmin(axis=0)[None]
        distance = np.take_along_axis(distances, nearest, 0)[0]
        kind = np.where(np.isfinite(distance), np.take_along_axis(types, nearest, 0)[0], NO_TYPE)
        return distance.reshape(directions.shape[:-1]), kind.reshape(directions.shape[:-1])

    def _boxes(self, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest of all cells that stand up, by slabs."""
        cells = np.argwhere(self.heights > 0)
        low = np.column_stack((cells[:, 1], cells[:, 0], np.zeros(len(cells))))
        high = low + np.column_stack((np.ones((len(cells), 2)), self.heights[tuple(cells.T)]))
        with np.errstate(divide="ignore"):
            one, other = ((each - origin)[None] / rays[:, None] for each in (low, high))
        first, last = np.minimum(one, other).max(axis=2), np.maximum(one, other).min(axis=2)
        distances = np.where((first <= last) & (last >= 0), np.maximum(first, 0), np.inf)
        nearest = distances.argmin(axis=1)
        return distances[np.arange(len(rays)), nearest], self.surface_types[tuple(cells[nearest].T)]

    def _floor(self, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(divide="ignore"):
            distances = np.where(rays[:, 2] * origin[2] < 0, -origin[2] / rays[:, 2], np.inf)
        places = origin[:2] + np.where(np.isfinite(distances), distances, 0)[:, None] * rays[:, :2]
        column, row = np.floor(places).astype(int).T
        rows, columns = self.heights.shape
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        types = self.surface_types[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)]
        return np.where(inside, distances, np.inf), types


def _ball(origin: np.ndarray, rays: np.ndarray, ball: np.ndarray) -> np.ndarray:
    to = ball[:3] - origin
    along, outside = rays @ to, to @ to - ball[3] ** 2
    under_root = along**2 - outside
    hit = (under_root >= 0) & (along > 0)
    return np.where(outside <= 0, 0.0, np.where(hit, along - np.sqrt(np.maximum(under_root, 0)), np.inf))


def _cylinder(origin: np.ndarray, rays: np.ndarray, body: np.ndarray) -> np.ndarray:
    """What a ray has of the infinite pipe and of the slab between bottom and top, both as intervals."""
    to, flat = body[:2] - origin[:2], (rays[:, :2] ** 2).sum(axis=1)
    along = rays[:, :2] @ to
    under_root = along**2 - flat * (to @ to - body[4] ** 2)
    half = np.sqrt(np.maximum(under_root, 0))
    with np.errstate(divide="ignore", invalid="ignore"):  # straight down the pipe is never met
        one, other = (body[2] - origin[2]) / rays[:, 2], (body[3] - origin[2]) / rays[:, 2]
        first = np.maximum((along - half) / flat, np.minimum(one, other))
        last = np.minimum((along + half) / flat, np.maximum(one, other))
    return np.where((under_root > 0) & (first <= last) & (last >= 0), np.maximum(first, 0), np.inf)
