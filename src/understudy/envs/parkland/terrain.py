"""The ground: rolling hills, lakes with islands, level places for houses, and slopes along the trails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.science import ndimage

WATER_LEVEL = 0.0
DEPTH = 0.9
"""Of the lakes in the middle, metres: to be waded."""
DRY = 1.0
"""The least height over the water of ground that is away from lakes, metres."""
SHORE = 16.0
"""How wide the shore is that rises from the water to the land, metres."""
ISLAND = 9.0
"""An island's radius, metres."""

_OCTAVES = ((170.0, 8.0), (80.0, 2.4), (36.0, 0.7))
"""Wavelength and height of each layer of hills, metres."""


@dataclass(frozen=True)
class Lake:
    """A pond with an island in its middle; `lobes` are the height and phase of the waves of its shore."""

    x: float
    y: float
    radius: float
    lobes: tuple[tuple[float, float], ...]

    def reach(self, angle: NDArray | float) -> NDArray:
        """The distance of the shore from the middle, in the direction `angle` (radians)."""
        waves = [height * np.cos((k + 2) * angle + phase) for k, (height, phase) in enumerate(self.lobes)]
        return self.radius * (1 + np.sum(waves, axis=0))

    def inside(self, x: NDArray | float, y: NDArray | float) -> NDArray:
        """Metres to the shore, positive over the water, as if there were no island."""
        return self.reach(np.arctan2(y - self.y, x - self.x)) - np.hypot(x - self.x, y - self.y)


@dataclass(frozen=True)
class Pad:
    """A level place: x low, y low, x high, y high."""

    bounds: tuple[float, float, float, float]


def resolution(side: float) -> int:
    """Return n = 2^k + 1, the samples along a side of the ground: they are 1.5 to 3 metres apart."""
    return int(2 ** np.ceil(np.log2(side / 3.0))) + 1


def grid(side: float, n: int) -> tuple[NDArray, NDArray]:
    """Return x and y of every sample of the ground, each (n, n)."""
    along = np.linspace(0, side, n)
    return tuple(np.meshgrid(along, along))  # type: ignore[return-value]


def noise(rng: np.random.Generator, n: int, side: float, wavelength: float) -> NDArray:
    """Return smooth noise (n, n), mostly within [-1, 1], whose hills are `wavelength` metres apart."""
    cells = int(np.ceil(side / wavelength * 2)) + 4
    knots = rng.uniform(-1, 1, (cells, cells))
    at = 1.5 + np.linspace(0, side / wavelength * 2, n)
    rows = ndimage.map_coordinates(knots, np.stack(np.meshgrid(at, np.arange(cells), indexing="ij")), order=3)
    return _along_columns(rows, at)


def hills(rng: np.random.Generator, n: int, side: float) -> NDArray:
    """Return rolling ground (n, n), nowhere lower than `DRY` over the water."""
    heights = sum(height * noise(rng, n, side, wavelength) for wavelength, height in _OCTAVES)
    return np.asarray(heights - np.min(heights) + WATER_LEVEL + DRY)


def dig(heights: NDArray, side: float, lakes: Sequence[Lake]) -> NDArray:
    """Return the ground with basins, shores and islands for `lakes`."""
    x, y = grid(side, len(heights))
    heights = heights.copy()
    for lake in lakes:
        inside = lake.inside(x, y)
        share = _smooth((inside + SHORE * 3) / (SHORE * 3))
        beach = WATER_LEVEL + np.clip(-inside, 0, None) * 0.14
        heights = np.where(inside < 0, heights * (1 - share) + np.minimum(beach, heights) * share, heights)
        bed = WATER_LEVEL - DEPTH * _smooth(inside / 9.0)
        island = WATER_LEVEL + 1.6 * _smooth((2.0 * ISLAND - np.hypot(x - lake.x, y - lake.y)) / (1.4 * ISLAND)) - DEPTH
        heights = np.where(inside >= 0, np.maximum(bed, island), heights)
    return heights


def level(heights: NDArray, side: float, pads: Sequence[Pad], blend: float = 12.0) -> NDArray:
    """Return the ground with level `pads`; `blend` is how far around them it is sloped to meet them, metres."""
    x, y = grid(side, len(heights))
    heights = heights.copy()
    for pad in pads:
        near = _window(pad.bounds, blend + 4, side, len(heights))
        away = _outside(pad.bounds, x[near], y[near])
        middle = heights[near][away <= 0].mean()
        share = _smooth(1 - away / blend)
        heights[near] = heights[near] * (1 - share) + middle * share
    return heights


def slope_along(heights: NDArray, side: float, points: NDArray, width: float, blend: float = 7.0) -> NDArray:
    """Return the ground with a way of even cross-section along `points` (k, 3), `width` metres wide."""
    n = len(heights)
    spacing = side / (n - 1)
    marked = np.full((n, n), np.nan)
    cells = np.clip(np.rint(points[:, :2] / spacing).astype(int), 0, n - 1)
    marked[cells[:, 1], cells[:, 0]] = points[:, 2]
    away, nearest = ndimage.distance_transform_edt(np.isnan(marked), sampling=spacing, return_indices=True)
    target = ndimage.gaussian_filter(marked[tuple(nearest)], 1.0)
    share = _smooth(1 - (away - width / 2 - spacing) / blend)
    return np.asarray(heights * (1 - share) + target * share)


def slopes(heights: NDArray, spacing: float) -> NDArray:
    """Return the steepness of each square of the ground, degrees, (n - 1, n - 1)."""
    along = np.abs(np.diff(heights, axis=1))
    across = np.abs(np.diff(heights, axis=0))
    rise = np.hypot(np.maximum(along[:-1], along[1:]), np.maximum(across[:, :-1], across[:, 1:]))
    return np.degrees(np.arctan2(rise, spacing))


def _along_columns(rows: NDArray, at: NDArray) -> NDArray:
    places = np.stack(np.meshgrid(np.arange(len(rows)), at, indexing="ij"))
    return np.asarray(ndimage.map_coordinates(rows, places, order=3))


def _window(bounds: tuple[float, ...], margin: float, side: float, n: int) -> tuple[slice, slice]:
    spacing = side / (n - 1)
    low = [max(0, int((each - margin) / spacing)) for each in bounds[:2]]
    high = [min(n, int((each + margin) / spacing) + 2) for each in bounds[2:]]
    return slice(low[1], high[1]), slice(low[0], high[0])


def _outside(bounds: tuple[float, ...], x: NDArray, y: NDArray) -> NDArray:
    """Metres from the rectangle `bounds`, 0 within it."""
    dx = np.maximum(np.maximum(bounds[0] - x, x - bounds[2]), 0)
    dy = np.maximum(np.maximum(bounds[1] - y, y - bounds[3]), 0)
    return np.hypot(dx, dy)


def _smooth(share: NDArray) -> NDArray:
    """0 below 0, 1 above 1, and a soft rise between."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)
