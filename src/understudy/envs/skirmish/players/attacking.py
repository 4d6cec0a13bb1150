"""What an attacker means to do: go up a lane, wait, go in, plant, and guard the bomb."""

from __future__ import annotations

import math
from dataclasses import replace

from understudy.envs.skirmish.players.chart import Point, Spot
from understudy.envs.skirmish.players.mind import ATTACK, Mind, Order
from understudy.envs.skirmish.players.plans import AttackPlan, draw_attack, draw_plant_cell, draw_spot
from understudy.envs.skirmish.players.view import View
from understudy.envs.skirmish.rules import DROPPED, PLANTED

_HURRY_S = (38.0, 62.0)
"""From some moment between these nobody waits any more: the round is over at 75 s, and planting takes its time."""
_LAST_CHANCE_S = (50.0, 68.0)
"""The same for one who is left alone and plays for time."""
_PLAY_FOR_TIME_S = 60.0
_SAVES = 0.3
"""How often such a one gives the round up and keeps its weapon."""
_CHANGES = 2
"""How often a plan is changed in a round at most."""
_DANGER_M = 30.0
"""Within this of a site, walking, one has to reckon with defenders."""
_STAY_UP_S = 30.0
"""Catching up with the teammate ends then."""
_OVERLOOKS_FROM_M = 20.0
"""Who likes to fight at this distance waits where the site is first seen."""
_MATE_AT_STAGING_M = 12.0
_CHASE_S = 4.0


class Attacker:
    """An attacker's intents in one round."""

    def __init__(self, mind: Mind) -> None:
        """Draw the plan."""
        self._mind = mind
        self.plan: AttackPlan = draw_attack(mind)
        self._staged = False
        self._gather_until = -math.inf
        self._entered = False
        self._cell = draw_plant_cell(mind, self.plan.site)
        self._post: Spot | None = None
        self._post_until = -math.inf
        self._planted = False
        self._regroups = mind.habits.teamwork > 0.75
        self._hurry_at = mind.rng.uniform(*_HURRY_S)
        self._changes = 0
        self._had_mate = False
        self._saves = False

    def decide(self, view: View) -> Order:
        """Return what to do now."""
        if view.bomb_state == PLANTED:
            return self._guard(view)
        self._consider_falling_back(view)
        if self._saves and view.num_enemies == 2:
            return Order("save", goal=self._mind.chart.spawns[ATTACK], walk=self._mind.stealthy(view))
        if view.bomb_state == DROPPED and self._should_fetch(view):
            return Order("fetch", goal=view.bomb_place, walk=self._mind.stealthy(view))
        if not self._entered and not self._staged:
            return self._advance(view)
        if not self._entered:
            return self._gather(view)
        return self._plant(view) if view.has_bomb else self._cover_site(view)

    def _advance(self, view: View) -> Order:
        """Up the lane to where the site is entered."""
        mind, walker = self._mind, self._mind.walker
        key = (self.plan.site, self.plan.lane)
        way = mind.chart.approaches[key]
        last = (mind.chart.overlooks if mind.habits.range > _OVERLOOKS_FROM_M else mind.chart.staging)[key]
        end = way[last]
        near = mind.chart.metres(self.plan.site, view.at)
        if math.dist(view.at, end) < 1.6 or near < 9:
            self._staged = True
            self._gather_until = view.clock + self.plan.wait_s
            walker.stop()
            return self._gather(view)
        if self._falls_behind(view):
            return Order("regroup", goal=view.mate, walk=near < _DANGER_M and mind.stealthy(view))
        if walker.goal is None or math.dist(walker.goal, end) > 0.1:
            index = min(range(last + 1), key=lambda i: math.dist(way[i], view.at))
            walker.follow(_thin(way[index : last + 1]))
        walk = (near < _DANGER_M or mind.habits.stealth > 0.7) and view.clock < self._hurry_at and mind.stealthy(view)
        return Order("advance", goal=end, walk=walk)

    def _gather(self, view: View) -> Order:
        """Wait before going in, for the teammate or for patience to end."""
        mind = self._mind
        hurry = view.clock > self._hurry_at or view.clock > self._gather_until
        mate_near = mind.mate_distance(view) < _MATE_AT_STAGING_M
        if hurry and (mate_near or not view.mate or not self._regroups or view.clock > self._hurry_at):
            if self._changes_plan(view):
                return self._advance(view)
            self._entered = True
            return self._plant(view) if view.has_bomb else self._cover_site(view)
        return Order("gather", look=mind.chart.site_middle[self.plan.site], crouch=mind.habits.crouching > 0.5)

    def _consider_falling_back(self, view: View) -> None:
        """Left alone against two, a careful player tries its luck later, at the other site."""
        mind = self._mind
        alone = self._had_mate and view.mate is None
        self._had_mate = view.mate is not None
        if not alone or view.num_enemies < 2 or view.clock > 45 or not mind.chance(0.8 - mind.habits.aggression):
            return
        self._saves = mind.chance(_SAVES)
        self._hurry_at = mind.rng.uniform(*_LAST_CHANCE_S)
        self._go_elsewhere()
        self.plan = replace(self.plan, wait_s=_PLAY_FOR_TIME_S)

    def _go_elsewhere(self) -> None:
        self._changes += 1
        self.plan = replace(self.plan, site=1 - self.plan.site, lane="mid")
        self._cell = draw_plant_cell(self._mind, self.plan.site)
        self._staged = self._entered = False

    def _changes_plan(self, view: View) -> bool:
        """Whether a restless player goes for the other site instead of going in."""
        mind = self._mind
        if self._changes >= _CHANGES or view.clock > self._hurry_at or not mind.chance(0.55 * mind.habits.roaming):
            return False
        self._go_elsewhere()
        return True

    def _plant(self, view: View) -> Order:
        mind = self._mind
        there = math.dist(view.at, self._cell) < 0.7
        if there and mind.chart.metres(self.plan.site, view.at) == 0:
            contact = mind.fresh(view, 2.0)
            risky = contact is not None and contact.visible
            committed = 0 < view.plant_left < 0.9 or view.clock > 69
            return Order("plant", use=not risky or committed, committed=committed, look=self._danger(view))
        return Order("enter", goal=self._cell, walk=view.clock < self._hurry_at + 12 and mind.stealthy(view))

    def _cover_site(self, view: View) -> Order:
        """Without the bomb: a place from which the site is seen, moved on from now and then."""
        mind = self._mind
        if mind.habits.aggression > 0.5:
            contact = mind.fresh(view, _CHASE_S)
            if contact is not None and not contact.visible:
                return Order("hunt", goal=(contact.x, contact.y), walk=mind.stealthy(view))
        if self._regroups and mind.mate_distance(view) > 1.6 * mind.habits.spacing and view.mate:
            return Order("escort", goal=view.mate, walk=mind.stealthy(view))
        self._choose_post(view, mind.chart.site_middle[self.plan.site])
        return self._at_post(view, "cover", mind.chart.site_middle[self.plan.site])

    def _guard(self, view: View) -> Order:
        """Keep the planted bomb in sight, or stay near it."""
        mind = self._mind
        bomb = view.bomb_place or mind.chart.site_middle[self.plan.site]
        if not self._planted:
            self._planted, self._post_until = True, -math.inf
        if mind.habits.aggression > 0.6:
            contact = mind.fresh(view, _CHASE_S)
            if contact is not None and not contact.visible:
                return Order("hunt", goal=(contact.x, contact.y))
        defusing = self._hears_near(view, bomb)
        self._choose_post(view, bomb)
        if defusing and self._post is not None and not mind.chart.sees(view.at, bomb):
            return Order("retake", goal=bomb, look=bomb)
        return self._at_post(view, "guard", bomb)

    def _choose_post(self, view: View, around: Point) -> None:
        mind = self._mind
        if view.clock < self._post_until:
            return
        site = 0 if mind.chart.metres(0, around) <= mind.chart.metres(1, around) else 1
        self._post = draw_spot(mind, site, near=around, view_of=around)
        calm = 25 - 20 * mind.habits.roaming
        self._post_until = view.clock + mind.rng.uniform(0.6, 1.6) * calm

    def _at_post(self, view: View, intent: str, around: Point) -> Order:
        post = self._post
        if post is None:
            return Order(intent, goal=around)
        place = (post.x, post.y)
        if math.dist(view.at, place) > 0.8:
            return Order(intent, goal=place, walk=self._mind.stealthy(view))
        return Order(intent, look=self._danger(view) or around, crouch=self._mind.habits.crouching > 0.5)

    def _danger(self, view: View) -> Point | None:
        """Where the next enemy is to be expected: where one was, else what the post watches."""
        contact = self._mind.fresh(view, self._mind.skills.memory_s)
        if contact is not None:
            return contact.x, contact.y
        return (self._post.watch_x, self._post.watch_y) if self._post else None

    def _falls_behind(self, view: View) -> bool:
        if not self._regroups or view.clock > _STAY_UP_S or view.mate is None or view.has_bomb:
            return False
        return self._mind.mate_distance(view) > max(1.6 * self._mind.habits.spacing, 6)

    def _should_fetch(self, view: View) -> bool:
        if view.bomb_place is None:
            return False
        if view.mate is None:
            return True
        return math.dist(view.at, view.bomb_place) <= math.dist(view.mate, view.bomb_place) + 1

    def _hears_near(self, view: View, bomb: Point) -> bool:
        contact = self._mind.fresh(view, 2.5)
        return contact is not None and math.dist((contact.x, contact.y), bomb) < 5


def _thin(way: list[Point]) -> list[Point]:
    """Every third point of a way, and its last."""
    return way[2:-1:3] + way[-1:]
