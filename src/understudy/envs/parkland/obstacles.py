"""What stands in the way of a body, as upright boxes in buckets, so that those near a place are found at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.body import RADIUS, STANDING, STEP
from understudy.envs.parkland.layout import PASSABLE, PROP_SIZES, Layout
from understudy.sensors.compiling import numba

BUCKET = 4.0
"""Metres along a side of a bucket."""
_PANEL = 0.03
"""Half of how thick a door is, metres."""


class World(NamedTuple):
    """The ground, and boxes that look as if they were in the way: solids, trunks, props, the panels of doors, open.

    Attributes:
        heights: float32 (n, n), see `Layout.heights`.
        spacing: Metres between them.
        boxes: float64 (m, 8): x and y of the middle, z of the foot and the top, half the length along the heading and
            across it, cosine and sine of the heading.
        firsts: int64 (buckets + 1,): where each bucket begins in `members`, row by row.
        members: int64: indices of boxes.
        per_side: Buckets along a side of the park.
    """

    heights: NDArray[np.float32]
    spacing: float
    boxes: NDArray[np.float64]
    firsts: NDArray[np.int64]
    members: NDArray[np.int64]
    per_side: int


def world_of(layout: Layout) -> World:
    """Return what one walks on in `layout`, and what stands in the way."""
    boxes = np.concatenate([_solids(layout), _trunks(layout), _props(layout), _doors(layout)])
    per_side = math.ceil(layout.side / BUCKET)
    reach = np.abs(boxes[:, 4] * boxes[:, 6]) + np.abs(boxes[:, 5] * boxes[:, 7])
    rise = np.abs(boxes[:, 4] * boxes[:, 7]) + np.abs(boxes[:, 5] * boxes[:, 6])
    margin = np.stack([reach, rise], axis=1) + RADIUS + 0.1
    low = np.clip((boxes[:, :2] - margin) // BUCKET, 0, per_side - 1).astype(np.int64)
    high = np.clip((boxes[:, :2] + margin) // BUCKET, 0, per_side - 1).astype(np.int64)
    firsts, members = _fill(low, high, per_side)
    return World(layout.heights, layout.spacing, boxes, firsts, members, per_side)


def _solids(layout: Layout) -> NDArray:
    solids = layout.solids
    angle = np.radians(solids.heading)
    feet, tops = solids.centre[:, 2] - solids.half[:, 2], solids.centre[:, 2] + solids.half[:, 2]
    boxes = np.column_stack([solids.centre[:, :2], feet, tops, solids.half[:, :2], np.cos(angle), np.sin(angle)])
    return boxes[solids.visible]


def _trunks(layout: Layout) -> NDArray:
    x, y, z, radius, height = layout.trunks.T
    return np.column_stack([x, y, z - 1.0, z + height, radius, radius, np.ones_like(x), np.zeros_like(x)])


def _props(layout: Layout) -> NDArray:
    rows = []
    for prop in layout.props:
        width, depth, height = PROP_SIZES[prop.kind]
        angle = math.radians(prop.heading)
        if prop.kind not in PASSABLE:
            where = (prop.x, prop.y, prop.z - 0.3, prop.z + height)
            rows.append((*where, depth / 2, width / 2, math.cos(angle), math.sin(angle)))
    return np.asarray(rows, np.float64).reshape(-1, 8)


def _doors(layout: Layout) -> NDArray:
    rows = []
    for door in layout.doors:
        angle = math.radians(door.heading + 90.0)
        x, y = (door.hinge[0] + math.cos(angle) * door.width / 2, door.hinge[1] + math.sin(angle) * door.width / 2)
        where = (x, y, door.hinge[2], door.hinge[2] + door.height)
        rows.append((*where, door.width / 2, _PANEL, math.cos(angle), math.sin(angle)))
    return np.asarray(rows, np.float64).reshape(-1, 8)


@numba.njit(cache=True)
def _fill(low: np.ndarray, high: np.ndarray, per_side: int) -> tuple[np.ndarray, np.ndarray]:  # pragma: no cover
    """Sort boxes into the buckets from `low` to `high` (x, y)."""
    firsts = np.zeros(per_side * per_side + 1, np.int64)
    for k in range(len(low)):
        for row in range(low[k, 1], high[k, 1] + 1):
            for column in range(low[k, 0], high[k, 0] + 1):
                firsts[row * per_side + column + 1] += 1
    firsts = np.cumsum(firsts)
    members, at = np.empty(firsts[-1], np.int64), firsts[:-1].copy()
    for k in range(len(low)):
        for row in range(low[k, 1], high[k, 1] + 1):
            for column in range(low[k, 0], high[k, 0] + 1):
                bucket = row * per_side + column
                members[at[bucket]] = k
                at[bucket] += 1
    return firsts, members


@numba.njit(cache=True)
def ground_at(world: World, x: float, y: float) -> float:  # pragma: no cover
    """The elevation of the ground; see `layout.elevation`."""
    heights = world.heights
    last = len(heights) - 1
    column, row = min(max(x / world.spacing, 0.0), float(last)), min(max(y / world.spacing, 0.0), float(last))
    i, j = min(int(column), last - 1), min(int(row), last - 1)
    u, v = column - i, row - j
    low, high = heights[j, i], heights[j + 1, i + 1]
    if u >= v:
        return low + u * (heights[j, i + 1] - low) + v * (high - heights[j, i + 1])
    return low + v * (heights[j + 1, i] - low) + u * (high - heights[j + 1, i])


@numba.njit(cache=True)
def bucket_of(world: World, x: float, y: float) -> int:  # pragma: no cover
    """The bucket that holds (x, y)."""
    column = min(max(int(x / BUCKET), 0), world.per_side - 1)
    row = min(max(int(y / BUCKET), 0), world.per_side - 1)
    return row * world.per_side + column


@numba.njit(cache=True)
def distance_to(box: np.ndarray, x: float, y: float) -> float:  # pragma: no cover
    """Metres from (x, y) to a box seen from above, 0 within it."""
    dx, dy = x - box[0], y - box[1]
    along = abs(dx * box[6] + dy * box[7]) - box[4]
    across = abs(dy * box[6] - dx * box[7]) - box[5]
    return math.hypot(max(along, 0.0), max(across, 0.0))


@numba.njit(cache=True)
def support(world: World, x: float, y: float, highest: float) -> float:  # pragma: no cover
    """The highest surface under (x, y) that is not above `highest`; -inf if there is none."""
    ground = ground_at(world, x, y)
    best = ground if ground <= highest else -math.inf
    bucket = bucket_of(world, x, y)
    for k in range(world.firsts[bucket], world.firsts[bucket + 1]):
        box = world.boxes[world.members[k]]
        if best < box[3] <= highest and distance_to(box, x, y) == 0.0:
            best = box[3]
    return best


@numba.njit(cache=True)
def is_blocked(world: World, x: float, y: float, z: float) -> bool:  # pragma: no cover
    """Whether a body that stands upright at (x, y, z) overlaps a box that is higher than a step."""
    bucket = bucket_of(world, x, y)
    for k in range(world.firsts[bucket], world.firsts[bucket + 1]):
        box = world.boxes[world.members[k]]
        if box[3] > z + STEP and box[2] < z + STANDING and distance_to(box, x, y) < RADIUS:
            return True
    return False
