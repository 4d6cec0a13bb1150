"""A fight: where to aim, when to shoot, and how to move meanwhile."""

from __future__ import annotations

import math
from dataclasses import dataclass

from understudy.envs.skirmish.players.chart import Point
from understudy.envs.skirmish.players.mind import Mind
from understudy.envs.skirmish.players.perception import Contact
from understudy.envs.skirmish.players.view import View
from understudy.envs.skirmish.rules import PISTOL, SNIPER

_EYE, _EYE_CROUCHED = 1.6, 1.0
_CHEST_BELOW, _HEAD_BELOW = 0.45, 0.03
"""How far below the eyes one aims."""
_BODY_M, _HEAD_M = 0.5, 0.26
"""Apparent widths."""
_STILL_SPEED = 0.9
"""Slower than this, moving spoils no shot."""
_REFUGE_EVERY_S = 1.5


@dataclass(slots=True)
class Aim:
    """Where the view should go: what the motor takes."""

    yaw: float
    pitch: float
    width: float
    drift: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Fight:
    """What a fight asks for in this decision."""

    aim: Aim
    fire: bool
    move: float | None
    """Where to walk, as a heading, None to stand."""
    keeps_way: bool
    """Walks on where it was going."""
    crouch: bool


class Gunplay:
    """One player's fights in a round."""

    def __init__(self, mind: Mind) -> None:
        """Not fighting."""
        self._mind = mind
        self._target = -1
        self._head = False
        self._crouches = False
        self._shots_left = 0
        self._pause_until = -math.inf
        self._stands = True
        self._strafe_until = -math.inf
        self._strafe = 90.0
        self._style = "hold"
        self._style_until = -math.inf
        self._last_magazine = 0
        self._refuge: Point | None = None
        self._refuge_at = -math.inf

    def fight(self, view: View) -> Fight | None:
        """Return what to do against the enemy in sight, or None if there is none."""
        contact = self._pick(view)
        shot = max(self._last_magazine - view.magazine, 0)
        self._last_magazine = view.magazine
        if contact is None:
            return None
        self._shots_left -= shot
        distance = max(math.dist(view.at, (contact.x, contact.y)), 0.5)
        aim = self._aim(view, contact, distance)
        fire = self._trigger(view, aim, distance)
        return self._moving(view, contact, distance, aim, fire)

    def _pick(self, view: View) -> Contact | None:
        """The enemy fought so far if still in sight, else the nearest."""
        contacts = self._mind.contacts
        if self._target >= 0 and contacts[self._target].visible:
            return contacts[self._target]
        seen = [index for index in range(2) if contacts[index].visible]
        if not seen:
            self._target = -1
            return None
        self._target = min(seen, key=lambda index: math.dist(view.at, (contacts[index].x, contacts[index].y)))
        self._begin(view)
        return contacts[self._target]

    def _begin(self, view: View) -> None:
        """Decide what stays as it is for the whole fight."""
        habits, skills, mind = self._mind.habits, self._mind.skills, self._mind
        self._head = mind.chance(skills.headshots * (1 + 1.2 * habits.precision))
        self._crouches = mind.chance(habits.crouching)
        self._style_until = -math.inf
        self._draw_burst(view, habits.range)

    def _aim(self, view: View, contact: Contact, distance: float) -> Aim:
        eye = _EYE_CROUCHED if view.crouched else _EYE
        target = (_EYE_CROUCHED if contact.crouched else _EYE) - (_HEAD_BELOW if self._head else _CHEST_BELOW)
        dx, dy = contact.x - view.x, contact.y - view.y
        yaw = wrap(view.heading - math.degrees(math.atan2(dy, dx)))
        pull = self._mind.skills.recoil_control * view.recoil
        pitch = math.degrees(math.atan2(target - eye, distance)) - pull - view.pitch
        width = math.degrees((_HEAD_M if self._head else _BODY_M) / distance)
        vx, vy = contact.vx - view.vx, contact.vy - view.vy
        drift = -math.degrees((dx * vy - dy * vx) / (distance * distance))
        return Aim(yaw, pitch, max(width, 0.25), (drift, 0.0))

    def _trigger(self, view: View, aim: Aim, distance: float) -> bool:
        """Whether to pull the trigger: on target, as steady as discipline asks, within a burst."""
        habits, skills = self._mind.habits, self._mind.skills
        if view.reload_left > 0 or view.clock < self._pause_until:
            return False
        if self._shots_left <= 0 and distance > habits.spray_within:
            self._draw_burst(view, distance)
            self._pause_until = view.clock + self._mind.rng.uniform(0.18, 0.42) * (1.6 if view.weapon == SNIPER else 1)
            return False
        off = math.hypot(aim.yaw, 0.7 * aim.pitch)
        loose = 0.55 + 1.6 * (1 - skills.discipline) * (1 - 0.6 * habits.precision) + (1.5 if distance < 5 else 0.0)
        if off > loose * aim.width + 0.2:
            return False
        return view.speed < _STILL_SPEED or not self._stands or distance < 4

    def _draw_burst(self, view: View, distance: float) -> None:
        """How many shots until the next pause: fewer the further, as far as discipline goes."""
        habits, skills, mind = self._mind.habits, self._mind.skills, self._mind
        fitting = min(max(12 / distance, 0.35), 2.5)
        mean = habits.burst * (1 + skills.discipline * (fitting - 1))
        if view.weapon == SNIPER:
            mean = 1.0
        elif view.weapon == PISTOL:
            mean = max(0.5 * mean, 1.0)
        self._shots_left = max(round(mind.rng.gauss(mean, 0.3 * mean)), 1)
        still = habits.still * (0.35 + 0.65 * skills.discipline)
        if view.weapon == SNIPER:
            still = max(still, skills.discipline)
        self._stands = mind.chance(still)

    def _moving(self, view: View, contact: Contact, distance: float, aim: Aim, fire: bool) -> Fight:
        """Stand to shoot, strafe between bursts, close in or back off as the player is used to."""
        self._choose_style(view, contact, distance)
        bearing = view.heading - aim.yaw
        crouch = self._crouches and distance > 6
        steadying = self._stands and view.clock >= self._pause_until and abs(aim.yaw) < 4 * aim.width + 3
        if self._style == "back" and self._refuge is not None:
            towards = math.degrees(math.atan2(self._refuge[1] - view.y, self._refuge[0] - view.x))
            return Fight(aim, fire, towards, False, False)
        if steadying and view.reload_left <= 0:
            return Fight(aim, fire, None, False, crouch)
        if self._style == "keep":
            return Fight(aim, fire, None, True, False)
        if self._style == "close":
            return Fight(aim, fire, bearing + 0.4 * self._side(view), False, False)
        return Fight(aim, fire, bearing + self._side(view), False, crouch)

    def _side(self, view: View) -> float:
        """Which way to strafe now, in degrees from the enemy's direction; changes at random."""
        if view.clock > self._strafe_until:
            self._strafe = -self._strafe if self._mind.chance(0.75) else self._strafe
            self._strafe_until = view.clock + self._mind.rng.uniform(0.25, 0.8)
        return self._strafe

    def _choose_style(self, view: View, contact: Contact, distance: float) -> None:
        habits, skills, mind = self._mind.habits, self._mind.skills, self._mind
        if view.clock < self._style_until:
            return
        self._style_until = view.clock + mind.rng.uniform(0.5, 1.2)
        weak = view.health < habits.retreat_health or view.reload_left > 0.6
        if weak and mind.chance(skills.judgement * (1 - 0.7 * habits.aggression)):
            self._style, self._refuge = "back", self._find_refuge(view, contact)
            return
        if distance > 1.3 * habits.range and mind.chance(habits.aggression):
            self._style = "close"
        elif mind.chance(0.25 * habits.aggression + 0.35 * (1 - habits.still) * (1 - skills.discipline)):
            self._style = "keep"
        else:
            self._style = "hold"

    def _find_refuge(self, view: View, contact: Contact) -> Point | None:
        if view.clock - self._refuge_at > _REFUGE_EVERY_S:
            self._refuge = self._mind.chart.refuge(view.at, (contact.x, contact.y))
            self._refuge_at = view.clock
        return self._refuge


def wrap(angle: float) -> float:
    """Return the same angle within [-180, 180), in degrees."""
    return (angle + 180.0) % 360.0 - 180.0
