"""What a coverage map of a park tells of a preference, in numbers that mean the same in every park; privileged."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from understudy.envs.parkland.layout import SURFACES, Layout

TRAITS = ("golden", "perimeter", "other_trails", "wild", "boundary", "indoors", "water", "spread")
"""Shares of a map's cells: on the golden trail, on the perimeter's, on another trail, off all of these and outside
houses, near the boundary, in houses, in water; and how much of the park's width the map spans."""
ON_TRAIL, AT_BOUNDARY = 4.0, 12.0
"""So near is on a trail, or at the boundary, metres."""
_CELL = 2.0


def traits(layout: Layout, positions: ArrayLike) -> NDArray[np.float64]:
    """Return `TRAITS` of where a run was.

    Args:
        layout: The park.
        positions: Of the run, metres, shape (decisions, 3); each cell of two metres counts once.

    Returns:
        float64, shape (8,), each from 0 to 1.
    """
    places = _cells(np.asarray(positions, np.float64))
    flat = places[:, :2]
    golden, perimeter = (_away(layout.trail(name).points[:, :2], flat) < ON_TRAIL for name in ("golden", "perimeter"))
    indoors, surface = _indoors(layout, flat), _surface(layout, flat)
    trail = (surface == SURFACES.index("trail")) & ~golden & ~perimeter & ~indoors
    low, high = np.array(layout.bounds[:2]), np.array(layout.bounds[2:])
    margin = np.minimum(flat - low, high - flat).min(axis=1)
    shares = [
        *(golden & ~indoors, perimeter & ~indoors, trail, ~(golden | perimeter | trail | indoors)),
        *(margin < AT_BOUNDARY, indoors, surface == SURFACES.index("water")),
    ]
    spread = np.ptp(flat, axis=0).max() / layout.side
    return np.array([*(each.mean() for each in shares), min(float(spread), 1.0)])


def _cells(positions: NDArray) -> NDArray:
    """The first position in each cell."""
    _, firsts = np.unique(np.floor(positions / _CELL).astype(np.int64), axis=0, return_index=True)
    return np.asarray(positions[np.sort(firsts)])


def _away(points: NDArray, places: NDArray) -> NDArray:
    return np.asarray(np.linalg.norm(places[:, None] - points[None], axis=2).min(axis=1))


def _indoors(layout: Layout, flat: NDArray) -> NDArray[np.bool_]:
    inside = np.zeros(len(flat), np.bool_)
    for building in layout.buildings:
        low, high = np.array(building.footprint[:2]), np.array(building.footprint[2:])
        inside |= ((flat >= low) & (flat <= high)).all(axis=1)
    return inside


def _surface(layout: Layout, flat: NDArray) -> NDArray[np.uint8]:
    at = np.clip((flat / layout.spacing).astype(int), 0, len(layout.surface) - 1)
    return np.asarray(layout.surface[at[:, 1], at[:, 0]])
