"""What can be heard: each agent's loudest sound of each type in a decision, and where it was made."""

from __future__ import annotations

import math

from understudy.envs.skirmish.physics import RUN
from understudy.envs.skirmish.rules import FOOTSTEP, STEPS, Record
from understudy.sensors.compiling import numba

_HEARD_ABOVE = 1.2
"""How many times as fast as a walker one must be to be heard."""


@numba.njit(cache=True)
def make_sound(r: Record, a: int, kind: int, x: float, y: float) -> None:  # pragma: no cover
    """Let agent `a` be heard at (x, y) in this decision."""
    r.sounds[a, kind] = 1.0
    r.sound_position[a, kind, 0] = x
    r.sound_position[a, kind, 1] = y


@numba.njit(cache=True)
def mark(r: Record, a: int, event: int) -> None:  # pragma: no cover
    """Add an event of `EVENTS` to those of agent `a` in this decision."""
    r.events[a] = r.events[a] | (1 << event)


@numba.njit(cache=True)
def hear_steps(r: Record, rules: Record, a: int, gait: int, dt: float) -> None:  # pragma: no cover
    """Let a runner be heard once in a stride; who walks, crouches or stands is not."""
    speed = math.hypot(r.velocity[a, 0], r.velocity[a, 1])
    if gait != RUN or speed < _HEARD_ABOVE * rules.walk:
        return
    r.stride[a] += speed * dt
    if r.stride[a] >= rules.stride:
        r.stride[a] -= rules.stride
        make_sound(r, a, STEPS, r.position[a, 0], r.position[a, 1])
        mark(r, a, FOOTSTEP)
