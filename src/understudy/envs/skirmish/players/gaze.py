"""Where a player looks while it does not fight: along the way, at what it watches, at sounds, around."""

from __future__ import annotations

import math

from understudy.envs.skirmish.players.chart import Point
from understudy.envs.skirmish.players.gunplay import Aim, wrap
from understudy.envs.skirmish.players.mind import Mind, Order
from understudy.envs.skirmish.players.view import View

_AHEAD_M = 6.0
"""How far ahead on the way one looks: around the next corner before being there."""
_COARSE_DEG = 9.0
"""A look that searches need not be more precise."""
_FINE_DEG = 3.0
_MINDS_MATE = 0.8
"""Who has more teamwork than this looks after the teammate."""
_WATCH_NEAR_M = 35.0
_ANGLE_REACH_M = 28.0


class Gaze:
    """One player's looks in a round."""

    def __init__(self, mind: Mind) -> None:
        """Look ahead."""
        self._mind = mind
        self._glance_until = -math.inf
        self._glance = 0.0
        self._next_choice = 0.0
        self._angle: Point | None = None
        self._wander = 0.0

    def aim(self, view: View, order: Order, walking: float | None) -> Aim:
        """Return where to look now.

        Args:
            view: What is known.
            order: What the player means to do.
            walking: Where it walks, as a heading, None if it stands.
        """
        target, width = self._target(view, order)
        if view.clock < self._glance_until:
            return Aim(wrap(view.heading - self._glance), self._level(view), _COARSE_DEG)
        if target is None:
            heading = walking if walking is not None else view.heading
            return Aim(wrap(view.heading - heading), self._level(view), _COARSE_DEG)
        heading = math.degrees(math.atan2(target[1] - view.y, target[0] - view.x)) + self._wander
        return Aim(wrap(view.heading - heading), self._level(view), width)

    def _target(self, view: View, order: Order) -> tuple[Point | None, float]:
        """What to look at, and how precisely."""
        mind = self._mind
        contact = mind.fresh(view, mind.skills.memory_s)
        if contact is not None and not contact.visible:
            age = view.clock - contact.known_at
            near = math.dist(view.at, (contact.x, contact.y)) < _WATCH_NEAR_M
            if near and (order.goal is None or age < 2.5):
                return (contact.x, contact.y), _FINE_DEG if age < 3 else _COARSE_DEG
        if view.clock >= self._next_choice:
            self._choose(view, order)
        if order.look is not None and math.dist(order.look, view.at) > 0.5:
            return order.look, _FINE_DEG
        if self._angle is not None and math.dist(self._angle, view.at) > 2.0:
            return self._angle, _COARSE_DEG
        return mind.walker.ahead(view.at, _AHEAD_M), _COARSE_DEG

    def _choose(self, view: View, order: Order) -> None:
        """Now and then: glance aside, or pick a corner that somebody may stand behind."""
        mind = self._mind
        every = mind.rng.uniform(0.6, 1.4)
        self._next_choice = view.clock + every
        self._wander = mind.rng.gauss(0, 2.5 + 6 * (1 - mind.skills.preaim))
        self._angle = self._common_angle(view, order) if order.goal else None
        if mind.chance(mind.habits.glances * every):
            self._glance = self._aside(view)
            self._glance_until = view.clock + mind.rng.uniform(0.25, 0.6)

    def _common_angle(self, view: View, order: Order) -> Point | None:
        """A place near the way where enemies like to stand, in sight and not behind one's back."""
        mind, goal = self._mind, order.goal
        if goal is None or not mind.chance(mind.skills.preaim):
            return None
        site = 0 if mind.chart.metres(0, goal) <= mind.chart.metres(1, goal) else 1
        if mind.chart.metres(site, view.at) > 30 or not mind.chart.spots[site]:
            return None
        spot = mind.rng.choice(mind.chart.spots[site])
        place = (spot.x, spot.y)
        ahead = math.degrees(math.atan2(goal[1] - view.y, goal[0] - view.x))
        aside = wrap(math.degrees(math.atan2(place[1] - view.y, place[0] - view.x)) - ahead)
        if abs(aside) > 75 or not 3 < math.dist(place, view.at) < _ANGLE_REACH_M:
            return None
        return place if mind.chart.sees(view.at, place) else None

    def _level(self, view: View) -> float:
        """How far to bring the view back to where it rests; beginners do not mind where it points."""
        off = -self._mind.habits.crosshair_deg - view.pitch
        return off if abs(off) > 2 + 6 * (1 - self._mind.skills.preaim) else 0.0

    def _aside(self, view: View) -> float:
        """Where to glance, as a heading: to either side, or to the teammate one plays with."""
        mind = self._mind
        if view.mate is not None and mind.habits.teamwork > _MINDS_MATE and mind.chance(0.6):
            return math.degrees(math.atan2(view.mate[1] - view.y, view.mate[0] - view.x))
        return view.heading + mind.rng.choice((-1, 1)) * mind.rng.uniform(30, 110)
