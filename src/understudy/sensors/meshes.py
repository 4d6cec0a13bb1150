"""Triangle meshes for the ray grid, cast by Embree (through embreex, the extra [mesh]).

Only the geometry that stays is in the mesh; bodies and smoke move, and are met by the kernels of the ray grid.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from understudy.errors import ObservationError, require

Triangles: TypeAlias = "tuple[np.ndarray, np.ndarray, np.ndarray]"

_MOST_TYPES = 255
_MOST_VIEWERS = 128
"""Whose rays are cast in one call of Embree: at 225 rays each, what goes in and out fits a CPU's caches."""
_TOP = ((0, 0), (1, 0), (1, 1), (0, 1))
"""The corners of a cell, as x and y from its own."""
_SIDES = (
    (0, -1, (0, 0), (1, 0)),
    (0, 1, (1, 1), (0, 1)),
    (-1, 0, (0, 1), (0, 0)),
    (1, 0, (1, 0), (1, 1)),
)
"""Of each side of a cell: where the neighbour lies, as columns and rows, and the two corners that they share."""


class TriangleScene:
    """A mesh that rays can be cast in; `RayGrid.on_mesh` reads it.

    Args:
        vertices: x, y and z in metres, finite, shape (vertices, 3); z = 0 is the floor.
        faces: Three indices into `vertices` for each triangle, shape (triangles, 3). Both sides are solid.
        face_types: Index of each triangle's type into the grid's `types`, 0 to 254, shape (triangles,).

    Raises:
        MissingExtraError: If embreex is not installed.
        ObservationError: If an array has another shape, or a value out of its range.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, face_types: np.ndarray) -> None:
        require("embreex", "mesh")
        scenes, meshes = require("embreex.rtcore_scene", "mesh"), require("embreex.mesh_construction", "mesh")
        points, corners, self.face_types = _check_triangles(vertices, faces, face_types)
        self._scene = scenes.EmbreeScene(robust=True)  # no ray slips between joined triangles
        if len(corners):
            self._mesh = meshes.TriangleMesh(self._scene, points, corners)

    @property
    def num_faces(self) -> int:
        """How many triangles there are."""
        return len(self.face_types)

    def cast(self, origins: np.ndarray, directions: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Cast rays, all in one call of the library.

        Args:
            origins: float32, shape (rays, 3).
            directions: Unit vectors, float32, shape (rays, 3).
            reach: The longest distance, in metres.

        Returns:
            The distances, float32, and the triangles' indices, int32, -1 where nothing was hit; each of shape (rays,).
        """
        hits = self._scene.run(origins, directions, dists=reach, output=True)
        return hits["tfar"], hits["primID"]

    def read(
        self,
        eyes: np.ndarray,
        tables: tuple[np.ndarray, np.ndarray, np.ndarray],
        reach: float,
        bodies: np.ndarray,
        spheres: np.ndarray,
    ) -> np.ndarray:
        """Return what `RayGrid.on_mesh` does, of arrays that it has checked and its `tables`."""
        out = np.empty((len(eyes), len(tables[2]), len(tables[0]), 2), np.int16)
        for first in range(0, len(eyes), _MOST_VIEWERS):
            part = slice(first, first + _MOST_VIEWERS)
            self._read(eyes[part], tables, reach, bodies[part], spheres[part], out[part])
        return out

    def _read(
        self,
        eyes: np.ndarray,
        tables: tuple[np.ndarray, np.ndarray, np.ndarray],
        reach: float,
        bodies: np.ndarray,
        spheres: np.ndarray,
        out: np.ndarray,
    ) -> None:
        from understudy.sensors import mesh_casting  # numba takes a second to import

        origins, directions = np.empty((2, *out.shape[:3], 3), np.float32)
        mesh_casting.aim_rays(eyes, *tables, origins, directions)
        hits = self.cast(origins.reshape(-1, 3), directions.reshape(-1, 3), reach)
        distances, faces = (each.reshape(out.shape[:3]) for each in hits)
        mesh_casting.read_rays(distances, faces, self.face_types, eyes, *tables, reach, bodies, spheres, out)


def heights_to_triangles(heights: np.ndarray, surface_types: np.ndarray) -> Triangles:
    """Return the surface of a level of cells as triangles: every top, and every side that shows.

    Args:
        heights: Metres above the floor, shape (rows, columns), as for `RayGrid.on_heights`.
        surface_types: Index of each cell's type, of the same shape.

    Returns:
        Vertices float64 (vertices, 3), faces int64 (triangles, 3) and their types int64 (triangles,), as
        `TriangleScene` takes them.
    """
    rows, columns = np.indices(heights.shape).reshape(2, -1)
    tops, types = np.asarray(heights, np.float64).ravel(), np.asarray(surface_types, np.int64).ravel()
    around = np.pad(np.asarray(heights, np.float64), 1)  # beyond the edge there is nothing above the floor
    quads, kinds = [np.stack([_corner(rows, columns, each, tops) for each in _TOP], axis=1)], [types]
    for across, down, first, second in _SIDES:
        foot = around[rows + 1 + down, columns + 1 + across]
        corners = [(first, foot), (second, foot), (second, tops), (first, tops)]
        side = np.stack([_corner(rows, columns, each, z) for each, z in corners], axis=1)
        quads.append(side[foot < tops])
        kinds.append(types[foot < tops])
    return _split(np.concatenate(quads), np.concatenate(kinds))


def _corner(rows: np.ndarray, columns: np.ndarray, corner: tuple[int, int], z: np.ndarray) -> np.ndarray:
    """The corner (x, y) of each cell at a height, shape (cells, 3)."""
    return np.stack((columns + corner[0], rows + corner[1], z), axis=-1)


def _split(quads: np.ndarray, kinds: np.ndarray) -> Triangles:
    """Two triangles for each quad of shape (4, 3)."""
    first = 4 * np.arange(len(quads))
    faces = first[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])
    return quads.reshape(-1, 3), faces.reshape(-1, 3), np.repeat(kinds, 2)


def _check_triangles(vertices: np.ndarray, faces: np.ndarray, face_types: np.ndarray) -> Triangles:
    """The arrays as Embree and the kernels need them: float32, int32 and uint8."""
    points, corners, types = np.asarray(vertices), np.asarray(faces), np.asarray(face_types)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise ObservationError(f"Vertices should be finite, of shape (any, 3), got shape {points.shape}.")
    if corners.ndim != 2 or corners.shape[1] != 3 or not _between(corners, len(points) - 1):
        raise ObservationError(
            f"Faces should be indices from 0 to {len(points) - 1}, of shape (any, 3), got shape {corners.shape}."
        )
    if types.shape != (len(corners),) or not _between(types, _MOST_TYPES - 1):
        raise ObservationError(f"{len(corners)} faces need as many types from 0 to {_MOST_TYPES - 1}, got {types}.")
    return points.astype(np.float32), corners.astype(np.int32), types.astype(np.uint8)


def _between(indices: np.ndarray, last: int) -> bool:
    """Whether all are whole numbers from 0 to `last`."""
    if not indices.size:
        return True
    return bool(np.issubdtype(indices.dtype, np.integer) and 0 <= indices.min() <= indices.max() <= last)
