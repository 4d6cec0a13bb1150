"""What a defender means to do: hold a site, roam, rotate, take a site back, defuse, or save itself."""

from __future__ import annotations

import math

from understudy.envs.skirmish.players.chart import Point, Spot
from understudy.envs.skirmish.players.mind import ATTACK, Mind, Order
from understudy.envs.skirmish.players.plans import DefencePlan, draw_defence, draw_spot
from understudy.envs.skirmish.players.view import View
from understudy.envs.skirmish.rules import DROPPED, PLANTED

_CHASE_S = 4.0
_DEFUSE_S = 5.0
_RETAKE_SHARE = 0.6
"""Taking a site back is begun sooner than another site is left for."""
_JOINS_AT = 2.2
"""Who plays close to the teammate goes there from so many times the spacing that it likes."""
_SETTLED_S = 4.0
"""From here on it can be seen where the teammate goes."""
_REGROUP_S = 16.0
"""With more time than this on the bomb, one waits for the teammate before taking the site back."""


class Defender:
    """A defender's intents in one round."""

    def __init__(self, mind: Mind) -> None:
        """Draw the plan."""
        self._mind = mind
        self.plan: DefencePlan = draw_defence(mind)
        self._site = self.plan.site
        self._spot: Spot | None = None
        self._stay_until = -math.inf
        self._alarmed_at = math.inf
        self._roam_goal: Point | None = None
        self._roam_until = mind.rng.uniform(15, 45) if self.plan.roams else 0.0
        self._guess = -1
        self._retake_from = math.inf
        self._shadows = mind.habits.teamwork > 0.9
        self._gives_up = mind.chance(0.9 * (1 - mind.habits.aggression))
        self._searched_at = -math.inf

    def decide(self, view: View) -> Order:
        """Return what to do now."""
        if view.bomb_state == PLANTED:
            return self._retake(view)
        self._consider_rotation(view)
        contact = self._mind.fresh(view, _CHASE_S)
        if contact is not None and not contact.visible and self._mind.habits.aggression > 0.6:
            return Order("hunt", goal=(contact.x, contact.y), walk=self._mind.stealthy(view))
        if view.clock < self._roam_until and view.num_enemies > 0:
            return self._roam(view)
        return self._hold(view)

    def _hold(self, view: View) -> Order:
        mind = self._mind
        if (
            self._shadows
            and view.mate
            and view.clock > _SETTLED_S
            and mind.mate_distance(view) > _JOINS_AT * mind.habits.spacing
        ):
            return self._join(view, view.mate)
        if self._spot is None or view.clock > self._stay_until:
            self._move_post(view)
        if self._spot is None:
            return Order("hold", goal=mind.chart.site_middle[self._site])
        place = (self._spot.x, self._spot.y)
        if math.dist(view.at, place) > 0.8:
            return Order("setup", goal=place, walk=view.clock > 12 and mind.stealthy(view))
        return Order("hold", look=self._watched(view), crouch=mind.habits.crouching > 0.5)

    def _join(self, view: View, mate: Point) -> Order:
        """Hold the site that the teammate holds, near by."""
        mind = self._mind
        self._site = 0 if mind.chart.metres(0, mate) <= mind.chart.metres(1, mate) else 1
        self._spot = draw_spot(mind, self._site, near=mate)
        self._stay_until = view.clock + 8
        return Order("join", goal=mate, walk=mind.stealthy(view))

    def _move_post(self, view: View) -> None:
        """Take a place; restless players change it more often."""
        self._spot = draw_spot(self._mind, self._site)
        calm = 35 - 28 * self._mind.habits.roaming
        self._stay_until = view.clock + calm * self._mind.rng.uniform(0.7, 1.8)

    def _watched(self, view: View) -> Point | None:
        contact = self._mind.fresh(view, self._mind.skills.memory_s)
        if contact is not None and math.dist((contact.x, contact.y), view.at) < 35:
            return contact.x, contact.y
        return (self._spot.watch_x, self._spot.watch_y) if self._spot else None

    def _roam(self, view: View) -> Order:
        """Go and look: along mid, up a lane, or at the other site."""
        mind = self._mind
        if self._roam_goal is None or math.dist(view.at, self._roam_goal) < 1.5:
            site = mind.rng.choices(range(2), (mind.habits.lanes[0], mind.habits.lanes[2]))[0]
            lane = "mid" if mind.chance(0.5) else ("a", "b")[site]
            way = mind.chart.approaches[site, lane]
            self._roam_goal = way[int(mind.rng.uniform(0.35, 0.9) * (len(way) - 1))]
        return Order("roam", goal=self._roam_goal, walk=view.clock > 8 and mind.stealthy(view))

    def _consider_rotation(self, view: View) -> None:
        """Leave for the other site if it looks as if the attack goes there, after some hesitation."""
        mind, other = self._mind, 1 - self._site
        balance = mind.threat(other, view) - 1.2 * mind.threat(self._site, view)
        if view.mate is None and view.bomb_state == DROPPED and view.bomb_place:
            balance += mind.chart.metres(self._site, view.bomb_place) > mind.chart.metres(other, view.bomb_place)
        if balance < 0.6:
            self._alarmed_at = math.inf
        elif self._alarmed_at == math.inf:
            self._alarmed_at = view.clock + mind.hesitation(mind.habits.rotation_s)
        elif view.clock >= self._alarmed_at:
            self._site, self._spot, self._alarmed_at = other, None, math.inf
            self._roam_until = 0.0

    def _retake(self, view: View) -> Order:
        mind = self._mind
        if self._retake_from == math.inf:
            self._retake_from = view.clock + mind.hesitation(_RETAKE_SHARE * mind.habits.rotation_s)
        if view.clock < self._retake_from and view.bomb_left > _REGROUP_S:
            return self._hold(view)
        bomb = view.bomb_place or self._suspected(view)
        way_s = math.dist(view.at, bomb) / 4.2
        too_late = view.bomb_left < _DEFUSE_S + way_s and view.defuse_left <= 0
        lost = self._gives_up and view.mate is None and view.num_enemies == 2 and view.defuse_left <= 0
        if too_late or lost:
            return Order("save", goal=mind.chart.spawns[1 if math.dist(view.at, bomb) > 6 else ATTACK])
        if view.bomb_place is not None and math.dist(view.at, bomb) < 1.2:
            return self._defuse(view)
        mate_far = view.mate is not None and mind.mate_distance(view) > 12 and math.dist(view.mate, bomb) > 8
        if mate_far and view.bomb_left > _REGROUP_S and mind.habits.teamwork > 0.6 and math.dist(view.at, bomb) < 16:
            return Order("regroup", look=bomb)
        walk = view.bomb_left > 15 and view.num_enemies > 0 and mind.stealthy(view)
        return Order("retake", goal=bomb, walk=walk)

    def _defuse(self, view: View) -> Order:
        mind = self._mind
        contact = mind.fresh(view, 1.5)
        tight = view.bomb_left < _DEFUSE_S + 2.5
        committed = tight or 0 < view.defuse_left < 1.5
        threatened = contact is not None and contact.visible and not committed
        return Order("defuse", use=not threatened, committed=committed, look=self._watched(view), crouch=True)

    def _suspected(self, view: View) -> Point:
        """Where the bomb may be, if nobody has seen or heard it: at one site, then at the other."""
        mind = self._mind
        if self._guess < 0:
            threats = [mind.threat(site, view) for site in range(2)]
            self._guess = 1 - self._site if threats[0] == threats[1] else threats.index(max(threats))
        middle = mind.chart.site_middle[self._guess]
        if math.dist(view.at, middle) < 6 and view.clock > self._searched_at + 4:
            self._guess, self._searched_at = 1 - self._guess, view.clock
        return mind.chart.site_middle[self._guess]
