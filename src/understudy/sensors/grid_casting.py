"""Kernels of the ray grid: what each ray of a viewer meets in a level of heights, among bodies and smoke.

All rays of one azimuth lie in one vertical plane, so a column of the grid is one walk over the level's cells: the rays
are ordered from the highest to the lowest, and whatever a ray meets on the ground, each lower one has met by then. A
ray is followed by the distance along the floor; `slope` is its rise per metre of floor, and `secant` its length.

`see_heights` is for other kernels: it writes to arrays it is given, and allocates nothing.

The walk over the cells is Amanatides and Woo 1987, "A fast voxel traversal algorithm for ray tracing".
"""

from __future__ import annotations

import math

import numpy as np

from understudy.sensors.casting import _direction, _leaves
from understudy.sensors.compiling import numba

ELEVATION_LIMIT = 89.0
"""Degrees: pitch and elevation together go no further up or down, so that no ray turns over backwards."""
SCRATCH_ROWS = 4
SLOPE, SECANT, NEAREST, KIND = range(SCRATCH_ROWS)


@numba.njit(cache=True)
def see_heights(
    heights: np.ndarray,
    surface_types: np.ndarray,
    ceiling: float,
    viewer: np.ndarray,
    azimuth_cos: np.ndarray,
    azimuth_sin: np.ndarray,
    elevations: np.ndarray,
    reach: float,
    bodies: np.ndarray,
    spheres: np.ndarray,
    scratch: np.ndarray,
    out: np.ndarray,
) -> None:  # pragma: no cover
    """Write what one viewer sees.

    Args:
        heights: Metres above the floor, float32 or float64, shape (rows, columns). Cell (row, column) is solid from
            the floor to its height over [column, column + 1) × [row, row + 1); outside there is nothing.
        surface_types: Index of each cell's type, uint8, shape (rows, columns).
        ceiling: The greatest of `heights`.
        viewer: x, y and z of the eye in metres, heading and pitch in degrees, float64, shape (5,).
        azimuth_cos: Cosine of the columns' angles, float64, shape (azimuths,).
        azimuth_sin: Sine of the columns' angles, float64, shape (azimuths,).
        elevations: Degrees, falling, float64, shape (elevations,).
        reach: The longest distance, in metres.
        bodies: Upright cylinders: x, y, lowest z, highest z, radius, index of the type, float64, shape (bodies, 6).
            One whose radius is not above 0 is not there.
        spheres: x, y, z, radius, index of the type, float64, shape (spheres, 5); radius as for bodies.
        scratch: Overwritten, float64, shape (4, elevations).
        out: Written: int16, shape (elevations, azimuths, 2): centimetres, and 0 or 1 + index of the type.
    """
    heading = math.radians(viewer[3])
    heading_cos, heading_sin = math.cos(heading), math.sin(heading)
    aim_rows(viewer[4], elevations, scratch)
    for column in range(azimuth_cos.shape[0]):
        dx, dy = _direction(heading_cos, heading_sin, azimuth_cos[column], azimuth_sin[column])
        _meet_surfaces(heights, surface_types, ceiling, viewer, dx, dy, reach, scratch)
        meet_things(bodies, spheres, viewer, dx, dy, scratch)
        write_column(scratch, reach, out, column)


@numba.njit(cache=True)
def cast_heights(
    heights: np.ndarray,
    surface_types: np.ndarray,
    viewers: np.ndarray,
    azimuth_cos: np.ndarray,
    azimuth_sin: np.ndarray,
    elevations: np.ndarray,
    reach: float,
    bodies: np.ndarray,
    spheres: np.ndarray,
    out: np.ndarray,
) -> None:  # pragma: no cover
    """Write what each viewer sees: `see_heights` with viewers, bodies, spheres and `out` of one more axis in front."""
    scratch = np.empty((SCRATCH_ROWS, elevations.shape[0]))
    ceiling = 0.0
    for height in heights.flat:
        ceiling = max(ceiling, height)
    for index in range(viewers.shape[0]):
        see_heights(
            heights,
            surface_types,
            ceiling,
            viewers[index],
            azimuth_cos,
            azimuth_sin,
            elevations,
            reach,
            bodies[index],
            spheres[index],
            scratch,
            out[index],
        )


@numba.njit(cache=True)
def aim_rows(pitch: float, elevations: np.ndarray, scratch: np.ndarray) -> None:  # pragma: no cover
    """Write slope and secant of each row of rays."""
    for row in range(elevations.shape[0]):
        angle = math.radians(min(max(pitch + elevations[row], -ELEVATION_LIMIT), ELEVATION_LIMIT))
        scratch[SLOPE, row] = math.tan(angle)
        scratch[SECANT, row] = 1 / math.cos(angle)


@numba.njit(cache=True)
def _meet_surfaces(
    heights: np.ndarray,
    surface_types: np.ndarray,
    ceiling: float,
    viewer: np.ndarray,
    dx: float,
    dy: float,
    reach: float,
    scratch: np.ndarray,
) -> None:  # pragma: no cover
    """Write what each ray of a column meets of the level."""
    x, y, eye = viewer[0], viewer[1], viewer[2]
    num_rows, num_columns = heights.shape
    column, row = math.floor(x), math.floor(y)
    step_x, step_y = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    delta_x = 1 / abs(dx) if dx != 0 else math.inf
    delta_y = 1 / abs(dy) if dy != 0 else math.inf
    next_x = (column + 1 - x if dx > 0 else x - column) * delta_x if dx != 0 else math.inf
    next_y = (row + 1 - y if dy > 0 else y - row) * delta_y if dy != 0 else math.inf
    going, start = scratch.shape[1], 0.0
    scratch[NEAREST, :] = math.inf
    while going > 0 and start <= reach:
        end = min(next_x, next_y)
        if 0 <= column < num_columns and 0 <= row < num_rows:
            going = _meet_cell(heights[row, column], surface_types[row, column], start, end, eye, going, scratch)
        elif _leaves(column, num_columns, dx) or _leaves(row, num_rows, dy):
            break
        if going > 0 and scratch[SLOPE, going - 1] >= 0 and eye + start * scratch[SLOPE, going - 1] > ceiling:
            break
        start = end
        if next_x <= next_y:
            next_x += delta_x
            column += step_x
        else:
            next_y += delta_y
            row += step_y


@numba.njit(cache=True)
def _meet_cell(
    height: float, kind: int, start: float, end: float, eye: float, going: int, scratch: np.ndarray
) -> int:  # pragma: no cover
    """Stop the lowest rays at a cell's side or on its top, and return how many go on."""
    while going > 0:
        slope = scratch[SLOPE, going - 1]
        if eye + start * slope <= height:
            distance = start
        elif eye + end * slope <= height:
            distance = (height - eye) / slope
        else:
            return going
        going -= 1
        scratch[NEAREST, going] = distance
        scratch[KIND, going] = kind
    return going


@numba.njit(cache=True)
def meet_things(
    bodies: np.ndarray, spheres: np.ndarray, viewer: np.ndarray, dx: float, dy: float, scratch: np.ndarray
) -> None:  # pragma: no cover
    """Write what each ray of a column meets before what it has met so far."""
    x, y, eye = viewer[0], viewer[1], viewer[2]
    for index in range(bodies.shape[0]):
        to_x, to_y = bodies[index, 0] - x, bodies[index, 1] - y
        chord = _half_chord(to_x * dy - to_y * dx, bodies[index, 4])
        if chord > 0:
            _meet_body(bodies[index], to_x * dx + to_y * dy, chord, eye, scratch)
    for index in range(spheres.shape[0]):
        to_x, to_y = spheres[index, 0] - x, spheres[index, 1] - y
        chord = _half_chord(to_x * dy - to_y * dx, spheres[index, 3])
        if chord > 0:
            _meet_sphere(spheres[index], to_x * dx + to_y * dy, chord, eye, scratch)


@numba.njit(cache=True)
def _half_chord(across: float, radius: float) -> float:  # pragma: no cover
    """Half of what a line cuts out of a circle whose centre it passes at `across`; 0 if it misses."""
    if radius <= abs(across):
        return 0.0
    return math.sqrt(radius * radius - across * across)


@numba.njit(cache=True)
def _meet_body(
    body: np.ndarray, along: float, chord: float, eye: float, scratch: np.ndarray
) -> None:  # pragma: no cover
    """Stop rays at an upright cylinder's side, top or bottom."""
    low, high, kind = body[2], body[3], body[5]
    first, last = max(along - chord, 0.0), along + chord
    for row in range(scratch.shape[1]):
        slope = scratch[SLOPE, row]
        z = eye + first * slope
        distance = first
        if z > high:
            distance = (high - eye) / slope if slope < 0 else math.inf
        elif z < low:
            distance = (low - eye) / slope if slope > 0 else math.inf
        if distance <= last and distance < scratch[NEAREST, row]:
            scratch[NEAREST, row] = distance
            scratch[KIND, row] = kind


@numba.njit(cache=True)
def _meet_sphere(
    sphere: np.ndarray, along: float, chord: float, eye: float, scratch: np.ndarray
) -> None:  # pragma: no cover
    """Stop rays at the circle that a sphere is in the plane of a column; from within, at distance 0."""
    up, kind = sphere[2] - eye, sphere[4]
    outside = along * along + up * up - chord * chord
    for row in range(scratch.shape[1]):
        middle = (along + up * scratch[SLOPE, row]) / scratch[SECANT, row]
        under_root = middle * middle - outside
        if outside <= 0:
            distance = 0.0
        elif middle > 0 and under_root >= 0:
            distance = (middle - math.sqrt(under_root)) / scratch[SECANT, row]
        else:
            continue
        if distance < scratch[NEAREST, row]:
            scratch[NEAREST, row] = distance
            scratch[KIND, row] = kind


@numba.njit(cache=True)
def write_column(scratch: np.ndarray, reach: float, out: np.ndarray, column: int) -> None:  # pragma: no cover
    """Write what the rays of a column have met as a column of the reading."""
    for row in range(scratch.shape[1]):
        distance = scratch[NEAREST, row] * scratch[SECANT, row]
        if distance <= reach:
            out[row, column, 0] = math.floor(distance * 100 + 0.5)
            out[row, column, 1] = int(scratch[KIND, row]) + 1
        else:
            out[row, column, 0] = math.floor(reach * 100 + 0.5)
            out[row, column, 1] = 0
