"""Taking `View`s from a `World`: here it is decided what a scripted player may know."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.players.view import Sighting, Sound, View
from understudy.envs.skirmish.rules import BOMB, PLANTED, Record
from understudy.envs.skirmish.sightlines import is_clear
from understudy.envs.skirmish.state import NUM_AGENTS
from understudy.envs.skirmish.world import World
from understudy.sensors.compiling import numba

_REACHES = np.array([20.0, 60.0, 30.0, 25.0])
"""How far sounds carry, in metres, in the order of `rules.SOUNDS`."""
_MUFFLED = 1.6
"""Behind a wall a sound seems so many times as far."""
_EAR = 1.55
_OWN, _ENEMY, _SOUND = 28, 9, 2
_WIDTH = _OWN + 2 * _ENEMY + len(_REACHES) * _SOUND
_NAN = math.nan


@numba.njit(cache=True)
def _bearing(r: Record, a: int, x: float, y: float) -> float:  # pragma: no cover
    """Degrees from the heading of agent `a` to a point, positive to the right."""
    towards = math.degrees(math.atan2(y - r.position[a, 1], x - r.position[a, 0]))
    return (r.heading[a] - towards + 180.0) % 360.0 - 180.0


@numba.njit(cache=True)
def _take_own(r: Record, a: int, out: np.ndarray) -> None:  # pragma: no cover
    side, mate = a // 2, a ^ 1
    out[0], out[1] = r.position[a, 0], r.position[a, 1]
    out[2], out[3] = r.velocity[a, 0], r.velocity[a, 1]
    out[4], out[5], out[6] = r.heading[a], r.pitch[a], r.crouched[a]
    out[7], out[8] = r.health[a], r.alive[a]
    out[9], out[10], out[11], out[12] = r.weapon[a], r.magazine[a], r.reload_left[a], r.recoil[a]
    out[13], out[14] = r.charges[a], r.carrier == a
    out[15], out[16], out[17] = r.plant_left[a], r.defuse_left[a], r.clock
    out[18], out[19], out[20] = r.bomb_state, r.bomb_left, r.bomb_known[side]
    out[21], out[22] = r.bomb_position[0], r.bomb_position[1]
    out[23], out[24], out[25] = r.alive[mate], r.position[mate, 0], r.position[mate, 1]
    out[26] = r.hurt[a]
    out[27] = _bearing(r, a, r.position[a, 0] + r.hurt_from[a, 0], r.position[a, 1] + r.hurt_from[a, 1])


@numba.njit(cache=True)
def _take_enemy(r: Record, a: int, slot: int, out: np.ndarray) -> None:  # pragma: no cover
    """What the screen shows of an enemy; what it does not show reads 0."""
    side = a // 2
    enemy = 2 * (1 - side) + slot
    out[:] = 0.0
    out[2] = r.alive[enemy]
    if not r.alive[enemy]:
        return
    out[1] = r.known_clock[side, slot] == r.clock
    if out[1]:
        out[3], out[4] = r.position[enemy, 0], r.position[enemy, 1]
    if r.visible[a, enemy]:
        out[0], out[5], out[6] = 1.0, r.velocity[enemy, 0], r.velocity[enemy, 1]
        out[7] = r.crouched[enemy]
        out[8] = _bearing(r, a, r.position[enemy, 0], r.position[enemy, 1])


@numba.njit(cache=True)
def _take_sound(
    r: Record, heights: np.ndarray, a: int, kind: int, reaches: np.ndarray, out: np.ndarray
) -> None:  # pragma: no cover
    """Bearing and seeming distance of the enemies' nearest sound of a type; infinitely far if there is none."""
    out[0], out[1] = 0.0, math.inf
    if kind == BOMB and r.bomb_state == PLANTED and a >= 2:
        # The bomb's beeps, not an enemy.
        return
    for slot in range(2):
        maker = 2 * (1 - a // 2) + slot
        if r.sounds[maker, kind] <= 0.0:
            continue
        x, y = r.sound_position[maker, kind, 0], r.sound_position[maker, kind, 1]
        distance = math.hypot(x - r.position[a, 0], y - r.position[a, 1])
        if not is_clear(heights, r.position[a, 0], r.position[a, 1], _EAR, x, y, _EAR):
            distance *= _MUFFLED
        if distance < min(out[1], reaches[kind]):
            out[0], out[1] = _bearing(r, a, x, y), distance


@numba.njit(cache=True)
def _take_all(
    rounds: np.ndarray, heights: np.ndarray, reaches: np.ndarray, out: np.ndarray
) -> None:  # pragma: no cover
    for b in range(rounds.shape[0]):
        r = rounds[b]
        for a in range(4):
            row = out[b, a]
            _take_own(r, a, row)
            for slot in range(2):
                begin = 28 + 9 * slot
                _take_enemy(r, a, slot, row[begin : begin + 9])
            for kind in range(4):
                begin = 28 + 18 + 2 * kind
                _take_sound(r, heights[r.level], a, kind, reaches, row[begin : begin + 2])


def look(world: World) -> list[list[View | None]]:
    """Return what each agent may know now: `[round][agent]`, None for the dead, and for all when a round is over."""
    rows = np.empty((len(world), NUM_AGENTS, _WIDTH))
    _take_all(world.rounds, world.heights, _REACHES, rows)
    hz = float(world.rules.decision_hz)
    running = (world.winner < 0).tolist()
    return [
        [_view(row, hz) if runs and row[8] else None for row in agents]
        for agents, runs in zip(rows.tolist(), running, strict=True)
    ]


def _view(row: list[float], decision_hz: float) -> View:
    x, y, vx, vy, heading, pitch = row[:6]
    return View(
        x,
        y,
        vx,
        vy,
        heading,
        pitch,
        crouched=bool(row[6]),
        health=row[7],
        alive=bool(row[8]),
        weapon=int(row[9]),
        magazine=int(row[10]),
        reload_left=row[11],
        recoil=row[12],
        charges=int(row[13]),
        has_bomb=bool(row[14]),
        plant_left=row[15],
        defuse_left=row[16],
        clock=row[17],
        bomb_state=int(row[18]),
        bomb_left=row[19],
        bomb_place=(row[21], row[22]) if row[20] else None,
        mate=(row[24], row[25]) if row[23] else None,
        hurt_bearing=row[27] if row[26] > 0 else None,
        enemies=(_sighting(row, _OWN), _sighting(row, _OWN + _ENEMY)),
        sounds=_sounds(row),
        decision_hz=decision_hz,
    )


def _sighting(row: list[float], begin: int) -> Sighting:
    visible, marked, alive, x, y, vx, vy, crouched, bearing = row[begin : begin + _ENEMY]
    return Sighting(bool(visible), bool(marked), bool(alive), x, y, vx, vy, bool(crouched), bearing)


def _sounds(row: list[float]) -> tuple[Sound, ...]:
    heard = []
    for kind in range(len(_REACHES)):
        begin = _OWN + 2 * _ENEMY + _SOUND * kind
        distance = row[begin + 1]
        if distance < math.inf:
            heard.append(Sound(kind, row[begin], distance, 1 - distance / _REACHES[kind]))
    return tuple(heard)
