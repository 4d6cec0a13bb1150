"""What a class can throw: a smoke that blocks sight, or a scan that reveals."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.combat import eye_height
from understudy.envs.skirmish.physics import is_solid
from understudy.envs.skirmish.rules import ABILITY, USED_ABILITY, Record
from understudy.envs.skirmish.sightlines import line_end
from understudy.envs.skirmish.sounds import make_sound, mark
from understudy.sensors.compiling import numba

CENTRE = 1.0
"""How high the middle of a smoke is, and a scan's device."""
_OFF_THE_WALL = 0.4
_BACK = 0.1
"""How many metres at a time a throw falls short that would come down in cover."""
_X, _Y, _LEFT, _RADIUS = range(4)


@numba.njit(cache=True)
def use_ability(r: Record, rules: Record, heights: np.ndarray, a: int) -> None:  # pragma: no cover
    """Let agent `a` throw what its class has, to where it looks, if it has one left."""
    if r.charges[a] <= 0:
        return
    r.charges[a] -= 1
    x, y = _landing(r, rules, heights, a)
    is_controller = a % 2 == 0
    thrown = r.smokes if is_controller else r.devices
    thrown[a, _X], thrown[a, _Y] = x, y
    thrown[a, _LEFT] = rules.smoke_s if is_controller else rules.scan_s
    thrown[a, _RADIUS] = 0.0 if is_controller else rules.scan_radius
    make_sound(r, a, ABILITY, x, y)
    mark(r, a, USED_ABILITY)


@numba.njit(cache=True)
def _landing(r: Record, rules: Record, heights: np.ndarray, a: int) -> tuple[float, float]:  # pragma: no cover
    x, y, z = r.position[a, 0], r.position[a, 1], eye_height(r, rules, a)
    heading, pitch = math.radians(r.heading[a]), math.radians(r.pitch[a])
    level = math.cos(pitch)
    dx, dy = level * math.cos(heading), level * math.sin(heading)
    distance, _ = line_end(heights, x, y, z, dx, dy, math.sin(pitch), rules.throw_reach)
    distance = max(distance - _OFF_THE_WALL, 0.0)
    while distance > 0.0 and (
        _is_covered(heights, x + distance * dx, y + distance * dy)
        or _is_covered(heights, x + (distance + _BACK) * dx, y + (distance + _BACK) * dy)
    ):
        distance = max(distance - _BACK, 0.0)
    return x + distance * dx, y + distance * dy


@numba.njit(cache=True)
def _is_covered(heights: np.ndarray, x: float, y: float) -> bool:  # pragma: no cover
    return is_solid(heights, math.floor(y), math.floor(x))


@numba.njit(cache=True)
def age_abilities(r: Record, rules: Record, dt: float) -> None:  # pragma: no cover
    """Let smokes grow and everything thrown run out."""
    for a in range(4):
        if r.smokes[a, _LEFT] > 0.0:
            r.smokes[a, _LEFT] = max(r.smokes[a, _LEFT] - dt, 0.0)
            grown = min((rules.smoke_s - r.smokes[a, _LEFT]) / rules.bloom_s, 1.0)
            r.smokes[a, _RADIUS] = rules.smoke_radius * grown if r.smokes[a, _LEFT] > 0.0 else 0.0
        if r.devices[a, _LEFT] > 0.0:
            r.devices[a, _LEFT] = max(r.devices[a, _LEFT] - dt, 0.0)
            if r.devices[a, _LEFT] <= 0.0:
                r.devices[a, _RADIUS] = 0.0
