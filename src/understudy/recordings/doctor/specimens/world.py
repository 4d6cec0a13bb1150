"""A walled world with textures, seen in perspective: enough for pictures that turn, walk and bump as games' do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIZE = 24
ROWS, COLUMNS = 40, 64
_FIELD = np.radians(80)
_REACH, _STEP = 12.0, 0.08
_RADIUS = 0.3


@dataclass(frozen=True)
class World:
    """A grid of walls, and the seed of their textures.

    Attributes:
        walls: Shape (SIZE, SIZE), bool.
        paint: Grey levels of the walls' stripes, shape (SIZE, SIZE, 8).
        tint: Of the whole world, RGB.
    """

    walls: np.ndarray
    paint: np.ndarray
    tint: np.ndarray

    @classmethod
    def make(cls, rng: np.random.Generator) -> World:
        """Draw a world."""
        walls = rng.random((SIZE, SIZE)) < 0.14
        walls[[0, -1], :] = walls[:, [0, -1]] = True
        return cls(walls, rng.uniform(40, 250, (SIZE, SIZE, 8)), rng.uniform(0.5, 1.0, 3))

    def is_wall(self, x: float, y: float) -> bool:
        """Whether a body at a place touches a wall."""
        corners = ((x + dx, y + dy) for dx in (-_RADIUS, _RADIUS) for dy in (-_RADIUS, _RADIUS))
        return any(bool(self.walls[int(a), int(b)]) for a, b in corners)

    def free_place(self, rng: np.random.Generator) -> tuple[float, float]:
        """Draw a place that touches no wall."""
        while True:
            x, y = rng.uniform(1, SIZE - 1, 2)
            if not self.is_wall(x, y):
                return float(x), float(y)

    def cast(self, x: float, y: float, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances to walls at angles in radians, and the grey level of what is hit there."""
        reach = np.arange(_STEP, _REACH, _STEP)
        at_x, at_y = x + np.outer(np.cos(angles), reach), y + np.outer(np.sin(angles), reach)
        cells = self.walls[np.clip(at_x, 0, SIZE - 1).astype(int), np.clip(at_y, 0, SIZE - 1).astype(int)]
        first = np.where(cells.any(axis=1), cells.argmax(axis=1), len(reach) - 1)
        rows = np.arange(len(angles))
        hit_x, hit_y = np.clip(at_x[rows, first], 0, SIZE - 1), np.clip(at_y[rows, first], 0, SIZE - 1)
        stripe = (((hit_x + hit_y) % 1) * 8).astype(int)
        return reach[first], self.paint[hit_x.astype(int), hit_y.astype(int), stripe]

    def look(self, x: float, y: float, heading: float) -> np.ndarray:
        """Draw what is seen, uint8, shape (ROWS, COLUMNS, 3)."""
        offsets = np.linspace(-_FIELD / 2, _FIELD / 2, COLUMNS)
        distance, level = self.cast(x, y, heading + offsets)
        height = ROWS * 0.45 / np.maximum(distance * np.cos(offsets), 0.2)
        row = np.abs(np.arange(ROWS) - (ROWS - 1) / 2)[:, None]
        shade = 1 / (1 + 0.1 * distance)
        grey = np.where(row < height, level * shade, 30 + 40 * (np.arange(ROWS) > ROWS / 2)[:, None])
        return (grey[..., None] * self.tint).clip(0, 255).astype(np.uint8)
