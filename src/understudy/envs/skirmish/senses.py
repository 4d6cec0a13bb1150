"""What agents see and hear of each other, by the kernels of `understudy.sensors`."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.abilities import CENTRE
from understudy.envs.skirmish.combat import CROWN, eye_height
from understudy.envs.skirmish.rules import BOMB, DROPPED, PLANTED, Record
from understudy.envs.skirmish.sightlines import WALL_HEIGHT
from understudy.sensors.compiling import numba
from understudy.sensors.hearing import wall_metres
from understudy.sensors.raygrid import RAY_TYPES

(WALL, COVER, FLOOR, SITE, SPAWN, TEAMMATE, ENEMY, SMOKE, BOMB_BODY, CORPSE, DEVICE) = range(len(RAY_TYPES))
MOST_BODIES, MOST_SPHERES, MOST_SOURCES = 8, 4, 16
_CORPSE_HEIGHT = 0.4
_BOMB_RADIUS, _BOMB_HEIGHT = 0.2, 0.3
_DEVICE_RADIUS, _DEVICE_HALF = 0.15, 0.15


def surface_types(heights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the ray type of each cell, uint8 of the shape of `heights`."""
    ground = np.choose(places, (FLOOR, SITE, SITE, SPAWN, SPAWN))
    return np.where(heights >= WALL_HEIGHT, WALL, np.where(heights > 0, COVER, ground)).astype(np.uint8)


@numba.njit(cache=True)
def list_bodies(r: Record, rules: Record, a: int, bodies: np.ndarray) -> int:  # pragma: no cover
    """Write the cylinders that agent `a` may see, and return how many: agents, the bomb, devices."""
    heading = math.radians(r.heading[a])
    cos, sin = math.cos(heading), math.sin(heading)
    count = 0
    for b in range(4):
        if b == a or not r.present[b]:
            continue
        kind = CORPSE if not r.alive[b] else (TEAMMATE if (a < 2) == (b < 2) else ENEMY)
        high = eye_height(r, rules, b) + CROWN if r.alive[b] else _CORPSE_HEIGHT
        x, y = r.position[b, 0], r.position[b, 1]
        count = _add_body(r, a, cos, sin, bodies, count, x, y, 0.0, high, rules.body_radius, kind)
    if r.bomb_state in (DROPPED, PLANTED):
        x, y = r.bomb_position[0], r.bomb_position[1]
        count = _add_body(r, a, cos, sin, bodies, count, x, y, 0.0, _BOMB_HEIGHT, _BOMB_RADIUS, BOMB_BODY)
    for b in range(4):
        if r.devices[b, 2] > 0.0:
            low, high = CENTRE - _DEVICE_HALF, CENTRE + _DEVICE_HALF
            x, y = r.devices[b, 0], r.devices[b, 1]
            count = _add_body(r, a, cos, sin, bodies, count, x, y, low, high, _DEVICE_RADIUS, DEVICE)
    return count


@numba.njit(cache=True)
def _add_body(
    r: Record,
    a: int,
    cos: float,
    sin: float,
    bodies: np.ndarray,
    count: int,
    x: float,
    y: float,
    low: float,
    high: float,
    radius: float,
    kind: int,
) -> int:  # pragma: no cover
    """Write one, unless it is behind agent `a`: the view is narrower than a half circle."""
    if (x - r.position[a, 0]) * cos + (y - r.position[a, 1]) * sin < -radius:
        return count
    bodies[count, 0], bodies[count, 1] = x, y
    bodies[count, 2], bodies[count, 3] = low, high
    bodies[count, 4], bodies[count, 5] = radius, kind
    return count + 1


@numba.njit(cache=True)
def list_spheres(r: Record, spheres: np.ndarray) -> int:  # pragma: no cover
    """Write the smokes, and return how many there are."""
    count = 0
    for b in range(4):
        if r.smokes[b, 2] > 0.0:
            spheres[count, 0], spheres[count, 1], spheres[count, 2] = r.smokes[b, 0], r.smokes[b, 1], CENTRE
            spheres[count, 3], spheres[count, 4] = r.smokes[b, 3], SMOKE
            count += 1
    return count


@numba.njit(cache=True)
def list_sources(
    r: Record, heights: np.ndarray, a: int, reaches: np.ndarray, sources: np.ndarray
) -> int:  # pragma: no cover
    """Write the sounds that agent `a` may hear, and return how many: of its own, only those of the bomb."""
    count, x, y = 0, r.position[a, 0], r.position[a, 1]
    for b in range(4):
        for kind in range(4):
            if r.sounds[b, kind] <= 0.0 or (a == b and kind != BOMB):
                continue
            from_x, from_y = r.sound_position[b, kind, 0], r.sound_position[b, kind, 1]
            if math.hypot(from_x - x, from_y - y) < reaches[kind]:
                sources[count, 0], sources[count, 1], sources[count, 2] = from_x, from_y, kind
                sources[count, 3] = r.sounds[b, kind]
                sources[count, 4] = wall_metres(heights, WALL_HEIGHT, from_x, from_y, x, y)
                count += 1
    return count
