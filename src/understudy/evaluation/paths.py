"""How far one walk is from another, whatever the pace: dynamic time warping of positions and views."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

VIEW_METRES = 2.0
"""What a view turned about by 180 degrees weighs as much as, in the unit of positions, twice over."""


def poses(positions: ArrayLike, headings: ArrayLike, pitches: ArrayLike, view: float = VIEW_METRES) -> NDArray:
    """Return positions with the directions of the views beside them, to be compared as one vector.

    Args:
        positions: Shape (n, 3).
        headings: Degrees counter-clockwise from +x, shape (n,).
        pitches: Degrees up, shape (n,).
        view: Length of the direction, in the unit of positions.

    Returns:
        float64, shape (n, 6).
    """
    h, p = np.radians(np.asarray(headings, np.float64)), np.radians(np.asarray(pitches, np.float64))
    ways = np.column_stack([np.cos(h) * np.cos(p), np.sin(h) * np.cos(p), np.sin(p)])
    return np.column_stack([np.asarray(positions, np.float64), view * ways])


def warped_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mean distance between the points that the best alignment of two walks pairs.

    Args:
        first: Shape (n, dimensions), n at least 1.
        second: Shape (m, dimensions), m at least 1.

    Returns:
        The sum over the alignment with the least sum, divided by n + m; 0 for walks that differ in pace alone.

    Source: Sakoe and Chiba 1978, "Dynamic programming algorithm optimization for spoken word recognition", with the
        symmetric weights that their normalisation by n + m asks for: a diagonal step counts twice.
    """
    a, b = (np.atleast_2d(np.asarray(each, np.float64)) for each in (first, second))
    cost = np.linalg.norm(a[:, None] - b[None], axis=2)
    before = np.cumsum(cost[0]) + cost[0, 0]
    for row in cost[1:]:
        # Along a row: best[j] = min(entry[j], best[j - 1] + row[j]), by differences to the row's running sum.
        entry = before + row
        entry[1:] = np.minimum(entry[1:], before[:-1] + 2 * row[1:])
        along = np.cumsum(row)
        before = np.minimum.accumulate(entry - along) + along
    return float(before[-1] / (len(a) + len(b)))
