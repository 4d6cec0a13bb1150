"""Weapons: spread, recoil, reloading, shots that hit at once, and wounds that are dealt to all at the same time."""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.chance import scatter
from understudy.envs.skirmish.rules import DEATH, HEADSHOT, HIT, HURT, KILL, RELOADED, SHOT, SHOTS, Record
from understudy.envs.skirmish.sightlines import line_end
from understudy.envs.skirmish.sounds import make_sound, mark
from understudy.sensors.compiling import numba

SHOT_REACH = 150.0
NECK, CROWN = -0.15, 0.05
"""Where the head begins and ends, from the height of the eyes."""
STEADY_SPEED = 1.0
"""Up to this speed, in m/s, moving does not spoil the aim."""
_CROUCHED_SPREAD = 0.7
_SWAY, _SWAY_PER_SHOT = 0.35, 1.1
"""How far a burst sways to the sides, as a share of its rise, and how fast: a pattern one can learn."""


@numba.njit(cache=True)
def eye_height(r: Record, rules: Record, a: int) -> float:  # pragma: no cover
    """How high agent `a` has its eyes."""
    return rules.eye_crouched if r.crouched[a] else rules.eye


@numba.njit(cache=True)
def use_weapon(
    r: Record, rules: Record, weapons: np.ndarray, heights: np.ndarray, a: int, trigger: bool, reload: bool, dt: float
) -> None:  # pragma: no cover
    """Let agent `a` shoot if it pulls the trigger and can, and load if it asks to or has shot all."""
    weapon = weapons[r.weapon[a]]
    r.fire_left[a] = max(r.fire_left[a] - dt, -dt)
    r.recoil[a] = max(r.recoil[a] - weapon.recovery * dt, 0.0)
    r.spread[a] = _spread(r, rules, weapon, a)
    if r.reload_left[a] > 0.0:
        r.reload_left[a] -= dt
        if r.reload_left[a] <= 0.0:
            r.reload_left[a] = 0.0
            r.magazine[a] = int(weapon.magazine)
        return
    if (reload and r.magazine[a] < weapon.magazine) or (trigger and r.magazine[a] == 0):
        r.reload_left[a] = weapon.reload
        mark(r, a, RELOADED)
    elif trigger and r.fire_left[a] <= 0.0:
        _shoot(r, rules, weapon, heights, a)


@numba.njit(cache=True)
def _spread(r: Record, rules: Record, weapon: Record, a: int) -> float:  # pragma: no cover
    speed = math.hypot(r.velocity[a, 0], r.velocity[a, 1])
    moving = min(max((speed - STEADY_SPEED) / (rules.run - STEADY_SPEED), 0.0), 1.0)
    return weapon.spread * (_CROUCHED_SPREAD if r.crouched[a] else 1.0) + weapon.spread_moving * moving


@numba.njit(cache=True)
def _shoot(r: Record, rules: Record, weapon: Record, heights: np.ndarray, a: int) -> None:  # pragma: no cover
    x, y, z = r.position[a, 0], r.position[a, 1], eye_height(r, rules, a)
    dx, dy, dz = _shot_direction(r, weapon, a)
    r.magazine[a] -= 1
    r.fire_left[a] += weapon.interval
    r.recoil[a] = min(r.recoil[a] + weapon.kick, weapon.kick_most)
    make_sound(r, a, SHOTS, x, y)
    mark(r, a, SHOT)
    nearest, _ = line_end(heights, x, y, z, dx, dy, dz, SHOT_REACH)
    victim, head = -1, False
    for b in range(4):
        # Shots pass through team mates.
        if r.alive[b] and (a < 2) != (b < 2):
            distance, is_head = _hit_body(r, rules, b, x, y, z, dx, dy, dz)
            if distance < nearest:
                nearest, victim, head = distance, b, is_head
    if victim >= 0:
        r.wounds[a, victim] += weapon.head if head else weapon.body
        mark(r, a, HIT)
        if head:
            mark(r, a, HEADSHOT)


@numba.njit(cache=True)
def _shot_direction(r: Record, weapon: Record, a: int) -> tuple[float, float, float]:  # pragma: no cover
    """Where a shot goes: the view, raised by the recoil, with sway and chance."""
    side, up = scatter(r.seed, r.tick, a)
    rise = r.recoil[a]
    sway = _SWAY * rise * math.sin(_SWAY_PER_SHOT * rise / weapon.kick)
    heading = math.radians(r.heading[a] - sway - r.spread[a] * side)
    pitch = math.radians(r.pitch[a] + rise + r.spread[a] * up)
    return math.cos(pitch) * math.cos(heading), math.cos(pitch) * math.sin(heading), math.sin(pitch)


@numba.njit(cache=True)
def _hit_body(
    r: Record, rules: Record, b: int, x: float, y: float, z: float, dx: float, dy: float, dz: float
) -> tuple[float, bool]:  # pragma: no cover
    """How far along a line agent `b` is hit, infinite if not, and whether in the head."""
    eye = eye_height(r, rules, b)
    away_x, away_y = r.position[b, 0] - x, r.position[b, 1] - y
    body = hit_cylinder(away_x, away_y, z, dx, dy, dz, rules.body_radius, 0.0, eye + NECK)
    head = hit_cylinder(away_x, away_y, z, dx, dy, dz, rules.head_radius, eye + NECK, eye + CROWN)
    return min(body, head), head <= body


@numba.njit(cache=True)
def hit_cylinder(
    away_x: float, away_y: float, z: float, dx: float, dy: float, dz: float, radius: float, low: float, high: float
) -> float:  # pragma: no cover
    """How far a line from height `z` goes until an upright cylinder, whose axis is (away_x, away_y) from its start."""
    level = dx * dx + dy * dy
    if level < 1e-12:
        return math.inf
    middle = (away_x * dx + away_y * dy) / level
    under_root = middle * middle - (away_x * away_x + away_y * away_y - radius * radius) / level
    if under_root < 0.0:
        return math.inf
    half = math.sqrt(under_root)
    enter, leave = max(middle - half, 0.0), middle + half
    if leave < 0.0:
        return math.inf
    if abs(dz) > 1e-12:
        to_low, to_high = (low - z) / dz, (high - z) / dz
        enter, leave = max(enter, min(to_low, to_high)), min(leave, max(to_low, to_high))
    elif not low <= z <= high:
        return math.inf
    return enter if enter <= leave else math.inf


@numba.njit(cache=True)
def deal_wounds(r: Record) -> None:  # pragma: no cover
    """Take from everybody the health that this tick's shots cost, so that two can kill each other."""
    for b in range(4):
        total = 0.0
        best = 0
        for a in range(4):
            wound = r.wounds[a, b]
            total += wound
            if wound > r.wounds[best, b]:
                best = a
            if wound > 0.0:
                _remember_hurt(r, a, b, wound)
        if total > 0.0 and r.alive[b]:
            mark(r, b, HURT)
            r.health[b] = max(r.health[b] - total, 0.0)
            if r.health[b] <= 0.0:
                r.alive[b] = 0
                r.velocity[b, :] = 0.0
                r.kills[best] += 1
                mark(r, b, DEATH)
                mark(r, best, KILL)
    r.wounds[:, :] = 0.0


@numba.njit(cache=True)
def _remember_hurt(r: Record, a: int, b: int, wound: float) -> None:  # pragma: no cover
    """Keep how much agent `b` was hurt in this decision, and from where."""
    away_x, away_y = r.position[a, 0] - r.position[b, 0], r.position[a, 1] - r.position[b, 1]
    distance = max(math.hypot(away_x, away_y), 1e-6)
    r.hurt[b] += wound
    r.hurt_from[b, 0] += wound * away_x / distance
    r.hurt_from[b, 1] += wound * away_y / distance
