"""The compiled part of `walkable`: where one can stand, which steps can be taken, and the shortest way."""

from __future__ import annotations

import heapq
import math

import numpy as np

from understudy.envs.parkland.body import STEP
from understudy.envs.parkland.obstacles import World, bucket_of, distance_to, ground_at, is_blocked, support
from understudy.sensors.compiling import numba

MOST_LEVELS = 6
"""How many heights of one cell are tried."""
SUB_STEPS = 5
"""How many times the body is tried on its way to the next cell."""
_DX = np.array([1, 1, 0, -1, -1, -1, 0, 1])
_DY = np.array([0, 1, 1, 1, 0, -1, -1, -1])
_MARGIN = 1.8
_SAME = 0.02


@numba.njit(cache=True)
def near_boxes(boxes: np.ndarray, per_side: int) -> np.ndarray:  # pragma: no cover
    """Which cells (rows, columns) have a box near enough to matter to a step from or into them."""
    busy = np.zeros((per_side, per_side), np.bool_)
    for k in range(len(boxes)):
        x, y, _, _, along, across, cos, sin = boxes[k]
        reach_x = abs(along * cos) + abs(across * sin) + _MARGIN
        reach_y = abs(along * sin) + abs(across * cos) + _MARGIN
        for row in range(max(0, int(y - reach_y)), min(per_side, int(y + reach_y) + 1)):
            for column in range(max(0, int(x - reach_x)), min(per_side, int(x + reach_x) + 1)):
                busy[row, column] = busy[row, column] or distance_to(boxes[k], column + 0.5, row + 0.5) < _MARGIN
    return busy


@numba.njit(cache=True)
def _levels(world: World, x: float, y: float, found: np.ndarray) -> int:  # pragma: no cover
    """Fill `found` with the heights at which one can stand at (x, y), and return how many there are."""
    num = 0
    ground = ground_at(world, x, y)
    if support(world, x, y, ground + STEP) == ground and not is_blocked(world, x, y, ground):
        found[0] = ground
        num = 1
    bucket = bucket_of(world, x, y)
    for k in range(world.firsts[bucket], world.firsts[bucket + 1]):
        box = world.boxes[world.members[k]]
        top = box[3]
        if num == MOST_LEVELS or top <= ground or distance_to(box, x, y) > 0.0 or np.any(found[:num] == top):
            continue
        if support(world, x, y, top + STEP) == top and not is_blocked(world, x, y, top):
            found[num] = top
            num += 1
    return num


@numba.njit(cache=True)
def count_nodes(world: World, busy: np.ndarray) -> np.ndarray:  # pragma: no cover
    """How many nodes each cell has, row by row."""
    rows, columns = busy.shape
    counts, found = np.ones(rows * columns, np.int64), np.empty(MOST_LEVELS)
    for row in range(rows):
        for column in range(columns):
            if busy[row, column]:
                counts[row * columns + column] = _levels(world, column + 0.5, row + 0.5, found)
    return counts


@numba.njit(cache=True)
def place_nodes(world: World, busy: np.ndarray, nodes: np.ndarray) -> np.ndarray:  # pragma: no cover
    """Where one stands in each node, float32 (n, 3); `nodes` is where each cell's begin."""
    rows, columns = busy.shape
    places, found = np.empty((nodes[-1], 3), np.float32), np.empty(MOST_LEVELS)
    for row in range(rows):
        for column in range(columns):
            x, y, first = column + 0.5, row + 0.5, nodes[row * columns + column]
            num = 1
            if busy[row, column]:
                num = _levels(world, x, y, found)
            else:
                found[0] = ground_at(world, x, y)
            for level in range(num):
                places[first + level, 0], places[first + level, 1], places[first + level, 2] = x, y, found[level]
    return places


@numba.njit(cache=True)
def _walk(world: World, x: float, y: float, z: float, dx: float, dy: float) -> float:  # pragma: no cover
    """At what height one arrives who walks from (x, y, z) by (dx, dy); nan if one cannot, there or back."""
    for k in range(1, SUB_STEPS + 1):
        there_x, there_y = x + dx * k / SUB_STEPS, y + dy * k / SUB_STEPS
        there = support(world, there_x, there_y, z + STEP)
        if there < z - STEP or is_blocked(world, there_x, there_y, there):
            return math.nan
        z = there
    return z


@numba.njit(cache=True)
def link_nodes(
    world: World, busy: np.ndarray, nodes: np.ndarray, places: np.ndarray, steepest: float
) -> np.ndarray:  # pragma: no cover
    """The node in each of the eight directions from each node, int32 (n, 8); every step can be taken both ways."""
    rows, columns = busy.shape
    links = np.full((len(places), 8), -1, np.int32)
    for row in range(rows):
        for column in range(columns):
            for side in range(4):
                to_row, to_column = row + _DY[side], column + _DX[side]
                if not (0 <= to_row < rows and 0 <= to_column < columns):
                    continue
                here, there = row * columns + column, to_row * columns + to_column
                dx, dy = float(_DX[side]), float(_DY[side])
                near = busy[row, column] or busy[to_row, to_column]
                for node in range(nodes[here], nodes[here + 1]):
                    z = float(places[node, 2])
                    if near:
                        z = _walk(world, column + 0.5, row + 0.5, z, dx, dy)
                    for target in range(nodes[there], nodes[there + 1]):
                        rise, most = abs(places[target, 2] - z), _SAME if near else steepest * math.hypot(dx, dy)
                        if rise <= most:
                            links[node, side], links[target, side + 4] = target, node
    return links


@numba.njit(cache=True)
def nodes_near(
    places: np.ndarray, nodes: np.ndarray, per_side: int, allowed: np.ndarray, wanted: np.ndarray
) -> np.ndarray:  # pragma: no cover
    """The node nearest to each of `wanted` (k, 3) among the allowed ones of the cells around it; -1 if there is none.

    Height counts double, so that floors are told apart.
    """
    found = np.full(len(wanted), -1, np.int64)
    for k in range(len(wanted)):
        x, y, z = wanted[k]
        least = math.inf
        for reach in (1, 4, 16, per_side):
            for row in range(max(0, int(y) - reach), min(per_side, int(y) + reach + 1)):
                for column in range(max(0, int(x) - reach), min(per_side, int(x) + reach + 1)):
                    cell = row * per_side + column
                    for node in range(nodes[cell], nodes[cell + 1]):
                        dx, dy, dz = places[node, 0] - x, places[node, 1] - y, places[node, 2] - z
                        away = dx * dx + dy * dy + 4.0 * dz * dz
                        if allowed[node] and away < least:
                            found[k], least = node, away
            if least < reach * reach:
                break
    return found


@numba.njit(cache=True)
def search(
    places: np.ndarray, links: np.ndarray, costs: np.ndarray, source: int, target: int
) -> tuple[np.ndarray, np.ndarray]:  # pragma: no cover
    """Dijkstra from `source`, until `target` is reached if it is not -1.

    Returns:
        The cost of each node, float32 (n,), inf where it was not reached; and the node before it, int32 (n,), or -1.
    """
    cost, before = np.full(len(places), np.inf, np.float32), np.full(len(places), -1, np.int32)
    cost[source] = 0.0
    queue: list[tuple[float, int]] = [(0.0, source)]
    while len(queue) > 0:
        so_far, node = heapq.heappop(queue)
        if node == target:
            break
        if so_far > cost[node] + 1e-6 * so_far + 1e-6:
            continue
        for side in range(8):
            there = links[node, side]
            if there < 0:
                continue
            rise = places[there, 2] - places[node, 2]
            length = math.sqrt(_DX[side] ** 2 + _DY[side] ** 2 + rise * rise)
            if len(costs) > 1:
                length *= 0.5 * (costs[node] + costs[there])
            if so_far + length < cost[there]:
                cost[there] = so_far + length
                before[there] = node
                heapq.heappush(queue, (np.float64(cost[there]), np.int64(there)))  # type: ignore[misc]  # numba wants 64 bits
    return cost, before
