"""Who sees whom, and what each team remembers of the enemy: what the players' screens and minimaps show."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.abilities import CENTRE
from understudy.envs.skirmish.combat import eye_height
from understudy.envs.skirmish.rules import CARRIED, DROPPED, PLANTED, SAW_ENEMY, Record
from understudy.envs.skirmish.sightlines import in_smoke, is_clear
from understudy.envs.skirmish.sounds import mark
from understudy.sensors.compiling import numba

CHEST = 0.4
"""How far the chest is below the eyes."""
_BOMB_HEIGHT = 0.2


@numba.njit(cache=True)
def sees_point(
    r: Record, rules: Record, heights: np.ndarray, a: int, x: float, y: float, z: float
) -> bool:  # pragma: no cover
    """Whether a point is in the view of agent `a`, with nothing in between."""
    from_x, from_y, eye = r.position[a, 0], r.position[a, 1], eye_height(r, rules, a)
    away_x, away_y = x - from_x, y - from_y
    side = (math.degrees(math.atan2(away_y, away_x)) - r.heading[a] + 180.0) % 360.0 - 180.0
    if abs(side) > 0.5 * rules.view_width:
        return False
    up = math.degrees(math.atan2(z - eye, math.hypot(away_x, away_y))) - r.pitch[a]
    if abs(up) > 0.5 * rules.view_height or in_smoke(r.smokes, CENTRE, from_x, from_y, eye, x, y, z):
        return False
    return is_clear(heights, from_x, from_y, eye, x, y, z)


@numba.njit(cache=True)
def _sees(r: Record, rules: Record, heights: np.ndarray, a: int, b: int) -> bool:  # pragma: no cover
    x, y, eye = r.position[b, 0], r.position[b, 1], eye_height(r, rules, b)
    return sees_point(r, rules, heights, a, x, y, eye) or sees_point(r, rules, heights, a, x, y, eye - CHEST)


@numba.njit(cache=True)
def look(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Bring `visible` up to date, and mark who has just come to see an enemy."""
    for a in range(4):
        for b in range(4):
            seen = a != b and r.alive[a] and r.alive[b] and _sees(r, rules, heights, a, b)
            if seen and not r.visible[a, b] and (a < 2) != (b < 2):
                mark(r, a, SAW_ENEMY)
            r.visible[a, b] = seen


@numba.njit(cache=True)
def scan(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Bring `revealed` up to date: who is near an enemy's device and in its line of sight."""
    for b in range(4):
        r.revealed[b] = 0
        for a in range(4):
            device = r.devices[a]
            if device[2] <= 0.0 or not r.alive[b] or (a < 2) == (b < 2):
                continue
            x, y, eye = r.position[b, 0], r.position[b, 1], eye_height(r, rules, b)
            near = math.hypot(x - device[0], y - device[1]) <= device[3]
            if near and (
                is_clear(heights, device[0], device[1], CENTRE, x, y, eye)
                or is_clear(heights, device[0], device[1], CENTRE, x, y, eye - CHEST)
            ):
                r.revealed[b] = 1


@numba.njit(cache=True)
def remember(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Keep where each team last knew each enemy to be; the dead are forgotten."""
    for side in range(2):
        for slot in range(2):
            enemy = 2 * (1 - side) + slot
            seen = r.visible[2 * side, enemy] or r.visible[2 * side + 1, enemy] or r.revealed[enemy]
            if seen:
                r.known_position[side, slot, 0] = r.position[enemy, 0]
                r.known_position[side, slot, 1] = r.position[enemy, 1]
                r.known_clock[side, slot] = r.clock
            if not r.alive[enemy]:
                r.known_clock[side, slot] = -1.0
    _follow_bomb(r, rules, heights)


@numba.njit(cache=True)
def _follow_bomb(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Attackers always know where the bomb is; defenders if they saw it lie, or hear it near by when it is planted."""
    r.bomb_known[0] = 1
    if r.bomb_state == CARRIED or r.bomb_state != r.bomb_was:
        r.bomb_known[1] = 0
    r.bomb_was = r.bomb_state
    lies = r.bomb_state == DROPPED or r.bomb_state == PLANTED
    if lies and not r.bomb_known[1]:
        r.bomb_known[1] = _hear_bomb(r, rules) or _defenders_see(r, rules, heights, r.bomb_position)
    _recall_bomb(r, rules, heights)


@numba.njit(cache=True)
def _recall_bomb(r: Record, rules: Record, heights: np.ndarray) -> None:  # pragma: no cover
    """Keep where defenders saw the bomb lie until they see that it is gone: nobody tells them who picks it up."""
    if r.bomb_state == DROPPED and r.bomb_known[1]:
        r.bomb_recalled = 1
        r.bomb_seen_at[0], r.bomb_seen_at[1] = r.bomb_position[0], r.bomb_position[1]
    elif r.bomb_recalled and (r.bomb_state > DROPPED or _defenders_see(r, rules, heights, r.bomb_seen_at)):
        r.bomb_recalled = 0


@numba.njit(cache=True)
def _hear_bomb(r: Record, rules: Record) -> bool:  # pragma: no cover
    """Whether a defender is near enough to a planted bomb to know it by its beeps."""
    for a in range(2, 4):
        away_x, away_y = r.bomb_position[0] - r.position[a, 0], r.bomb_position[1] - r.position[a, 1]
        if r.bomb_state == PLANTED and r.alive[a] and math.hypot(away_x, away_y) <= rules.bomb_heard:
            return True
    return False


@numba.njit(cache=True)
def _defenders_see(r: Record, rules: Record, heights: np.ndarray, place: np.ndarray) -> bool:  # pragma: no cover
    """Whether a defender sees where the bomb lies, or lay."""
    x, y = place[0], place[1]
    first = r.alive[2] and sees_point(r, rules, heights, 2, x, y, _BOMB_HEIGHT)
    return first or (r.alive[3] and sees_point(r, rules, heights, 3, x, y, _BOMB_HEIGHT))
