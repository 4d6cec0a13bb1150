"""What a scripted player believes: late, incomplete, and fading.

What the `View` shows is noticed by chance (rarely at its edge and far off), reaches the player after a reaction time,
is followed with a shorter delay and carried on along its motion. What nobody shows any more is remembered where it was
last, and trusted less every second. Sounds tell a direction and a rough distance; the minimap is read now and then.
"""

from __future__ import annotations

import math
import random
from collections import deque

from understudy.envs.skirmish.players.skills import Skills
from understudy.envs.skirmish.players.view import Sighting, View

_FOLLOW = 0.55
"""Following what was noticed takes this share of the reaction time: no choice is left to make."""
_FORGOTTEN_S = 0.8
"""Out of sight for so long, an enemy has to be noticed anew."""
_FAR_M = 25.0
"""Beyond this an enemy is small enough to be overlooked more often."""
_EXPECTED = 0.8
"""Where an enemy is expected, reacting takes this share of the time."""
_HURT_FROM_M = 12.0
"""How far away a shot that hurts seems to have come from."""
_HEARING_S = 0.35
"""Sounds are placed at most this often."""
_KEPT = 8
"""Decisions of the past that delays reach back."""


class Contact:
    """What a player believes about one enemy."""

    __slots__ = ("alive", "crouched", "error_m", "heard", "known_at", "seen_at", "visible", "vx", "vy", "x", "y")

    def __init__(self) -> None:
        """Know nothing."""
        self.x = self.y = self.vx = self.vy = 0.0
        self.crouched = False
        self.visible = False
        self.alive = True
        self.heard = False
        self.known_at = -math.inf
        self.seen_at = -math.inf
        self.error_m = 0.0

    def sure(self, clock: float, half_life: float) -> float:
        """Return how much what is remembered is trusted, in [0, 1]."""
        return 0.5 ** ((clock - self.known_at) / half_life) if self.known_at > -math.inf else 0.0

    def place(self, x: float, y: float, clock: float, error_m: float) -> None:
        """Believe the enemy at a place, give or take `error_m` metres."""
        self.x, self.y, self.known_at, self.error_m = x, y, clock, error_m
        self.vx = self.vy = 0.0


class Perception:
    """Two enemies as one player perceives them."""

    def __init__(self, skills: Skills, rng: random.Random) -> None:
        """Perceive as well as `skills` allow, with chance from `rng`."""
        self._skills = skills
        self._rng = rng
        self.contacts = (Contact(), Contact())
        self._past: tuple[deque[Sighting | None], ...] = (deque(maxlen=_KEPT), deque(maxlen=_KEPT))
        self._noticed_at = [math.inf, math.inf]
        self._raw_at = [-math.inf, -math.inf]
        self._due: list[tuple[float, int, float, float]] = []
        self._placed_sound_at = -math.inf

    def update(self, view: View) -> None:
        """Take in one decision's view."""
        for index, contact in enumerate(self.contacts):
            contact.alive = view.enemies[index].alive
            self._see(index, contact, view)
        self._read_minimap(view)
        self._listen(view)

    def _see(self, index: int, contact: Contact, view: View) -> None:
        raw = view.enemies[index]
        past = self._past[index]
        past.append(raw if raw.visible else None)
        contact.visible = False
        if raw.visible:
            self._notice(index, contact, view, raw)
        elif view.clock - self._raw_at[index] > _FORGOTTEN_S or not raw.alive:
            self._noticed_at[index] = math.inf
        if not raw.alive or view.clock < self._noticed_at[index]:
            return
        lag = max(round(_FOLLOW * self._skills.reaction_s * view.decision_hz), 1)
        late = past[-1 - lag] if len(past) > lag else None
        if late is not None:
            self._follow(contact, late, view.clock, lag / view.decision_hz)

    def _notice(self, index: int, contact: Contact, view: View, raw: Sighting) -> None:
        self._raw_at[index] = view.clock
        if self._noticed_at[index] < math.inf:
            return
        off = abs(raw.bearing) / 50
        chance = self._skills.awareness + (1 - self._skills.awareness) * max(1 - off, 0.0) ** 2
        distance = math.hypot(raw.x - view.x, raw.y - view.y)
        if distance > _FAR_M:
            chance *= _FAR_M / distance
        if self._rng.random() >= chance:
            return
        expected = off < 0.25 and contact.sure(view.clock, self._skills.memory_s) > 0.3
        reaction = self._skills.reaction_s * self._rng.lognormvariate(0, 0.15) * (_EXPECTED if expected else 1.0)
        self._noticed_at[index] = view.clock + reaction

    def _follow(self, contact: Contact, late: Sighting, clock: float, lag_s: float) -> None:
        ahead = self._skills.prediction * lag_s
        contact.x, contact.y = late.x + ahead * late.vx, late.y + ahead * late.vy
        contact.vx, contact.vy, contact.crouched = late.vx, late.vy, late.crouched
        contact.visible = True
        contact.heard = False
        contact.error_m = 0.3
        contact.known_at = contact.seen_at = clock

    def _read_minimap(self, view: View) -> None:
        for index, raw in enumerate(view.enemies):
            if raw.marked and not raw.visible and len(self._due) < _KEPT:
                late = view.clock + self._skills.minimap_s * self._rng.uniform(0.6, 1.4)
                self._due.append((late, index, raw.x, raw.y))
        waiting = []
        for entry in self._due:
            late, index, x, y = entry
            if late > view.clock:
                waiting.append(entry)
            elif not self.contacts[index].visible and self.contacts[index].alive:
                self.contacts[index].place(x, y, view.clock, 1.5)
                self.contacts[index].heard = False
        self._due = waiting

    def _listen(self, view: View) -> None:
        if view.clock - self._placed_sound_at < _HEARING_S:
            return
        loudest = max(view.sounds, key=lambda sound: sound.loudness, default=None)
        if loudest is not None:
            distance = loudest.distance * self._rng.lognormvariate(0, 0.25)
            self._place_sound(view, loudest.bearing, distance)
        elif view.hurt_bearing is not None:
            self._place_sound(view, view.hurt_bearing, _HURT_FROM_M)

    def _place_sound(self, view: View, bearing: float, distance: float) -> None:
        """Believe the enemy that fits best to be where a sound seems to come from."""
        self._placed_sound_at = view.clock
        angle = math.radians(view.heading - bearing + self._rng.gauss(0, self._skills.hearing_deg))
        x, y = view.x + distance * math.cos(angle), view.y + distance * math.sin(angle)
        unseen = [each for each in self.contacts if each.alive and not each.visible]
        if not unseen or any(each.visible and math.dist((each.x, each.y), (x, y)) < 6 for each in self.contacts):
            return
        contact = min(unseen, key=lambda each: self._misfit(each, x, y, view.clock))
        if view.clock - contact.seen_at > 1.0:
            contact.place(x, y, view.clock, 0.35 * distance)
            contact.heard = True

    def _misfit(self, contact: Contact, x: float, y: float, clock: float) -> float:
        """How badly a sound at a place fits what is believed of an enemy; nothing known fits middling."""
        if contact.sure(clock, self._skills.memory_s) < 0.2:
            return 15.0
        return max(math.dist((contact.x, contact.y), (x, y)) - 4 * (clock - contact.known_at), 0.0)
