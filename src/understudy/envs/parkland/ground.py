"""The ground as triangles: pieces in several resolutions, with skirts that hide the cracks between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import Layout, elevation
from understudy.envs.parkland.meshes import Mesh

SKIRT = 1.5
"""How far a piece's rim hangs down, metres."""
_INSET = 0.006  # the renderer may round a coordinate at the very edge of a picture to the opposite one


def ground_piece(layout: Layout, column: int, row: int, cells: int, stride: int) -> Mesh:
    """Return a square piece of the ground, white, with its picture from about uv (0, 0) in the south-west to (1, 1).

    Args:
        layout: The park.
        column: Of the first square of `heights`, from the west.
        row: The same, from the south.
        cells: Squares along a side, a multiple of `stride`.
        stride: Every how many samples are used. The two triangles of a square lie as `Layout.heights` says.
    """
    picked = np.arange(0, cells + 1, stride)
    heights = layout.heights[row + picked[:, None], column + picked]
    num = len(picked)
    xs, ys = np.meshgrid((column + picked) * layout.spacing, (row + picked) * layout.spacing)
    top = np.stack([xs, ys, heights], -1).reshape(-1, 3)
    share = _INSET + picked / cells * (1 - 2 * _INSET)
    uvs = np.stack(np.meshgrid(share, share), -1).reshape(-1, 2)
    low = (np.arange(num - 1)[:, None] * num + np.arange(num - 1)).reshape(-1)
    right, above = low + 1, low + num
    squares = np.concatenate([np.stack([low, right, above + 1], -1), np.stack([low, above + 1, above], -1)])
    rim = _rim(num)
    hanging = top[rim] - np.array([0, 0, SKIRT])
    first = len(top) + np.arange(len(rim) - 1)
    skirt = np.concatenate([np.stack([first, first + 1, rim[1:]], -1), np.stack([first, rim[1:], rim[:-1]], -1)])
    points = np.concatenate([top, hanging]).astype(np.float32)
    return Mesh(
        points,
        np.ones_like(points),
        np.concatenate([uvs, uvs[rim]]).astype(np.float32),
        np.concatenate([squares, skirt]),
    )


def coarsest_stride(layout: Layout, column: int, row: int, cells: int, tolerance: float) -> int:
    """Return the largest stride, 4, 2 or 1, with which a piece is nowhere further than `tolerance` metres off."""
    heights = layout.heights[row : row + cells + 1, column : column + cells + 1]
    for stride in (4, 2):
        coarse = heights[::stride, ::stride]
        steps = np.arange(cells + 1) / stride
        xs, ys = np.meshgrid(steps, steps)
        if np.abs(elevation(coarse, 1.0, xs, ys) - heights).max() <= tolerance:
            return stride
    return 1


def water_piece(layout: Layout, column: int, row: int, cells: int) -> Mesh | None:
    """Return the lake's surface over a piece of the ground, None if the piece is dry; uv in units of four metres."""
    heights = layout.heights[row : row + cells + 1, column : column + cells + 1]
    if heights.min() >= layout.water_level:
        return None
    west, south, size = column * layout.spacing, row * layout.spacing, cells * layout.spacing
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * size + np.array([west, south], np.float32)
    points = np.column_stack([corners, np.full(4, layout.water_level)]).astype(np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    return Mesh(points, np.ones_like(points), (corners / 4).astype(np.float32), triangles)


def _rim(num: int) -> NDArray[np.int64]:
    """Indices around a (num, num) grid, counter-clockwise, back to the first."""
    index = np.arange(num * num).reshape(num, num)
    return np.concatenate([index[0], index[1:, -1], index[-1, -2::-1], index[-2::-1, 0]])
