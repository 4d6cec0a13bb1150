"""The kernel that draws smoke: opaque spheres with a soft, billowing edge.

What a smoke hides from the rules it hides here: within the sphere's depth a pixel is opaque as soon as its ray spends
more than half a metre in it.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.viewer.figures import bounds
from understudy.sensors.compiling import numba

_OPAQUE_METRES = 0.5
_BRIGHT, _SHADE = 205.0, 62.0


@numba.njit(cache=True, fastmath=True)
def _density(chord: float) -> float:  # pragma: no cover
    """How much of what is behind a stretch of smoke it hides, 0 to 1."""
    return min(chord / _OPAQUE_METRES, 1.0)


@numba.njit(cache=True, fastmath=True)
def _puff(nx: float, ny: float, nz: float, drift: float, noise: np.ndarray) -> float:  # pragma: no cover
    """How much a point on the sphere bulges towards the light, about -1 to 1."""
    size = noise.shape[0]
    first = noise[int((nx * 0.4 + ny * 0.3 + 3 + drift) * size) % size, int((nz + 3) * 0.35 * size) % size]
    second = noise[int((ny * 0.9 - nx * 0.7 + 6 - drift) * size) % size, int((nz + 3) * 0.9 * size) % size]
    return 0.7 * first + 0.3 * second


@numba.njit(cache=True, fastmath=True)
def _cover_block(
    pixels: np.ndarray, depth: np.ndarray, left: int, top: int, enter: float, leave: float, metres: float, gray: float
) -> None:  # pragma: no cover
    """Lay smoke between the depths `enter` and `leave` over four pixels; a metre of depth is `metres` of the ray."""
    for column in range(left, min(left + 2, pixels.shape[0])):
        for row in range(top, min(top + 2, pixels.shape[1])):
            share = _density((min(leave, float(depth[column, row])) - enter) * metres)
            if share >= 1.0:
                pixels[column, row] = (int(gray * 0.97) << 16) | (int(gray * 0.98) << 8) | int(gray)
                depth[column, row] = enter
            elif share > 0.0:
                old = pixels[column, row]
                red, green, blue = float(old >> 16), float((old >> 8) & 255), float(old & 255)
                red, green = red + (gray * 0.97 - red) * share, green + (gray * 0.98 - green) * share
                blue += (gray - blue) * share
                pixels[column, row] = (int(red) << 16) | (int(green) << 8) | int(blue)


@numba.njit(cache=True, fastmath=True)
def _draw_smoke(
    pixels: np.ndarray,
    depth: np.ndarray,
    eye: np.ndarray,
    cos: float,
    sin: float,
    focal: float,
    horizon: float,
    sphere: np.ndarray,
    drift: float,
    noise: np.ndarray,
) -> None:  # pragma: no cover
    """Draw one of the smokes of `draw_smokes`."""
    width, height = pixels.shape
    left, right, top, bottom = bounds(eye, cos, sin, focal, horizon, sphere, width, height)
    ox, oy, oz = eye[0] - sphere[0], eye[1] - sphere[1], eye[2] - sphere[2]
    outside = ox * ox + oy * oy + oz * oz - sphere[6] * sphere[6]
    # In blocks of two by two: what the sphere looks like changes slowly, what stands in it does not.
    for column in range(left & ~1, right, 2):
        across = (column + 1.0 - width / 2) / focal
        rx, ry = cos + across * sin, sin - across * cos
        for row in range(top & ~1, bottom, 2):
            rz = (horizon - row - 1.0) / focal
            ray_ray = rx * rx + ry * ry + rz * rz
            half = ox * rx + oy * ry + oz * rz
            under_root = half * half - ray_ray * outside
            if under_root <= 0 or (outside > 0 and half >= 0):
                continue
            root = math.sqrt(under_root)
            enter, leave = max((-half - root) / ray_ray, 0.0), (-half + root) / ray_ray
            near = enter if outside > 0 else 0.6
            nx, ny, nz = (ox + near * rx) / sphere[6], (oy + near * ry) / sphere[6], (oz + near * rz) / sphere[6]
            gray = _BRIGHT + _SHADE * (0.45 * nz - 0.3 + 0.4 * _puff(nx, ny, nz, drift, noise))
            gray = min(max(gray, 60.0), 245.0)
            _cover_block(pixels, depth, column, row, enter, leave, math.sqrt(ray_ray), gray)


@numba.njit(cache=True, fastmath=True)
def draw_smokes(
    pixels: np.ndarray,
    depth: np.ndarray,
    eye: np.ndarray,
    cos: float,
    sin: float,
    focal: float,
    horizon: float,
    spheres: np.ndarray,
    drift: float,
    noise: np.ndarray,
) -> None:  # pragma: no cover
    """Draw smokes over what lies behind them; depths become those of their fronts where they are opaque.

    Called with none too, so that it is compiled before the first is thrown.

    Args:
        pixels: Read and written: 0xRRGGBB, uint32, shape (width, height).
        depth: Read and written: metres along the heading, float32, shape (width, height).
        eye: x, y, z in metres, float64, shape (3,).
        cos: Cosine of the heading.
        sin: Sine of the heading.
        focal: See `Camera.focal`.
        horizon: See `Camera.horizon`.
        spheres: Capsules of no length (see `figures`), float64, shape (smokes, 7).
        drift: How far its billows have turned, in turns.
        noise: Smooth and repeating, about -1 to 1, float32, shape (n, n).
    """
    for sphere in spheres:
        _draw_smoke(pixels, depth, eye, cos, sin, focal, horizon, sphere, drift, noise)
