"""Triangles as arrays, made by the thousand: boxes, cylinders, cones and balls, lit by a fixed sun."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SUN = np.array([0.45, -0.55, 0.70]) / np.linalg.norm([0.45, -0.55, 0.70])
"""Where the sun is, a unit vector."""
SHADE, GLOW = 0.58, 0.42
"""The light on a face turned away from the sun, and what the sun adds to one that faces it."""

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
# Corners of each face, counter-clockwise from outside, with the axes along which its texture runs: east, west, north,
# south, top, bottom.
_FACES = np.array([[4, 6, 7, 5], [2, 0, 1, 3], [6, 2, 3, 7], [0, 4, 5, 1], [1, 5, 7, 3], [0, 2, 6, 4]])
_NORMALS = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
_AXES = np.array([[1, 2], [1, 2], [0, 2], [0, 2], [0, 1], [0, 1]])


@dataclass(frozen=True)
class Mesh:
    """Triangles.

    Attributes:
        points: float32 (v, 3), metres.
        colours: float32 (v, 3), 0 to 1.
        uvs: float32 (v, 2), texture coordinates; one unit is one picture.
        triangles: int64 (t, 3), indices of points, counter-clockwise from outside.
    """

    points: NDArray[np.float32]
    colours: NDArray[np.float32]
    uvs: NDArray[np.float32]
    triangles: NDArray[np.int64]

    def placed(self, place: ArrayLike, scale: ArrayLike = 1.0, heading: float = 0.0) -> Mesh:
        """Return it scaled, turned by `heading` degrees about the vertical and moved to `place`."""
        points = turned(self.points * np.asarray(scale, np.float32), heading) + np.asarray(place)
        return Mesh(points.astype(np.float32), self.colours, self.uvs, self.triangles)

    def tinted(self, colour: ArrayLike) -> Mesh:
        """Return it with its colours multiplied by one."""
        return Mesh(self.points, self.colours * np.asarray(colour, np.float32), self.uvs, self.triangles)

    def copies(self, places: NDArray, scales: NDArray, tints: NDArray) -> Mesh:
        """Return one copy for each row of `places` (k, 3), `scales` (k, 3) and `tints` (k, 3)."""
        count, size = len(places), len(self.points)
        points = self.points[None] * scales[:, None] + places[:, None]
        colours = np.clip(self.colours[None] * tints[:, None], 0, 1)
        triangles = self.triangles[None] + (np.arange(count) * size)[:, None, None]
        return Mesh(
            points.reshape(-1, 3).astype(np.float32),
            colours.reshape(-1, 3).astype(np.float32),
            np.tile(self.uvs, (count, 1)),
            triangles.reshape(-1, 3),
        )


def turned(points: NDArray, heading_deg: NDArray | float) -> NDArray:
    """Return points (..., 3) turned counter-clockwise about the vertical through the origin."""
    angle = np.radians(heading_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = points[..., 0], points[..., 1]
    return np.stack([x * cos - y * sin, x * sin + y * cos, points[..., 2]], -1)


def light(normals: NDArray) -> NDArray[np.float32]:
    """Return the light, 0 to 1, on faces with these unit normals (..., 3)."""
    return (SHADE + GLOW * np.clip(normals @ SUN, 0, 1)).astype(np.float32)


def merged(meshes: Iterable[Mesh]) -> Mesh | None:
    """Return all of them as one; None if there are none."""
    parts = [each for each in meshes if len(each.points)]
    if not parts:
        return None
    starts = np.cumsum([0, *(len(each.points) for each in parts[:-1])])
    return Mesh(
        np.concatenate([each.points for each in parts]),
        np.concatenate([each.colours for each in parts]),
        np.concatenate([each.uvs for each in parts]),
        np.concatenate([each.triangles + start for each, start in zip(parts, starts, strict=True)]),
    )


def boxes(centre: NDArray, half: NDArray, heading: NDArray, colours: NDArray, metres: float = 2.0) -> Mesh:
    """Return upright boxes.

    Args:
        centre: (m, 3), metres.
        half: (m, 3), half the length along the heading, across it, and upwards.
        heading: (m,), degrees.
        colours: (m, 3), 0 to 1.
        metres: How much of a face one copy of the texture covers.
    """
    count = len(centre)
    corners = _CORNERS[_FACES]  # (6, 4, 3)
    local = corners[None] * half[:, None, None]
    points = turned(local, heading[:, None, None]) + centre[:, None, None]
    normals = turned(np.broadcast_to(_NORMALS, (count, 6, 3)), heading[:, None])
    shaded = colours[:, None] * light(normals)[..., None]
    sizes = half[:, None][:, :, _AXES][:, 0]  # (m, 6, 2)
    flat = np.take_along_axis(corners, _AXES[:, None], axis=2)  # (6, 4, 2)
    uvs = (flat[None] + 1) * sizes[:, :, None] / metres
    starts = np.arange(count * 6)[:, None, None] * 4
    triangles = starts + np.array([[0, 1, 2], [0, 2, 3]])
    return Mesh(
        points.reshape(-1, 3).astype(np.float32),
        np.repeat(shaded.reshape(-1, 3), 4, axis=0).astype(np.float32),
        uvs.reshape(-1, 2).astype(np.float32),
        triangles.reshape(-1, 3),
    )


def box(centre: ArrayLike, half: ArrayLike, colour: ArrayLike, heading: float = 0.0) -> Mesh:
    """Return one box; see `boxes`."""
    rows = [np.array([each], np.float32) for each in (centre, half, heading, colour)]
    return boxes(rows[0], rows[1], rows[2], rows[3])


def lathe(profile: Sequence[tuple[float, float]], sides: int, colour: Sequence[float]) -> Mesh:
    """Return a body of rotation about the vertical.

    Args:
        profile: (radius, height) from the bottom up.
        sides: Corners of its cross-section.
        colour: 0 to 1.
    """
    outline = np.array(profile, np.float32)
    angles = np.linspace(0, 2 * np.pi, sides + 1, dtype=np.float32)
    ring = np.stack([np.cos(angles), np.sin(angles)], -1)
    points = np.concatenate(
        [outline[:, None, :1] * ring[None], np.broadcast_to(outline[:, None, 1:], (len(outline), sides + 1, 1))], -1
    )
    rise = np.gradient(outline, axis=0) if len(outline) > 1 else outline
    lengths = np.maximum(np.linalg.norm(rise, axis=1, keepdims=True), 1e-6)
    out, up = (rise[:, 1:] / lengths), (-rise[:, :1] / lengths)
    normals = np.concatenate([out[:, None] * ring[None], np.broadcast_to(up[:, None], (*points.shape[:2], 1))], -1)
    colours = np.asarray(colour, np.float32) * light(normals)[..., None]
    across, along = np.meshgrid(np.linspace(0, 2, sides + 1), np.linspace(0, 1, len(outline)))
    low = (np.arange(len(outline) - 1)[:, None] * (sides + 1) + np.arange(sides)).reshape(-1)
    right, above = low + 1, low + sides + 1
    triangles = np.concatenate([np.stack([low, right, above + 1], -1), np.stack([low, above + 1, above], -1)])
    return Mesh(
        points.reshape(-1, 3).astype(np.float32),
        colours.reshape(-1, 3).astype(np.float32),
        np.stack([across, along], -1).reshape(-1, 2).astype(np.float32),
        triangles,
    )


def ball(colour: Sequence[float], rings: int = 4, sides: int = 7) -> Mesh:
    """Return a ball of radius 1 around the origin."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    return lathe([(float(np.cos(each)), float(np.sin(each))) for each in angles], sides, colour)
