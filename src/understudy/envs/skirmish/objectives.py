"""The bomb, from hand to hand to its end, and who has won."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.rules import (
    BOMB,
    BOOM,
    CARRIED,
    DEFUSAL,
    DEFUSE_DONE,
    DEFUSE_STARTED,
    DEFUSED,
    DROPPED,
    ELIMINATION,
    EXPLODED,
    PLANT_DONE,
    PLANT_STARTED,
    PLANTED,
    TIMEOUT,
    Record,
)
from understudy.envs.skirmish.sounds import make_sound, mark
from understudy.sensors.compiling import numba

_SITE_MARKS = 2
"""Marks 1 and 2 of a level's places are the sites."""


@numba.njit(cache=True)
def can_plant(r: Record, places: np.ndarray, a: int) -> bool:  # pragma: no cover
    """Whether agent `a` has the bomb in its hands and stands on a site."""
    row, column = math.floor(r.position[a, 1]), math.floor(r.position[a, 0])
    return r.bomb_state == CARRIED and r.carrier == a and 1 <= places[row, column] <= _SITE_MARKS


@numba.njit(cache=True)
def can_defuse(r: Record, rules: Record, a: int) -> bool:  # pragma: no cover
    """Whether agent `a` is a defender at the planted bomb."""
    return a >= 2 and r.bomb_state == PLANTED and _to_bomb(r, a) <= rules.defuse_reach


@numba.njit(cache=True)
def _to_bomb(r: Record, a: int) -> float:  # pragma: no cover
    return math.hypot(r.position[a, 0] - r.bomb_position[0], r.position[a, 1] - r.bomb_position[1])


@numba.njit(cache=True)
def work(r: Record, rules: Record, places: np.ndarray, a: int, using: bool, dt: float) -> bool:  # pragma: no cover
    """Let agent `a` plant or defuse as long as it holds `use`; whoever lets go starts again. True while it works."""
    planting = using and can_plant(r, places, a)
    defusing = using and can_defuse(r, rules, a)
    if not planting:
        r.plant_left[a] = 0.0
    if not defusing:
        r.defuse_left[a] = 0.0
    if planting:
        _plant(r, rules, a, dt)
    if defusing:
        _defuse(r, rules, a, dt)
    if planting or defusing:
        make_sound(r, a, BOMB, r.position[a, 0], r.position[a, 1])
    return planting or defusing


@numba.njit(cache=True)
def _plant(r: Record, rules: Record, a: int, dt: float) -> None:  # pragma: no cover
    if r.plant_left[a] <= 0.0:
        r.plant_left[a] = rules.plant_s
        mark(r, a, PLANT_STARTED)
    r.plant_left[a] -= dt
    if r.plant_left[a] <= 0.0:
        r.plant_left[a] = 0.0
        r.bomb_state, r.carrier, r.planter = PLANTED, -1, a
        r.bomb_position[0], r.bomb_position[1] = r.position[a, 0], r.position[a, 1]
        r.bomb_left = rules.bomb_s
        mark(r, a, PLANT_DONE)


@numba.njit(cache=True)
def _defuse(r: Record, rules: Record, a: int, dt: float) -> None:  # pragma: no cover
    if r.defuse_left[a] <= 0.0:
        r.defuse_left[a] = rules.defuse_s
        mark(r, a, DEFUSE_STARTED)
    r.defuse_left[a] -= dt
    if r.defuse_left[a] <= 0.0:
        r.defuse_left[a] = 0.0
        r.bomb_state = DEFUSED
        mark(r, a, DEFUSE_DONE)


@numba.njit(cache=True)
def carry_bomb(r: Record, rules: Record) -> None:  # pragma: no cover
    """Let the bomb go where its carrier goes, fall when the carrier dies, and be picked up."""
    if r.bomb_state == CARRIED:
        r.bomb_position[0], r.bomb_position[1] = r.position[r.carrier, 0], r.position[r.carrier, 1]
        if not r.alive[r.carrier]:
            r.bomb_state, r.carrier = DROPPED, -1
    if r.bomb_state == DROPPED:
        for a in range(2):
            if r.alive[a] and r.bomb_state == DROPPED and _to_bomb(r, a) <= rules.pick_up:
                r.bomb_state, r.carrier = CARRIED, a


@numba.njit(cache=True)
def burn_fuse(r: Record, rules: Record, dt: float) -> None:  # pragma: no cover
    """Let a planted bomb beep, and explode when its time is over."""
    if r.bomb_state != PLANTED:
        return
    beeps = math.ceil(r.bomb_left / rules.beep_s)
    r.bomb_left = max(r.bomb_left - dt, 0.0)
    if math.ceil(r.bomb_left / rules.beep_s) != beeps:
        make_sound(r, r.planter, BOMB, r.bomb_position[0], r.bomb_position[1])
    if r.bomb_left <= 0.0:
        r.bomb_state = EXPLODED


@numba.njit(cache=True)
def decide(r: Record, rules: Record) -> None:  # pragma: no cover
    """Say who has won, if anybody has; a planted bomb outlives the attackers and the clock."""
    attackers, defenders = r.alive[0] or r.alive[1], r.alive[2] or r.alive[3]
    if r.bomb_state == EXPLODED:
        r.winner, r.ending = 0, BOOM
    elif r.bomb_state == DEFUSED:
        r.winner, r.ending = 1, DEFUSAL
    elif not defenders and (attackers or r.bomb_state == PLANTED):
        r.winner, r.ending = 0, ELIMINATION
    elif not attackers and r.bomb_state != PLANTED:
        r.winner, r.ending = 1, ELIMINATION
    elif r.clock >= rules.round_s and r.bomb_state != PLANTED:
        r.winner, r.ending = 1, TIMEOUT
