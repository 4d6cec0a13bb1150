"""How bodies turn and move: cylinders that slide along walls and cover, and keep each other off."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.rules import Record
from understudy.sensors.compiling import numba

RUN, WALK, CROUCH = range(3)
"""Gaits."""
_TRIES = 4
"""How often a body is pushed out of the deepest cell, where a corner needs two, and how often a crowd is parted."""


@numba.njit(cache=True)
def turn(r: Record, rules: Record, a: int, right: float, up: float) -> None:  # pragma: no cover
    """Turn agent `a` to the right and up, in degrees."""
    r.heading[a] = (r.heading[a] - right) % 360.0
    r.pitch[a] = min(max(r.pitch[a] + up, -rules.pitch_most), rules.pitch_most)


@numba.njit(cache=True)
def top_speed(rules: Record, gait: int, weapon_share: float) -> float:  # pragma: no cover
    """The speed that a gait leads to, in m/s."""
    speed = rules.run if gait == RUN else (rules.walk if gait == WALK else rules.crouch)
    return speed * weapon_share


@numba.njit(cache=True)
def move(
    r: Record, rules: Record, heights: np.ndarray, a: int, direction: int, speed: float, dt: float
) -> None:  # pragma: no cover
    """Move agent `a` for `dt` towards one of eight directions, 1 ahead and on clockwise, or to a halt (0)."""
    want_x = want_y = 0.0
    if direction > 0:
        angle = math.radians(r.heading[a] - 45.0 * (direction - 1))
        want_x, want_y = speed * math.cos(angle), speed * math.sin(angle)
    change_x, change_y = want_x - r.velocity[a, 0], want_y - r.velocity[a, 1]
    size, most = math.hypot(change_x, change_y), rules.acceleration * dt
    share = 1.0 if size <= most else most / size
    r.velocity[a, 0] += share * change_x
    r.velocity[a, 1] += share * change_y
    r.position[a, 0] += r.velocity[a, 0] * dt
    r.position[a, 1] += r.velocity[a, 1] * dt
    push_out(r, rules, heights, a)


@numba.njit(cache=True)
def push_out(r: Record, rules: Record, heights: np.ndarray, a: int) -> None:  # pragma: no cover
    """Push agent `a` out of walls and cover, and take away the speed into them."""
    for _ in range(_TRIES):
        depth, normal_x, normal_y = _deepest(heights, r.position[a, 0], r.position[a, 1], rules.radius)
        if depth <= 0.0:
            return
        r.position[a, 0] += depth * normal_x
        r.position[a, 1] += depth * normal_y
        into = r.velocity[a, 0] * normal_x + r.velocity[a, 1] * normal_y
        if into < 0.0:
            r.velocity[a, 0] -= into * normal_x
            r.velocity[a, 1] -= into * normal_y


@numba.njit(cache=True)
def _deepest(heights: np.ndarray, x: float, y: float, radius: float) -> tuple[float, float, float]:  # pragma: no cover
    """How deep a disc is in the cell it is deepest in, and the way out of it."""
    deepest, normal_x, normal_y = 0.0, 0.0, 0.0
    for row in range(math.floor(y - radius), math.floor(y + radius) + 1):
        for column in range(math.floor(x - radius), math.floor(x + radius) + 1):
            if not is_solid(heights, row, column):
                continue
            near_x, near_y = min(max(x, column), column + 1.0), min(max(y, row), row + 1.0)
            away_x, away_y = x - near_x, y - near_y
            distance = math.hypot(away_x, away_y)
            if distance > 0.0 and radius - distance > deepest:
                deepest, normal_x, normal_y = radius - distance, away_x / distance, away_y / distance
    return deepest, normal_x, normal_y


@numba.njit(cache=True)
def is_solid(heights: np.ndarray, row: int, column: int) -> bool:  # pragma: no cover
    """Whether nobody can stand in a cell: wall, cover, or outside the level."""
    rows, columns = heights.shape
    return not (0 <= column < columns and 0 <= row < rows) or heights[row, column] > 0.0


@numba.njit(cache=True)
def keep_apart(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Push agents apart that stand in each other; in a crowd, one push makes way for the next."""
    for _ in range(_TRIES):
        for a in range(4):
            for b in range(a + 1, 4):
                if r.alive[a] and r.alive[b]:
                    _part(r, rules, heights, a, b)


@numba.njit(cache=True)
def _part(r: Record, rules: Record, heights: np.ndarray, a: int, b: int) -> None:  # pragma: no cover
    """Push two agents apart, half each, and take away the speed at which they meet."""
    away_x, away_y = r.position[b, 0] - r.position[a, 0], r.position[b, 1] - r.position[a, 1]
    distance = math.hypot(away_x, away_y)
    depth = 2.0 * rules.radius - distance
    if depth <= 0.0:
        return
    # In the very same place any direction will do.
    normal_x = away_x / distance if distance > 0.0 else 1.0
    normal_y = away_y / distance if distance > 0.0 else 0.0
    _shift(r, rules, heights, a, -0.5 * depth * normal_x, -0.5 * depth * normal_y)
    _shift(r, rules, heights, b, 0.5 * depth * normal_x, 0.5 * depth * normal_y)
    meeting_x, meeting_y = r.velocity[a, 0] - r.velocity[b, 0], r.velocity[a, 1] - r.velocity[b, 1]
    meeting = 0.5 * (meeting_x * normal_x + meeting_y * normal_y)
    if meeting > 0.0:
        r.velocity[a, 0] -= meeting * normal_x
        r.velocity[a, 1] -= meeting * normal_y
        r.velocity[b, 0] += meeting * normal_x
        r.velocity[b, 1] += meeting * normal_y


@numba.njit(cache=True)
def _shift(r: Record, rules: Record, heights: np.ndarray, a: int, x: float, y: float) -> None:  # pragma: no cover
    r.position[a, 0] += x
    r.position[a, 1] += y
    push_out(r, rules, heights, a)
