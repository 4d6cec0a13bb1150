"""Trees and rocks, thicker in some parts of the park than in others, and never close enough together to shut one in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import terrain
from understudy.envs.parkland.clearings import Clearings, dry
from understudy.envs.parkland.layout import elevation
from understudy.envs.parkland.solids import SolidsBuilder

TRAIL_GAP = 3.6
"""Metres from the middle of a trail to the nearest trunk."""
_SPACING = 9.0
_MOST = 12_000
_EDGE = 10.0


def plant_trees(rng: np.random.Generator, side: float, heights: NDArray, clearings: Clearings) -> NDArray:
    """Return trunks float32 (t, 5): x, y, z of the ground, radius, height."""
    places = _scatter(rng, side, max(_SPACING, side / np.sqrt(_MOST * 3.0)))
    density = terrain.noise(rng, len(heights), side, 110.0)
    thick = np.clip(0.28 + 0.8 * elevation(density, side / (len(heights) - 1), *places.T), 0.03, 0.85)
    places = places[rng.random(len(places)) < thick]
    ground = elevation(heights, side / (len(heights) - 1), *places.T)
    keep = clearings.free(places, TRAIL_GAP, 1.5) & dry(ground)
    sizes = np.stack([rng.uniform(0.18, 0.4, keep.sum()), rng.uniform(5.0, 11.0, keep.sum())], axis=1)
    return np.column_stack([places[keep], ground[keep], sizes]).astype(np.float32)


def scatter_rocks(
    rng: np.random.Generator, side: float, heights: NDArray, clearings: Clearings, boxes: SolidsBuilder
) -> None:
    """Add rocks off the trails, each with its clearing."""
    places = rng.uniform(_EDGE + 6, side - _EDGE - 6, (int(28 * (side / 500.0) ** 2), 2))
    ground = elevation(heights, side / (len(heights) - 1), *places.T)
    for k in np.flatnonzero(clearings.free(places, 6.0, 3.0) & dry(ground)):
        (x, y), half = places[k], rng.uniform((0.5, 0.5, 0.6), (1.3, 1.3, 1.3))
        boxes.box((x, y, ground[k] + half[2] - 0.5), tuple(half), "rock", "stone", float(rng.uniform(0, 360)))
        clearings.take(x, y, 3.0)


def _scatter(rng: np.random.Generator, side: float, spacing: float) -> NDArray:
    """Return places (k, 2), one in each square of `spacing`, at least two metres from each other."""
    squares = int((side - 2 * _EDGE) / spacing)
    rows, columns = np.divmod(np.arange(squares**2), squares)
    corners = np.stack([columns, rows], axis=1) * spacing + _EDGE
    return corners + rng.uniform(1.0, spacing - 1.0, corners.shape)
