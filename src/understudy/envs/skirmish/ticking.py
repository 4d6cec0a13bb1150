"""One decision of every round: a few ticks each, then a look around. Rounds know nothing of each other."""

from __future__ import annotations

import numpy as np

from understudy.envs.skirmish.abilities import age_abilities, use_ability
from understudy.envs.skirmish.combat import deal_wounds, use_weapon
from understudy.envs.skirmish.objectives import burn_fuse, carry_bomb, decide, work
from understudy.envs.skirmish.physics import CROUCH, keep_apart, move, top_speed, turn
from understudy.envs.skirmish.rules import Record
from understudy.envs.skirmish.sight import look, remember, scan
from understudy.envs.skirmish.sounds import hear_steps
from understudy.sensors.compiling import numba

USE, THROW, LOAD = 1, 2, 3
"""Choices of the action part `act`."""


@numba.njit(cache=True)
def advance(
    rounds: np.ndarray,
    actions: np.ndarray,
    rules: Record,
    weapons: np.ndarray,
    heights: np.ndarray,
    places: np.ndarray,
    ticks: int,
) -> None:  # pragma: no cover
    """Play one decision of every round that is not over.

    Args:
        rounds: Records of `world.ROUND`, shape (B,).
        actions: Records of `world.ACTION`, shape (B, 4).
        rules: `Rules.record`.
        weapons: `rules.WEAPON_TABLE`.
        heights: Of each level, float32, shape (levels, rows, columns).
        places: Of each level, uint8, shape (levels, rows, columns).
        ticks: Of the simulation in a decision.
    """
    for b in range(rounds.shape[0]):
        r = rounds[b]
        _forget_decision(r)
        if r.winner < 0:
            for k in range(ticks):
                if r.winner < 0:
                    _tick(r, actions[b], rules, weapons, heights[r.level], places[r.level], k, ticks)
            look_around(r, rules, heights[r.level])


@numba.njit(cache=True)
def look_around(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Bring up to date what everybody sees and knows."""
    look(r, rules, heights)
    scan(r, rules, heights)
    remember(r, rules, heights)


@numba.njit(cache=True)
def look_around_all(rounds: np.ndarray, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """The same for many rounds, at their start."""
    for b in range(rounds.shape[0]):
        look_around(rounds[b], rules, heights[rounds[b].level])
        for a in range(4):
            rounds[b].events[a] = 0


@numba.njit(cache=True)
def _forget_decision(r: Record) -> None:  # pragma: no cover
    r.sounds[:, :] = 0.0
    r.events[:] = 0
    r.hurt[:] = 0.0
    r.hurt_from[:, :] = 0.0


@numba.njit(cache=True)
def _tick(
    r: Record,
    actions: np.ndarray,
    rules: Record,
    weapons: np.ndarray,
    heights: np.ndarray,
    places: np.ndarray,
    k: int,
    ticks: int,
) -> None:  # pragma: no cover
    dt = 1.0 / rules.ticks_hz
    for a in range(4):
        if r.alive[a]:
            _walk(r, actions[a], rules, weapons, heights, places, a, dt, ticks)
    keep_apart(r, rules, heights)
    for a in range(4):
        if r.alive[a]:
            _act(r, actions[a], rules, weapons, heights, a, k, dt)
    deal_wounds(r)
    carry_bomb(r, rules)
    burn_fuse(r, rules, dt)
    age_abilities(r, rules, dt)
    r.tick += 1
    r.clock = r.tick * dt
    decide(r, rules)


@numba.njit(cache=True)
def _walk(
    r: Record,
    action: Record,
    rules: Record,
    weapons: np.ndarray,
    heights: np.ndarray,
    places: np.ndarray,
    a: int,
    dt: float,
    ticks: int,
) -> None:  # pragma: no cover
    """Turn, plant or defuse, and walk: who works stands still."""
    turn(r, rules, a, action.turn / ticks, action.pitch / ticks)
    r.crouched[a] = action.gait == CROUCH
    r.busy[a] = work(r, rules, places, a, action.act == USE, dt)
    speed = top_speed(rules, action.gait, weapons[r.weapon[a]].speed)
    move(r, rules, heights, a, 0 if r.busy[a] else action.move, speed, dt)
    hear_steps(r, rules, a, action.gait, dt)


@numba.njit(cache=True)
def _act(
    r: Record, action: Record, rules: Record, weapons: np.ndarray, heights: np.ndarray, a: int, k: int, dt: float
) -> None:  # pragma: no cover
    """Throw, load and shoot, with hands that do not work."""
    if action.act == THROW and k == 0:
        use_ability(r, rules, heights, a)
    trigger, reload = action.fire == 1 and not r.busy[a], action.act == LOAD and not r.busy[a]
    use_weapon(r, rules, weapons, heights, a, trigger, reload, dt)
