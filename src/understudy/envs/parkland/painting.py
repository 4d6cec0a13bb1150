"""The park's pictures, painted by arithmetic: walls, bark, leaves, water, the sky, and the ground with its trails."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import SURFACES, Layout
from understudy.envs.parkland.meshes import light
from understudy.errors import require

cv2: Any = require("cv2", "logs")

SIZE = 64
"""Pixels along each side of the picture of a material."""
COLOURS = {
    "missing": (1.0, 0.0, 1.0),
    "brick": (0.66, 0.33, 0.25),
    "plaster": (0.87, 0.82, 0.71),
    "stone": (0.58, 0.57, 0.54),
    "wood": (0.50, 0.34, 0.20),
    "slate": (0.34, 0.37, 0.43),
    "metal": (0.30, 0.36, 0.34),
    "planks": (0.62, 0.46, 0.29),
    "marble": (0.90, 0.89, 0.86),
    "painted": (0.24, 0.42, 0.62),
    "bark": (0.36, 0.27, 0.19),
    "leaves": (0.30, 0.50, 0.17),
    "needles": (0.13, 0.33, 0.20),
    "water": (0.20, 0.42, 0.52),
}
"""The mean colour of each material: what is seen of it from afar."""
GROUNDS = {
    "grass": (0.36, 0.55, 0.20),
    "trail": (0.70, 0.58, 0.41),
    "sand": (0.84, 0.77, 0.56),
    "water": (0.36, 0.38, 0.28),
    "paving": (0.62, 0.61, 0.58),
    "meadow": (0.55, 0.60, 0.25),
}
"""The colour of each surface of the ground."""
_GRAIN = 512  # pixels of the ground after which its grain repeats
_STRIDE = 5.0  # more than a trail goes from point to point, metres
_SUB = 3  # fractional bits of the coordinates that OpenCV draws with


@cache
def noise(size: int, cells: int, seed: int) -> NDArray[np.float32]:
    """Return smooth noise that repeats, float32 (size, size) in [-1, 1]; `cells` bumps along each side."""
    coarse = np.random.default_rng([size, cells, seed]).uniform(-1, 1, (cells, cells)).astype(np.float32)
    padded = np.pad(coarse, 2, mode="wrap")
    scale = size // cells
    fine = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    return np.clip(fine[2 * scale : 2 * scale + size, 2 * scale : 2 * scale + size], -1, 1)


def material(name: str) -> NDArray[np.uint8]:
    """Return the picture of a material, RGB uint8 (SIZE, SIZE, 3); it repeats without a seam."""
    base = np.array(COLOURS[name], np.float32)
    relief = _RELIEFS.get(name, _grain)()
    if name == "missing":
        return np.where(relief[..., None] > 0, 255 * base, 0).astype(np.uint8)
    return np.asarray(np.clip(base * (1 + relief[..., None]) * 255, 0, 255), np.uint8)


def sky(height: int = 128, width: int = 512) -> NDArray[np.uint8]:
    """Return the sky all around: zenith in the first row, the horizon with far woods in the last."""
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    blue = np.array([0.26, 0.50, 0.82]) * up[..., None] ** 0.6 + np.array([0.76, 0.86, 0.93]) * (
        1 - up[..., None] ** 0.6
    )
    clouds = _clouds(height, width)[..., None] * np.clip(4 * up[..., None] * (1.1 - up[..., None]), 0, 1)
    picture = blue + (np.array([1.0, 0.99, 0.97]) - blue) * clouds
    columns = np.arange(width) * (512 / width)
    far = 9 + 5 * noise(512, 8, 5)[0, columns.astype(int)] + 2.5 * noise(512, 64, 6)[0, columns.astype(int)]
    hills = (height - 1 - np.arange(height))[:, None] < far[None] * height / 128
    picture = np.where(
        hills[..., None],
        np.array([0.34, 0.46, 0.42]) * (1 + 0.15 * noise(512, 64, 7)[:height, columns.astype(int), None]),
        picture,
    )
    return np.asarray(np.clip(picture * 255, 0, 255), np.uint8)


class GroundPainter:
    """Paints square pieces of a layout's ground.

    Args:
        layout: The park.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout, self._spacing = layout, layout.spacing
        gradient = np.gradient(layout.heights.astype(np.float32), layout.spacing)
        normals = np.stack([-gradient[1], -gradient[0], np.ones_like(gradient[0])], -1)
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        self._light = light(normals) / light(np.array([0.0, 0.0, 1.0]))
        palette = np.array([GROUNDS[each] for each in SURFACES], np.float32)
        colours = palette[layout.surface]
        self._colours = np.pad(colours, ((1, 1), (1, 1), (0, 0)), mode="edge")

    def paint(self, column: int, row: int, cells: int, size: int) -> NDArray[np.uint8]:
        """Return the picture of a piece, RGB uint8 (size, size, 3); the first row lies in the north.

        Args:
            column: Of the piece's first square of `heights`, counted from the west.
            row: The same, counted from the south.
            cells: Squares along a side of the piece.
            size: Pixels along a side of the picture.
        """
        steps = (np.arange(size, dtype=np.float32) + 0.5) * (cells / size)
        xs, ys = np.meshgrid(column + steps, row + steps)
        colours = _bilinear(self._colours, xs + 0.5, ys + 0.5)
        self._draw_trails(colours, column, row, cells, size)
        pixels = np.arange(size)
        grain = _ground_grain()[
            np.ix_((pixels + row * size // cells) % _GRAIN, (pixels + column * size // cells) % _GRAIN)
        ]
        shade = _bilinear(self._light[..., None], xs, ys)
        picture = colours * (1 + grain[..., None]) * shade
        return np.asarray(np.clip(picture[::-1] * 255, 0, 255), np.uint8)

    def _draw_trails(self, colours: NDArray[np.float32], column: int, row: int, cells: int, size: int) -> None:
        """Draw what passes over this piece, with a soft edge."""
        pixels = size / (cells * self._spacing)
        low = np.array([column, row], np.float32) * self._spacing
        mask = np.zeros(colours.shape[:2], np.uint8)
        for trail in self._layout.trails:
            at = (trail.points[:, :2] - low) * pixels
            reach = (trail.width + _STRIDE) * pixels
            near = np.flatnonzero(((at > -reach) & (at < size + reach)).all(axis=1))
            # A trail may leave the piece and come back: each passage is a line of its own.
            for passage in np.split(near, np.flatnonzero(np.diff(near) > 1) + 1):
                line = [np.round((at[passage] - 0.5) * (1 << _SUB)).astype(np.int32)]
                if len(passage):
                    cv2.polylines(mask, line, False, 255, max(1, round(trail.width * pixels)), cv2.LINE_AA, _SUB)
        part = cv2.GaussianBlur(mask, (3, 3), 0)[..., None].astype(np.float32) / 255
        colours += (np.array(GROUNDS["trail"], np.float32) - colours) * part * 0.92


def _bilinear(grid: NDArray[np.float32], xs: NDArray, ys: NDArray) -> NDArray[np.float32]:
    """Sample (rows, columns, c) at fractional indices."""
    found = cv2.remap(
        grid, xs.astype(np.float32), ys.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found.reshape(*xs.shape, grid.shape[-1]).astype(np.float32)


@cache
def _ground_grain() -> NDArray[np.float32]:
    """Blades, tufts and patches of the ground, float32 (_GRAIN, _GRAIN); it repeats without a seam."""
    octaves = ((256, 0.09), (128, 0.08), (64, 0.07), (16, 0.08))
    return np.sum([strength * noise(_GRAIN, cells, 1) for cells, strength in octaves], axis=0)


def _grain() -> NDArray[np.float32]:
    return 0.10 * noise(SIZE, 32, 1) + 0.06 * noise(SIZE, 8, 2)


def _bricks() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    shifted = (columns + (rows // 8 % 2) * 8) % SIZE
    tone = np.random.default_rng(3).uniform(-0.16, 0.16, (8, 4))[rows // 8, shifted // 16]
    joint = (rows % 8 == 0) | (shifted % 16 == 0)
    return np.where(joint, 0.35, tone) + _grain() * 0.6


def _blocks() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    shifted = (columns + (rows // 16 % 2) * 16) % SIZE
    tone = np.random.default_rng(4).uniform(-0.12, 0.12, (4, 2))[rows // 16, shifted // 32]
    joint = (rows % 16 == 0) | (shifted % 32 == 0)
    return np.where(joint, -0.28, tone) + _grain()


def _boards() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    tone = np.random.default_rng(5).uniform(-0.14, 0.14, 8)[columns // 8]
    streaks = 0.10 * np.repeat(noise(SIZE, 32, 9)[:, :1], SIZE, axis=1).T
    return np.where(columns % 8 == 0, -0.35, tone + streaks) + _grain() * 0.5 + 0 * rows


def _tiles() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    shifted = (columns + (rows // 8 % 2) * 4) % SIZE
    return np.where(rows % 8 == 0, -0.3, 0.02 * (rows % 8) - 0.08) - 0.12 * (shifted % 8 == 0) + _grain() * 0.7


def _veins() -> NDArray[np.float32]:
    lines = np.abs(noise(SIZE, 8, 11) + 0.5 * noise(SIZE, 16, 12))
    return np.where(lines < 0.06, -0.16, 0.0) + 0.4 * _grain()


def _furrows() -> NDArray[np.float32]:
    return 0.35 * np.repeat(noise(SIZE, 32, 13)[:1], SIZE, axis=0) + _grain()


def _foliage() -> NDArray[np.float32]:
    return 0.42 * noise(SIZE, 16, 14) + 0.30 * noise(SIZE, 32, 15)


def _ripples() -> NDArray[np.float32]:
    stretched = cv2.resize(noise(SIZE, 16, 16)[:, : SIZE // 2], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(0.16 * stretched + 0.08 * noise(SIZE, 8, 17), np.float32)


def _checks() -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    return np.where((rows // 16 + columns // 16) % 2, 1.0, -1.0)


def _clouds(height: int, width: int) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:height, 0:width] * np.array([4 * 128 // height, 512 // width])[:, None, None]
    sheet = noise(512, 16, 20) + 0.6 * noise(512, 32, 21) + 0.3 * noise(512, 64, 22)
    return np.clip(1.3 * sheet[rows % 512, columns % 512] - 0.1, 0, 0.9)


_RELIEFS: dict[str, Callable[[], NDArray[np.float32]]] = {
    "missing": _checks,
    "brick": _bricks,
    "stone": _blocks,
    "wood": _boards,
    "planks": _boards,
    "slate": _tiles,
    "marble": _veins,
    "bark": _furrows,
    "leaves": _foliage,
    "needles": _foliage,
    "water": _ripples,
}
