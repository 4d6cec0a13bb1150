"""The bot that games usually ship with, as a baseline: the shortest way, a perfect eye, an instant and steady aim.

It is no attempt at a likeness. It sees what its screen shows, as the scripted players do, but reacts at once.
"""

from __future__ import annotations

import math

import numpy as np

from understudy.envs.skirmish.level import PLACES, Level, load_level
from understudy.envs.skirmish.players.player import Deed
from understudy.envs.skirmish.players.view import View
from understudy.envs.skirmish.players.walker import step_towards

_SITES = ("site_a", "site_b")
_PLANTED = 2
_NONE, _USE, _RELOAD = 0, 1, 3
_MOST_TURN, _AIMED_DEGREES, _NEAR_BOMB = 60.0, 2.0, 1.2
_CALM_PITCH_DEGREES = 5.0


class UsualBot:
    """Plays one agent.

    Args:
        level: Name of the level.
        side: 0 to attack, 1 to defend.
        slot: 0 or 1; defenders take a site each.
        call: What the team agreed on: even for site a.
    """

    def __init__(self, level: str, side: int, slot: int, call: int) -> None:
        self._level: Level = load_level(level)
        self._attacks = side == 0
        self._site = _SITES[(call if self._attacks else slot) % 2]

    def act(self, view: View) -> Deed:
        """Decide once."""
        seen = [each for each in view.enemies if each.visible and each.alive]
        if seen:
            return self._shoot(view, min(seen, key=lambda each: abs(each.bearing)).bearing)
        if self._at_work(view):
            return Deed(0, 0, 0.0, 0.0, 0, _USE)
        if view.magazine == 0:
            return Deed(0, 0, 0.0, 0.0, 0, _RELOAD)
        way = self._way(view)
        if way is None:
            return Deed(0, 0, _MOST_TURN / 8, self._level_off(view), 0, _NONE)
        turn = (view.heading - way + 180) % 360 - 180
        return Deed(step_towards(view.heading, way), 0, _clipped(turn), self._level_off(view), 0, _NONE)

    def _shoot(self, view: View, bearing: float) -> Deed:
        aimed = abs(bearing) < _AIMED_DEGREES
        return Deed(0, 0, _clipped(bearing), -view.pitch / 2, int(aimed), _NONE)

    def _at_work(self, view: View) -> bool:
        if self._attacks:
            return view.has_bomb and self._inside(view)
        if view.bomb_state != _PLANTED or view.bomb_place is None:
            return False
        return math.dist(view.at, view.bomb_place) < _NEAR_BOMB

    def _way(self, view: View) -> float | None:
        """The heading of the next step to the site, or to the planted bomb; None where it is reached."""
        if not self._attacks and view.bomb_state == _PLANTED and view.bomb_place is not None:
            path = self._level.path(np.array(view.at), np.array(view.bomb_place))
            return None if len(path) < 2 else _heading(view.at, path[1])
        if self._inside(view):
            return None
        return float(self._level.headings[PLACES.index(self._site)][self._level.cell(np.array(view.at))])

    def _inside(self, view: View) -> bool:
        return bool(self._level.place_cells(self._site)[self._level.cell(np.array(view.at))])

    @staticmethod
    def _level_off(view: View) -> float:
        return max(-_CALM_PITCH_DEGREES, min(_CALM_PITCH_DEGREES, -view.pitch))


def _heading(start: tuple[float, float], stop: np.ndarray) -> float:
    return math.degrees(math.atan2(float(stop[1]) - start[1], float(stop[0]) - start[0]))


def _clipped(turn: float) -> float:
    return max(-_MOST_TURN, min(_MOST_TURN, turn))
