"""Ray casting kernels: rays against a grid of cells, or against line segments and discs.

Rays leave a point at `heading - angle`, where the heading is counter-clockwise from +x and the fan's angles are
clockwise, both given as cosine and sine. A hit is written as its distance and a one-hot of its type; a ray that hits
nothing within `reach` reads `reach` and zeros. Distances are computed in float64 and stored as float32.

The grid walk is Amanatides and Woo 1987, "A fast voxel traversal algorithm for ray tracing".
"""

from __future__ import annotations

import math

import numpy as np

from understudy.sensors.compiling import numba

_PARALLEL = 1e-12
"""Direction components below this are rounding of sine and cosine, and count as zero."""
_SLACK = 1e-9
"""How far, as a share of a segment, a ray may pass its end and still hit: no ray slips between joined segments."""


@numba.njit(cache=True)
def _direction(
    heading_cos: float, heading_sin: float, angle_cos: float, angle_sin: float
) -> tuple[float, float]:  # pragma: no cover
    """The unit vector of `heading - angle`, with exact zeros along the axes."""
    dx = heading_cos * angle_cos + heading_sin * angle_sin
    dy = heading_sin * angle_cos - heading_cos * angle_sin
    return (0.0 if abs(dx) < _PARALLEL else dx), (0.0 if abs(dy) < _PARALLEL else dy)


@numba.njit(cache=True)
def _walk_grid(
    grid: np.ndarray, x: float, y: float, dx: float, dy: float, reach: float
) -> tuple[float, int]:  # pragma: no cover
    """The distance to the first cell that is not empty and its value, or (reach, 0)."""
    height, width = grid.shape
    column, row = math.floor(x), math.floor(y)
    step_x, step_y = (1 if dx > 0 else -1), (1 if dy > 0 else -1)
    delta_x = 1 / abs(dx) if dx != 0 else math.inf
    delta_y = 1 / abs(dy) if dy != 0 else math.inf
    next_x = (column + 1 - x if dx > 0 else x - column) * delta_x if dx != 0 else math.inf
    next_y = (row + 1 - y if dy > 0 else y - row) * delta_y if dy != 0 else math.inf
    distance = 0.0
    while distance <= reach:
        if 0 <= column < width and 0 <= row < height:
            if grid[row, column] != 0:
                return distance, grid[row, column]
        elif _leaves(column, width, dx) or _leaves(row, height, dy):
            break
        if next_x <= next_y:
            distance = next_x
            next_x += delta_x
            column += step_x
        else:
            distance = next_y
            next_y += delta_y
            row += step_y
    return reach, 0


@numba.njit(cache=True)
def _leaves(cell: int, num_cells: int, direction: float) -> bool:  # pragma: no cover
    """Whether a ray outside the grid along one axis can no longer come back to it."""
    return (cell < 0 and direction <= 0) or (cell >= num_cells and direction >= 0)


@numba.njit(cache=True)
def cast_grid(
    grid: np.ndarray,
    positions: np.ndarray,
    heading_cos: np.ndarray,
    heading_sin: np.ndarray,
    fan_cos: np.ndarray,
    fan_sin: np.ndarray,
    reach: float,
    out: np.ndarray,
) -> None:  # pragma: no cover
    """Cast a fan of rays for each agent against the cells of a grid.

    Args:
        grid: uint8, shape (height, width): 0 is empty, `n` is type `n - 1`. Cell (row, column) covers
            [column, column + 1) × [row, row + 1) and outside is empty. A ray through a corner looks along x first.
        positions: x and y in cells, float64, shape (agents, 2).
        heading_cos: Cosine of the headings, float64, shape (agents,).
        heading_sin: Sine of the headings, float64, shape (agents,).
        fan_cos: Cosine of the fan's angles, float64, shape (rays,).
        fan_sin: Sine of the fan's angles, float64, shape (rays,).
        reach: Longest distance, in cells.
        out: Written: float32, shape (agents, rays, 1 + types).
    """
    for agent in range(positions.shape[0]):
        for ray in range(fan_cos.shape[0]):
            dx, dy = _direction(heading_cos[agent], heading_sin[agent], fan_cos[ray], fan_sin[ray])
            distance, cell = _walk_grid(grid, positions[agent, 0], positions[agent, 1], dx, dy, reach)
            out[agent, ray, :] = 0
            out[agent, ray, 0] = distance
            if cell != 0:
                out[agent, ray, cell] = 1


@numba.njit(cache=True)
def _hit_segment(x: float, y: float, dx: float, dy: float, segment: np.ndarray) -> float:  # pragma: no cover
    """The distance along the ray to a segment (x1, y1, x2, y2), infinite if it is missed."""
    to_x, to_y = segment[0] - x, segment[1] - y
    edge_x, edge_y = segment[2] - segment[0], segment[3] - segment[1]
    across = dx * edge_y - dy * edge_x
    length = math.hypot(edge_x, edge_y)
    if abs(across) > _PARALLEL * length:
        distance = (to_x * edge_y - to_y * edge_x) / across
        share = (to_x * dy - to_y * dx) / across
        hit = distance >= -_SLACK and -_SLACK <= share <= 1 + _SLACK
        return max(distance, 0.0) if hit else math.inf
    if abs(to_x * dy - to_y * dx) > _SLACK:
        return math.inf
    first = to_x * dx + to_y * dy
    last = first + edge_x * dx + edge_y * dy
    if max(first, last) < 0:
        return math.inf
    return max(min(first, last), 0.0)


@numba.njit(cache=True)
def _hit_disc(x: float, y: float, dx: float, dy: float, disc: np.ndarray) -> float:  # pragma: no cover
    """The distance along the ray to a disc (x, y, radius), infinite if it is missed."""
    to_x, to_y = disc[0] - x, disc[1] - y
    outside = to_x * to_x + to_y * to_y - disc[2] * disc[2]
    if outside <= 0:
        return 0.0
    along = to_x * dx + to_y * dy
    under_root = along * along - outside
    if along < 0 or under_root < 0:
        return math.inf
    return along - math.sqrt(under_root)


@numba.njit(cache=True)
def cast_lines(
    position: np.ndarray,
    heading_cos: float,
    heading_sin: float,
    fan_cos: np.ndarray,
    fan_sin: np.ndarray,
    segments: np.ndarray,
    segment_types: np.ndarray,
    discs: np.ndarray,
    disc_types: np.ndarray,
    reach: float,
    out: np.ndarray,
) -> None:  # pragma: no cover
    """Cast one agent's fan of rays against line segments and discs.

    Of things at the very same distance the one that is listed first is seen, segments before discs.

    Args:
        position: x and y, float64, shape (2,).
        heading_cos: Cosine of the heading.
        heading_sin: Sine of the heading.
        fan_cos: Cosine of the fan's angles, float64, shape (rays,).
        fan_sin: Sine of the fan's angles, float64, shape (rays,).
        segments: x1, y1, x2, y2, float64, shape (segments, 4).
        segment_types: Index of each segment's type, int64, shape (segments,).
        discs: x, y, radius, float64, shape (discs, 3); from within one, the distance is 0.
        disc_types: Index of each disc's type, int64, shape (discs,).
        reach: Longest distance.
        out: Written: float32, shape (rays, 1 + types).
    """
    x, y = position[0], position[1]
    for ray in range(fan_cos.shape[0]):
        dx, dy = _direction(heading_cos, heading_sin, fan_cos[ray], fan_sin[ray])
        nearest, kind = math.inf, -1
        for index in range(segments.shape[0]):
            distance = _hit_segment(x, y, dx, dy, segments[index])
            if distance < nearest:
                nearest, kind = distance, segment_types[index]
        for index in range(discs.shape[0]):
            distance = _hit_disc(x, y, dx, dy, discs[index])
            if distance < nearest:
                nearest, kind = distance, disc_types[index]
        out[ray, :] = 0
        out[ray, 0] = min(nearest, reach)
        if nearest <= reach:
            out[ray, 1 + kind] = 1
