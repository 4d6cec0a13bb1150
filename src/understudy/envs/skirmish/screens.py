"""The own and the team's state as numbers: what a player's screen shows, and no more.

Directions are relative to the heading, positive to the right, as sine and cosine; distances are hundreds of metres.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.objectives import can_defuse, can_plant
from understudy.envs.skirmish.rules import CARRIED, DROPPED, PLANTED, Record
from understudy.sensors.compiling import numba

_DISTANCE = 100.0
_EXTENT = 64.0
_RECOIL, _SPREAD, _SPEED = 5.0, 10.0, 5.0
"""What counts as 1, in metres, degrees and m/s."""


@numba.njit(cache=True)
def fill_self(
    r: Record, rules: Record, weapons: np.ndarray, places: np.ndarray, a: int, out: np.ndarray
) -> None:  # pragma: no cover
    """Write `behavior.SELF_LABELS` of agent `a`."""
    out[:] = 0.0
    weapon, heading = weapons[r.weapon[a]], math.radians(r.heading[a])
    cos, sin = math.cos(heading), math.sin(heading)
    ready = r.fire_left[a] <= 0.0 and r.reload_left[a] <= 0.0 and r.magazine[a] > 0
    out[0] = r.health[a] / rules.health
    out[1] = r.magazine[a] / weapon.magazine
    out[2] = r.reload_left[a] > 0.0
    out[3] = ready
    out[4] = min(r.recoil[a] / _RECOIL, 1.0)
    out[5] = min(r.spread[a] / _SPREAD, 1.0)
    out[6] = r.crouched[a]
    out[7] = _within((r.velocity[a, 0] * cos + r.velocity[a, 1] * sin) / _SPEED)
    out[8] = _within((r.velocity[a, 0] * sin - r.velocity[a, 1] * cos) / _SPEED)
    out[9] = r.pitch[a] / 90.0
    out[10 + r.weapon[a]] = 1.0
    out[13 + a % 2] = 1.0
    out[15] = r.charges[a] / rules.charges
    out[16] = r.bomb_state == CARRIED and r.carrier == a
    out[17] = can_plant(r, places, a) or can_defuse(r, rules, a)
    out[18] = 1.0 - r.plant_left[a] / rules.plant_s if r.plant_left[a] > 0.0 else 0.0
    out[19] = 1.0 - r.defuse_left[a] / rules.defuse_s if r.defuse_left[a] > 0.0 else 0.0
    out[20 + a // 2] = 1.0
    out[22] = _within(r.position[a, 0] / _EXTENT)
    out[23] = _within(r.position[a, 1] / _EXTENT)
    out[24], out[25] = sin, cos
    out[26] = max(1.0 - r.clock / rules.round_s, 0.0)
    if r.hurt[a] > 0.0:
        out[27] = min(r.hurt[a] / rules.health, 1.0)
        x, y = r.position[a, 0] + r.hurt_from[a, 0], r.position[a, 1] + r.hurt_from[a, 1]
        out[28], out[29], _ = bearing(r, a, x, y)


@numba.njit(cache=True)
def fill_team(r: Record, rules: Record, a: int, memory_s: float, out: np.ndarray) -> None:  # pragma: no cover
    """Write `behavior.TEAM_LABELS` for agent `a`."""
    out[:] = 0.0
    side, mate, other = a // 2, a ^ 1, 2 - 2 * (a // 2)
    if r.alive[mate]:
        out[0], out[1] = 1.0, r.health[mate] / rules.health
        out[2], out[3], out[4] = bearing(r, a, r.position[mate, 0], r.position[mate, 1])
    out[5] = 0.5 * (r.alive[2 * side] + r.alive[2 * side + 1])
    out[6] = 0.5 * (r.alive[other] + r.alive[other + 1])
    _fill_bomb(r, rules, a, side, out)
    for slot in range(2):
        age = r.clock - r.known_clock[side, slot]
        if r.known_clock[side, slot] >= 0.0 and age <= memory_s:
            first = 17 + 5 * slot
            x, y = r.known_position[side, slot, 0], r.known_position[side, slot, 1]
            out[first] = 1.0
            out[first + 1], out[first + 2], out[first + 3] = bearing(r, a, x, y)
            out[first + 4] = age / memory_s


@numba.njit(cache=True)
def _fill_bomb(r: Record, rules: Record, a: int, side: int, out: np.ndarray) -> None:  # pragma: no cover
    """Defenders learn that the bomb was planted, but dropped or picked up only as far as they have seen it lie."""
    known, state, place = r.bomb_known[side], r.bomb_state, r.bomb_position
    if side == 1 and state <= DROPPED:
        known, place = r.bomb_recalled, r.bomb_seen_at
        state = DROPPED if known else CARRIED
    out[7 + state] = 1.0
    if r.bomb_state == PLANTED:
        out[12] = r.bomb_left / rules.bomb_s
    if known:
        out[13] = 1.0
        out[14], out[15], out[16] = bearing(r, a, place[0], place[1])


@numba.njit(cache=True)
def fill_ways(
    r: Record, distances: np.ndarray, headings: np.ndarray, a: int, out: np.ndarray
) -> None:  # pragma: no cover
    """Write the next step's direction and the length of the shortest way to each place; (0, 0, 1) if there is none."""
    row, column = math.floor(r.position[a, 1]), math.floor(r.position[a, 0])
    for place in range(distances.shape[0]):
        metres = distances[place, row, column]
        angle = math.radians(r.heading[a] - headings[place, row, column])
        is_there = 0.0 < metres < math.inf
        out[place, 0] = math.sin(angle) if is_there else 0.0
        out[place, 1] = math.cos(angle) if is_there else 0.0
        out[place, 2] = min(metres / _DISTANCE, 1.0)


@numba.njit(cache=True)
def fill_enemies(r: Record, a: int, out: np.ndarray) -> None:  # pragma: no cover
    """Write where both enemies are, seen or not."""
    out[:, :] = 0.0
    for slot in range(2):
        enemy = 2 - 2 * (a // 2) + slot
        if r.present[enemy]:
            out[slot, 0], out[slot, 1], out[slot, 2] = bearing(r, a, r.position[enemy, 0], r.position[enemy, 1])
            out[slot, 3] = r.alive[enemy]


@numba.njit(cache=True)
def bearing(r: Record, a: int, x: float, y: float) -> tuple[float, float, float]:  # pragma: no cover
    """Sine and cosine of the way to a point relative to the heading, positive right, and hundreds of metres to it."""
    away_x, away_y = x - r.position[a, 0], y - r.position[a, 1]
    distance = math.hypot(away_x, away_y)
    if distance < 1e-6:
        return 0.0, 1.0, 0.0
    heading = math.radians(r.heading[a])
    cos, sin = math.cos(heading), math.sin(heading)
    right, ahead = (away_x * sin - away_y * cos) / distance, (away_x * cos + away_y * sin) / distance
    return _within(right), _within(ahead), min(distance / _DISTANCE, 1.0)


@numba.njit(cache=True)
def _within(value: float) -> float:  # pragma: no cover
    return min(max(value, -1.0), 1.0)
