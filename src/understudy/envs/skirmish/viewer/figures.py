"""The kernel that draws bodies and things: capsules, each pixel's ray met exactly, shaded by the sun.

A body is a few capsules (`poses`). Only the pixels that can show it are looked at, and what stands before it in the
depth of the level hides it. The same lens as `columns` is used, so a body stands where its feet are.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.sensors.compiling import numba

COLUMNS = 12
"""Of a capsule: both ends' x, y, z, its radius in metres, its red, green, blue (0 to 255), rim and glow (0 to 1)."""
_SUN = (-0.29, 0.54, 0.79)
_AMBIENT = 0.5
_NOWHERE = 1e9


@numba.njit(cache=True, fastmath=True)
def _meet(eye: np.ndarray, ray: np.ndarray, part: np.ndarray) -> float:  # pragma: no cover
    """The depth at which a ray from the eye meets a capsule, `_NOWHERE` if it misses.

    Source:
        Inigo Quilez, "Capsule - intersection", iquilezles.org/articles/intersectors: the side as a cylinder cut
        between its ends, else the sphere at the nearer end.
    """
    bx, by, bz = part[3] - part[0], part[4] - part[1], part[5] - part[2]
    ox, oy, oz = eye[0] - part[0], eye[1] - part[1], eye[2] - part[2]
    ray_ray = ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2]
    long_long = bx * bx + by * by + bz * bz
    long_ray = bx * ray[0] + by * ray[1] + bz * ray[2]
    long_off = bx * ox + by * oy + bz * oz
    off_ray = ox * ray[0] + oy * ray[1] + oz * ray[2]
    off_off = ox * ox + oy * oy + oz * oz
    radius_2 = part[6] * part[6]
    a = long_long * ray_ray - long_ray * long_ray
    if a > 1e-12:
        b = long_long * off_ray - long_off * long_ray
        c = long_long * (off_off - radius_2) - long_off * long_off
        under_root = b * b - a * c
        if under_root < 0:
            return _NOWHERE
        depth = (-b - math.sqrt(under_root)) / a
        share = long_off + depth * long_ray
        if 0 < share < long_long:
            return depth if depth > 0 else _NOWHERE
        if share >= long_long:
            off_ray -= long_ray
            off_off += long_long - 2 * long_off
    under_root = off_ray * off_ray - ray_ray * (off_off - radius_2)
    if under_root < 0:
        return _NOWHERE
    depth = (-off_ray - math.sqrt(under_root)) / ray_ray
    return depth if depth > 0 else _NOWHERE


@numba.njit(cache=True, fastmath=True)
def _shade(
    eye: np.ndarray, ray: np.ndarray, depth: float, part: np.ndarray, fog: float, haze: np.ndarray
) -> int:  # pragma: no cover
    """The pixel, 0xRRGGBB, where a ray meets a capsule: lit by the sun, with a rim in its own bright colour."""
    x, y, z = eye[0] + depth * ray[0], eye[1] + depth * ray[1], eye[2] + depth * ray[2]
    bx, by, bz = part[3] - part[0], part[4] - part[1], part[5] - part[2]
    long_long = bx * bx + by * by + bz * bz
    share = 0.0
    if long_long > 0:
        share = ((x - part[0]) * bx + (y - part[1]) * by + (z - part[2]) * bz) / long_long
        share = min(max(share, 0.0), 1.0)
    nx, ny, nz = (x - part[0] - share * bx), (y - part[1] - share * by), (z - part[2] - share * bz)
    nx, ny, nz = nx / part[6], ny / part[6], nz / part[6]
    sun = max(nx * _SUN[0] + ny * _SUN[1] + nz * _SUN[2], 0.0)
    facing = -(nx * ray[0] + ny * ray[1] + nz * ray[2])
    facing /= math.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    rim = max(0.0, 1 - max(facing, 0.0) * 2.2) * part[10]
    light = _AMBIENT + 0.12 * nz + 0.55 * sun
    light += (1 - light) * part[11] + 0.9 * rim
    red = min(part[7] * light + 60 * rim, 255.0)
    green = min(part[8] * light + 60 * rim, 255.0)
    blue = min(part[9] * light + 60 * rim, 255.0)
    red, green, blue = red + (haze[0] - red) * fog, green + (haze[1] - green) * fog, blue + (haze[2] - blue) * fog
    return (int(red) << 16) | (int(green) << 8) | int(blue)


@numba.njit(cache=True, fastmath=True)
def _widen(value: float, radius: float, depth: float, sign: float) -> float:  # pragma: no cover
    """How far from the middle, at a depth of one metre, a ball at `value` reaches on the side of `sign`; never less."""
    reach = sign * value + radius
    return sign * reach / (max(depth - radius, 0.05) if reach > 0 else depth + radius)


@numba.njit(cache=True, fastmath=True)
def bounds(
    eye: np.ndarray, cos: float, sin: float, focal: float, horizon: float, part: np.ndarray, width: int, height: int
) -> tuple[int, int, int, int]:  # pragma: no cover
    """The columns and the rows (first, last excluded) that can show a capsule; empty if it is behind the eye."""
    left, right, top, bottom = _NOWHERE, -_NOWHERE, _NOWHERE, -_NOWHERE
    radius = part[6]
    for end in (0, 3):
        to_x, to_y, up = part[end] - eye[0], part[end + 1] - eye[1], part[end + 2] - eye[2]
        depth, across = to_x * cos + to_y * sin, to_x * sin - to_y * cos
        if depth > -radius:
            depth = max(depth, 0.0)
            left = min(left, width / 2 + focal * _widen(across, radius, depth, -1.0))
            right = max(right, width / 2 + focal * _widen(across, radius, depth, 1.0))
            top = min(top, horizon - focal * _widen(up, radius, depth, 1.0))
            bottom = max(bottom, horizon - focal * _widen(up, radius, depth, -1.0))
    if right < left:
        return 0, 0, 0, 0
    return (
        int(min(max(left - 1, 0.0), width)),
        int(min(max(right + 2, 0.0), width)),
        int(min(max(top - 1, 0.0), height)),
        int(min(max(bottom + 2, 0.0), height)),
    )


@numba.njit(cache=True, fastmath=True)
def draw_figure(
    pixels: np.ndarray,
    depth: np.ndarray,
    eye: np.ndarray,
    cos: float,
    sin: float,
    focal: float,
    horizon: float,
    parts: np.ndarray,
    haze: np.ndarray,
) -> int:  # pragma: no cover
    """Draw one body or thing where nothing nearer stands, and return how many pixels were drawn.

    Args:
        pixels: Written: 0xRRGGBB, uint32, shape (width, height).
        depth: Read and written: metres along the heading, float32, shape (width, height).
        eye: x, y, z in metres, float64, shape (3,).
        cos: Cosine of the heading.
        sin: Sine of the heading.
        focal: See `Camera.focal`.
        horizon: See `Camera.horizon`.
        parts: Capsules, float64, shape (n, COLUMNS).
        haze: What far things fade into, float64, shape (3,).
    """
    width, height = pixels.shape
    ray, shown = np.empty(3), 0
    for index in range(parts.shape[0]):
        part = parts[index]
        left, right, top, bottom = bounds(eye, cos, sin, focal, horizon, part, width, height)
        for column in range(left, right):
            across = (column + 0.5 - width / 2) / focal
            ray[0], ray[1] = cos + across * sin, sin - across * cos
            for row in range(top, bottom):
                ray[2] = (horizon - row - 0.5) / focal
                away = _meet(eye, ray, part)
                if away < depth[column, row]:
                    fog = min(away / 95.0, 0.4) ** 2 * 2
                    pixels[column, row] = _shade(eye, ray, away, part, fog, haze)
                    depth[column, row] = away
                    shown += 1
    return shown
