"""Kernels between the ray grid and a library that casts rays: directions before, readings after."""

from __future__ import annotations

import math

import numpy as np

from understudy.sensors.casting import _direction
from understudy.sensors.compiling import numba
from understudy.sensors.grid_casting import (
    KIND,
    NEAREST,
    SCRATCH_ROWS,
    SECANT,
    SLOPE,
    aim_rows,
    meet_things,
    write_column,
)


@numba.njit(cache=True)
def aim_rays(
    viewers: np.ndarray,
    azimuth_cos: np.ndarray,
    azimuth_sin: np.ndarray,
    elevations: np.ndarray,
    origins: np.ndarray,
    directions: np.ndarray,
) -> None:  # pragma: no cover
    """Write where each ray of each viewer starts and points.

    Args:
        viewers: x, y and z of the eye in metres, heading and pitch in degrees, float64, shape (viewers, 5).
        azimuth_cos: Cosine of the columns' angles, float64, shape (azimuths,).
        azimuth_sin: Sine of the columns' angles, float64, shape (azimuths,).
        elevations: Degrees, falling, float64, shape (elevations,).
        origins: Written: float32, shape (viewers, elevations, azimuths, 3).
        directions: Written: unit vectors, float32, of the same shape.
    """
    scratch = np.empty((SCRATCH_ROWS, elevations.shape[0]))
    for index in range(viewers.shape[0]):
        heading = math.radians(viewers[index, 3])
        heading_cos, heading_sin = math.cos(heading), math.sin(heading)
        aim_rows(viewers[index, 4], elevations, scratch)
        for column in range(azimuth_cos.shape[0]):
            dx, dy = _direction(heading_cos, heading_sin, azimuth_cos[column], azimuth_sin[column])
            for row in range(elevations.shape[0]):
                level = 1 / scratch[SECANT, row]
                for axis in range(3):
                    origins[index, row, column, axis] = viewers[index, axis]
                directions[index, row, column, 0] = dx * level
                directions[index, row, column, 1] = dy * level
                directions[index, row, column, 2] = scratch[SLOPE, row] * level


@numba.njit(cache=True)
def read_rays(
    distances: np.ndarray,
    faces: np.ndarray,
    face_types: np.ndarray,
    viewers: np.ndarray,
    azimuth_cos: np.ndarray,
    azimuth_sin: np.ndarray,
    elevations: np.ndarray,
    reach: float,
    bodies: np.ndarray,
    spheres: np.ndarray,
    out: np.ndarray,
) -> None:  # pragma: no cover
    """Write the readings of rays that were cast in a mesh, with bodies and spheres in front of it.

    Args:
        distances: Metres along each ray, float32, shape (viewers, elevations, azimuths).
        faces: Index of the triangle that was hit, int32, of the same shape; -1 if none.
        face_types: Index of each triangle's type, uint8, shape (triangles,).
        viewers: As for `aim_rays`, and the three tables too.
        azimuth_cos: Cosine of the columns' angles.
        azimuth_sin: Sine of the columns' angles.
        elevations: Degrees.
        reach: The longest distance, in metres.
        bodies: float64, shape (viewers, bodies, 6), as for `see_heights`.
        spheres: float64, shape (viewers, spheres, 5), as for `see_heights`.
        out: Written: int16, shape (viewers, elevations, azimuths, 2).
    """
    scratch = np.empty((SCRATCH_ROWS, elevations.shape[0]))
    for index in range(viewers.shape[0]):
        heading = math.radians(viewers[index, 3])
        heading_cos, heading_sin = math.cos(heading), math.sin(heading)
        aim_rows(viewers[index, 4], elevations, scratch)
        for column in range(azimuth_cos.shape[0]):
            dx, dy = _direction(heading_cos, heading_sin, azimuth_cos[column], azimuth_sin[column])
            for row in range(elevations.shape[0]):
                face = faces[index, row, column]
                scratch[NEAREST, row] = math.inf
                if face >= 0:
                    scratch[NEAREST, row] = distances[index, row, column] / scratch[SECANT, row]
                    scratch[KIND, row] = face_types[face]
            meet_things(bodies[index], spheres[index], viewers[index], dx, dy, scratch)
            write_column(scratch, reach, out[index], column)
