"""The kernel that draws floors, crates, walls and the sky, one column of the screen at a time.

A column is one vertical plane, so one walk through the cells (Amanatides and Woo 1987) draws all of it, from the
nearest cell to the wall that ends it: a row that is drawn once is hidden from everything behind. Each pixel also keeps
its depth, for what is drawn over it afterwards.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.level import WALL
from understudy.envs.skirmish.viewer.surfaces import DETAIL, HAZE, Surfaces
from understudy.envs.skirmish.viewer.tiles import CRATE, HIGH, NUM_BLURS, WALL_METRES, WIDE
from understudy.sensors.compiling import numba

FAR = 1e9
"""The depth of the sky."""
_NEAREST = 1e-4
_FOG_METRES = 95.0
_MOST_FOG = 0.55
_SMOOTH_BELOW = 0.45
"""Texels to a pixel; nearer, they would be seen as squares."""
_FACE_X_LIGHT, _FACE_Y_LIGHT = (1.08, 0.92), (1.26, 0.84)
"""Of faces that look towards -x and +x, and towards +y and -y: the sun stands at the north-west."""


@numba.njit(cache=True, fastmath=True)
def _blend(red: float, green: float, blue: float, depth: float) -> int:  # pragma: no cover
    """One pixel, 0xRRGGBB, of a colour from 0 to 255 seen through the haze."""
    fog = min(depth / _FOG_METRES, _MOST_FOG)
    fog *= fog / _MOST_FOG
    red += (HAZE[0] - red) * fog
    green += (HAZE[1] - green) * fog
    blue += (HAZE[2] - blue) * fog
    return (int(min(red, 255.0)) << 16) | (int(min(green, 255.0)) << 8) | int(min(blue, 255.0))


@numba.njit(cache=True, fastmath=True)
def _blur_level(texels_per_pixel: float) -> int:  # pragma: no cover
    """Which blur of a tile suits a pixel that spans so many of its texels."""
    level, coarsest = 0, 1.4
    while texels_per_pixel > coarsest and level < NUM_BLURS - 1:
        level, coarsest = level + 1, 2 * coarsest
    return level


@numba.njit(cache=True, fastmath=True)
def _draw_flat(
    pixels: np.ndarray, depth: np.ndarray, column: int, first: int, last: int, eye: np.ndarray, dx: float, dy: float,
    focal: float, horizon: float, height: float, surfaces: Surfaces,
) -> None:  # pragma: no cover  # fmt: skip
    """Draw rows `first` to `last` (excluded) of a floor or a lid at `height`."""
    above, grain = surfaces.from_above, surfaces.grain
    most_row, most_column = above.shape[0] - 1, above.shape[1] - 1
    for row in range(first, last):
        away = focal * (eye[2] - height) / (row + 0.5 - horizon)
        x, y = eye[0] + away * dx, eye[1] + away * dy
        texel_row = min(max(int(y * DETAIL), 0), most_row)
        texel_column = min(max(int(x * DETAIL), 0), most_column)
        level = _blur_level(away * 64 / focal)
        rough = grain[level, int(y * 64) & 127, int(x * 64) & 127] / 128.0
        texel = above[texel_row, texel_column]
        pixels[column, row] = _blend(texel[0] * rough, texel[1] * rough, texel[2] * rough, away)
        depth[column, row] = away


@numba.njit(cache=True, fastmath=True)
def _between(tile: np.ndarray, up: float, along: float) -> float:  # pragma: no cover
    """The brightness of a tile at a point between the middles of four texels, for walls before one's nose."""
    row, column = math.floor(up - 0.5), math.floor(along - 0.5)
    rise, run = up - 0.5 - row, along - 0.5 - column
    low, high = min(max(row, 0), HIGH - 1), min(max(row + 1, 0), HIGH - 1)
    left, right = int(column) & (WIDE - 1), int(column + 1) & (WIDE - 1)
    below = tile[low, left, 0] * (1 - run) + tile[low, right, 0] * run
    above = tile[high, left, 0] * (1 - run) + tile[high, right, 0] * run
    return below * (1 - rise) + above * rise


@numba.njit(cache=True, fastmath=True)
def _draw_face(
    pixels: np.ndarray, depth: np.ndarray, column: int, first: int, last: int, eye: np.ndarray, away: float,
    along: float, focal: float, horizon: float, row_cell: int, column_cell: int, light: float, surfaces: Surfaces,
) -> None:  # pragma: no cover  # fmt: skip
    """Draw rows `first` to `last` (excluded) of an upright face at depth `away`, `along` metres along it."""
    height = surfaces.heights[row_cell, column_cell]
    material = surfaces.materials[row_cell, column_cell]
    tint, accent = surfaces.tints[row_cell, column_cell], surfaces.accents[row_cell, column_cell]
    metres = 1.0 if material == CRATE else WALL_METRES
    left = along / metres * WIDE
    texel_column = int(left) & (WIDE - 1)
    texels_per_pixel = away * WIDE / metres / focal
    tile = surfaces.tiles[_blur_level(texels_per_pixel), material]
    for row in range(first, last):
        z = eye[2] + (horizon - row - 0.5) * away / focal
        texel = tile[min(max(int(z / height * HIGH), 0), HIGH - 1), texel_column]
        bright, share = texel[0] * light, texel[1] / 255.0
        if texels_per_pixel < _SMOOTH_BELOW:
            bright = _between(tile, z / height * HIGH, left) * light
        red = bright * (tint[0] + (accent[0] - tint[0]) * share)
        green = bright * (tint[1] + (accent[1] - tint[1]) * share)
        blue = bright * (tint[2] + (accent[2] - tint[2]) * share)
        pixels[column, row] = _blend(red, green, blue, away)
        depth[column, row] = away


@numba.njit(cache=True, fastmath=True)
def _draw_sky(
    pixels: np.ndarray, depth: np.ndarray, column: int, last: int, dx: float, dy: float, focal: float, horizon: float,
    sky: np.ndarray,
) -> None:  # pragma: no cover  # fmt: skip
    """Draw what no wall covers, from the top of the screen to row `last` (excluded)."""
    rows, columns = sky.shape[0], sky.shape[1]
    slant = math.hypot(dx, dy)
    texel_column = int((math.atan2(dy, dx) / (2 * math.pi) + 0.5) * columns) % columns
    for row in range(last):
        texel_row = int((horizon - row - 0.5) / (focal * slant) * 0.6 * rows)
        texel = sky[min(max(texel_row, 0), rows - 1), texel_column]
        pixels[column, row] = (np.int64(texel[0]) << 16) | (np.int64(texel[1]) << 8) | np.int64(texel[2])
        depth[column, row] = FAR


@numba.njit(cache=True, fastmath=True)
def _light_before(x: float, y: float, light: np.ndarray) -> float:  # pragma: no cover
    """The light that falls on the floor at a point, 0 to 1."""
    row = min(max(int(y * DETAIL), 0), light.shape[0] - 1)
    column = min(max(int(x * DETAIL), 0), light.shape[1] - 1)
    return light[row, column] / 255.0


@numba.njit(cache=True, fastmath=True)
def _face_light(x: float, y: float, on_x: bool, dx: float, dy: float, light: np.ndarray) -> float:  # pragma: no cover
    """How bright the face of a cell is that a ray with direction (dx, dy) meets at (x, y)."""
    if on_x:
        facing = _FACE_X_LIGHT[0] if dx > 0 else _FACE_X_LIGHT[1]
        return facing * (0.5 + 0.5 * _light_before(x - math.copysign(0.3, dx), y, light))
    facing = _FACE_Y_LIGHT[1] if dy > 0 else _FACE_Y_LIGHT[0]
    return facing * (0.5 + 0.5 * _light_before(x, y - math.copysign(0.3, dy), light))


@numba.njit(cache=True, fastmath=True)
def _row_of(z: float, eye_z: float, away: float, focal: float, horizon: float, bottom: int) -> int:  # pragma: no cover
    """The first row whose middle lies below height `z` at depth `away`, kept on the rows not drawn yet."""
    row = math.ceil(horizon + focal * (eye_z - z) / away - 0.5)
    return int(min(max(row, 0.0), float(bottom)))


@numba.njit(cache=True, fastmath=True)
def _draw_column(
    pixels: np.ndarray, depth: np.ndarray, column: int, eye: np.ndarray, dx: float, dy: float, focal: float,
    horizon: float, surfaces: Surfaces,
) -> None:  # pragma: no cover  # fmt: skip
    """Draw one column. `dx` and `dy` advance one metre of depth."""
    heights = surfaces.heights
    num_rows, num_columns = heights.shape
    at_column, at_row = math.floor(eye[0]), math.floor(eye[1])
    step_x, step_y = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    delta_x = 1 / abs(dx) if dx != 0 else FAR
    delta_y = 1 / abs(dy) if dy != 0 else FAR
    next_x = (at_column + 1 - eye[0] if dx > 0 else eye[0] - at_column) * delta_x
    next_y = (at_row + 1 - eye[1] if dy > 0 else eye[1] - at_row) * delta_y
    entered, on_x, before = _NEAREST, True, 0.0
    bottom = pixels.shape[1]
    while bottom > 0 and 0 <= at_row < num_rows and 0 <= at_column < num_columns:
        height = heights[at_row, at_column]
        if height > before:
            top = _row_of(height, eye[2], entered, focal, horizon, bottom)
            if top < bottom:
                x, y = eye[0] + entered * dx, eye[1] + entered * dy
                light = _face_light(x, y, on_x, dx, dy, surfaces.light)
                _draw_face(
                    pixels, depth, column, top, bottom, eye, entered, y if on_x else x, focal, horizon, at_row,
                    at_column, light, surfaces,
                )  # fmt: skip
                bottom = top
        if height >= WALL:
            break
        left = max(min(next_x, next_y), _NEAREST)  # an eye may lie on the border of a cell
        if height < eye[2]:
            top = _row_of(height, eye[2], left, focal, horizon, bottom)
            if top < bottom:
                _draw_flat(pixels, depth, column, top, bottom, eye, dx, dy, focal, horizon, height, surfaces)
                bottom = top
        entered, before = left, height
        on_x = next_x <= next_y
        if on_x:
            next_x += delta_x
            at_column += step_x
        else:
            next_y += delta_y
            at_row += step_y
    _draw_sky(pixels, depth, column, bottom, dx, dy, focal, horizon, surfaces.sky)


@numba.njit(cache=True, fastmath=True)
def draw_level(
    pixels: np.ndarray,
    depth: np.ndarray,
    eye: np.ndarray,
    cos: float,
    sin: float,
    focal: float,
    horizon: float,
    surfaces: Surfaces,
) -> None:  # pragma: no cover
    """Draw the level into every pixel of a picture.

    Args:
        pixels: Written: 0xRRGGBB, uint32, shape (width, height), any strides.
        depth: Written: metres along the heading, float32, shape (width, height); `FAR` for the sky.
        eye: x, y, z in metres, float64, shape (3,).
        cos: Cosine of the heading.
        sin: Sine of the heading.
        focal: See `Camera.focal`.
        horizon: See `Camera.horizon`.
        surfaces: Of the level.
    """
    width = pixels.shape[0]
    for column in range(width):
        across = (column + 0.5 - width / 2) / focal
        _draw_column(pixels, depth, column, eye, cos + across * sin, sin - across * cos, focal, horizon, surfaces)
