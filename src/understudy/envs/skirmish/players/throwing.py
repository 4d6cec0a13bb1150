"""The ability: a smoke on where defenders look from, or a scan of where enemies may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

from understudy.envs.skirmish.players.chart import Point
from understudy.envs.skirmish.players.gunplay import Aim, wrap
from understudy.envs.skirmish.players.mind import ATTACK, Mind, Order
from understudy.envs.skirmish.players.view import View

_MOMENTS = {
    "gather": 0.06, "enter": 0.25, "cover": 0.1, "guard": 0.01,
    "hold": 0.004, "retake": 0.05, "hunt": 0.03, "defuse": 0.1,
}  # fmt: skip
"""How inviting a moment of each intent is: chance in a decision, for the most eager."""
_GIVE_UP_S = 1.2
_NEAR_M, _FAR_M = 5.0, 24.0
_EYE = 1.6


@dataclass(slots=True)
class Throw:
    """The view a throw needs, and whether it is let go now."""

    aim: Aim
    release: bool


class Throwing:
    """One player's use of its ability in a round."""

    def __init__(self, mind: Mind) -> None:
        """Have it ready."""
        self._mind = mind
        self._at: Point | None = None
        self._until = -math.inf

    def consider(self, view: View, order: Order) -> Throw | None:
        """Return a throw that is under way or begins now, None if there is none."""
        if view.charges <= 0 or order.use:
            self._at = None
            return None
        if self._at is None:
            chance = _MOMENTS.get(order.intent, 0.0) * self._mind.habits.ability
            if self._mind.briefing.side == ATTACK or self._mind.fresh(view, 5.0) is not None:
                chance *= 1.5
            if not self._mind.chance(chance):
                return None
            self._at = self._place(view, order)
            self._until = view.clock + _GIVE_UP_S
        if self._at is None or view.clock > self._until:
            self._at = None
            return None
        return self._throw(view, self._at)

    def _throw(self, view: View, place: Point) -> Throw:
        dx, dy = place[0] - view.x, place[1] - view.y
        distance = math.hypot(dx, dy)
        yaw = wrap(view.heading - math.degrees(math.atan2(dy, dx)))
        # What is thrown lands where the line of sight meets the floor.
        pitch = -math.degrees(math.atan2(_EYE, distance)) - view.pitch
        width = max(math.degrees(2.0 / distance), 3.0)
        return Throw(Aim(yaw, pitch, width), abs(yaw) < width and abs(pitch) < 0.5 * width)

    def _place(self, view: View, order: Order) -> Point | None:
        """Where it would do good: where an enemy was, else a place that defenders like, or that is watched."""
        mind = self._mind
        contact = mind.fresh(view, 6.0)
        if contact is not None and self._fits(view, (contact.x, contact.y)):
            return contact.x, contact.y
        spots = mind.chart.spots[0 if mind.chart.metres(0, view.at) <= mind.chart.metres(1, view.at) else 1]
        for _ in range(4):
            spot = mind.rng.choice(spots) if spots else None
            if spot and self._fits(view, (spot.x, spot.y)) and mind.chart.sees(view.at, (spot.x, spot.y)):
                return spot.x, spot.y
        return order.look if order.look and self._fits(view, order.look) else None

    def _fits(self, view: View, place: Point) -> bool:
        return _NEAR_M < math.dist(view.at, place) < _FAR_M
