"""A scripted tester: walks the legs of its preference's plan, opens the doors on its way, and gets itself unstuck."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from understudy.envs.parkland.body import EYES, STANDING
from understudy.envs.parkland.layout import Door, Layout, Point
from understudy.envs.parkland.routes import resample
from understudy.envs.parkland.testers.hands import Hands, Temper, wrap
from understudy.envs.parkland.testers.legs import Deed, Leg, Plan, Task
from understudy.envs.parkland.testers.preferences import PREFERENCES
from understudy.envs.parkland.walkable import WalkGrid, walk_grid
from understudy.errors import GameError, suggest
from understudy.spec import Action

NARROW_AHEAD = 0.9
"""How far ahead on its way one steers where something is near, metres."""
DECISION_S = 0.1
_FINE = 0.4
"""Metres between the points that a leg is walked by."""
_STALL = 14
"""In so many decisions one moves at least `_STALL_METRES`, or is stuck."""
_STALL_METRES = 0.35
_STRUGGLES = 4
"""How often one tries to get free before one goes on with the next leg."""
_DOOR_WITHIN, _DOOR_BESIDE = 1.9, 0.9
_TRIES = 3


class ScriptedTester:
    """Plays a park with a preference.

    It is scripted and privileged: it reads the layout, and its true pose from `info`. The same seed and the same infos
    give the same actions. Planted bugs it knows nothing of.

    Args:
        layout: The park.
        preference: One of `PREFERENCES`.
        grid: `walk_grid(layout)`, if it is there already.

    Raises:
        GameError: If there is no such preference.
    """

    def __init__(self, layout: Layout, preference: str, grid: WalkGrid | None = None) -> None:
        if preference not in PREFERENCES:
            raise GameError(f"There is no scripted tester '{preference}'.{suggest(preference, PREFERENCES)}")
        self.layout, self.preference = layout, preference
        self.grid = grid or walk_grid(layout)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin a new episode, with the whims of `seed`."""
        rng = np.random.default_rng([seed, sorted(PREFERENCES).index(self.preference)])
        self._rng, self._temper = rng, Temper.draw(rng)
        self._hands = Hands(rng, self._temper)
        self._place: Point = self.layout.start[:3]
        self._plan: Plan = PREFERENCES[self.preference](Task(self.layout, self.grid, rng, lambda: self._place))
        self._leg: Leg | None = None
        self._at, self._points = 0, np.zeros((1, 3))
        self._narrow = np.zeros(0, np.bool_)
        self._doing: _Doing | None = None
        self._tries: dict[int, int] = {}
        self._open: set[int] = set()
        self._knocked: int | None = None
        self._doors_open = 0
        self._past: deque[Point] = deque(maxlen=_STALL)
        self._struggle, self._struggles, self._aside = 0, 0, 0.0
        self._glance, self._glance_left = 0.0, 0

    def act(self, info: Mapping[str, Any]) -> Action:
        """Decide once.

        Args:
            info: What the environment told with the last observation: `position`, `heading`, `pitch` and `doors`.
        """
        x, y, z = (float(each) for each in info["position"])
        self._place, self._heading, self._pitch = (x, y, z), float(info["heading"]), float(info["pitch"])
        self._hear_doors(int(info["doors"]))
        if self._doing is not None:
            return self._do(self._doing)
        if self._leg is None:
            self._take(next(self._plan))
        return self._walk()

    def _take(self, leg: Leg) -> None:
        self._leg, self._at, self._struggles, self._walked = leg, 0, 0, 0.0
        self._points = resample(leg.points, _FINE)
        self._past.clear()
        self._narrow = self.grid.narrow[self.grid.nearest(self._points)]

    def _walk(self) -> Action:
        """Steer to a point ahead on the leg; at its end, go over to its deed or to the next leg."""
        assert self._leg is not None
        self._advance()
        narrow = bool(self._narrow[self._at : self._at + 5].any())
        target = self._ahead(NARROW_AHEAD if narrow else self._temper.ahead)
        if self._has_arrived(narrow):
            return self._arrive()
        door = self._closed_door()
        if door is not None:
            x, y, z = door.middle
            self._knocked = door.id
            self._doing = _Doing(Deed((x, y, z + 1.2), 0.3, interact=True))
            return self._do(self._doing)
        if self._is_stuck():
            return self._struggle_free(target)
        return self._step_to(target, "walk" if narrow else self._leg.gait)

    def _advance(self) -> None:
        """Go on to the nearest of the next points."""
        near = self._points[self._at : self._at + 16]
        away = np.linalg.norm((near - self._place) * (1.0, 1.0, 2.0), axis=1)
        self._at += int(np.argmin(away))

    def _ahead(self, metres: float) -> Point:
        """The point of the leg that is so far ahead of where one is on it."""
        x, y, z = self._points[min(self._at + round(metres / _FINE), len(self._points) - 1)]
        return float(x), float(y), float(z)

    def _has_arrived(self, narrow: bool) -> bool:
        assert self._leg is not None
        self._walked += DECISION_S
        if self._walked > self._leg.seconds:
            return True
        near, (x, y, z) = 0.45 if self._leg.deed or narrow else 1.5, self._points[-1]
        away = np.hypot(x - self._place[0], y - self._place[1])
        return bool(away < near and abs(z - self._place[2]) < 1.2 and self._at >= len(self._points) - 5)

    def _arrive(self) -> Action:
        assert self._leg is not None
        deed, self._leg = self._leg.deed, None
        if deed is None:
            leg = next(self._plan)
            self._take(leg)
            return self._step_to(self._ahead(self._temper.ahead), leg.gait)
        self._doing = _Doing(deed)
        return self._do(self._doing)

    def _step_to(self, target: Point, gait: str) -> Action:
        bearing = np.degrees(np.arctan2(target[1] - self._place[1], target[0] - self._place[0]))
        way = wrap(float(bearing) - self._heading)
        rise = np.degrees(np.arctan2(target[2] - self._place[2], 4.0))
        self._look_about()
        jump = bool(gait == "run" and self._rng.random() < self._temper.hops)
        look = way + self._glance
        gaze = self._temper.gaze + float(rise) * 0.6
        return self._hands.act(wrap(look), gaze - self._pitch, way, gait, jump=jump)

    def _look_about(self) -> None:
        if self._glance_left > 0:
            self._glance_left -= 1
        elif self._rng.random() < self._temper.glances:
            self._glance_left, self._glance = int(self._rng.integers(4, 10)), float(self._rng.uniform(-45, 45))
        else:
            self._glance = 0.0

    def _do(self, doing: _Doing) -> Action:
        """Turn to what the deed is about; once it is in view, interact and wait."""
        x, y, z = doing.deed.look_at
        dx, dy = x - self._place[0], y - self._place[1]
        eyes = self._place[2] + STANDING - EYES
        left = wrap(float(np.degrees(np.arctan2(dy, dx))) - self._heading)
        up = float(np.degrees(np.arctan2(z - eyes, max(np.hypot(dx, dy), 0.3)))) - self._pitch
        in_view = abs(left) < 6.0 and abs(up) < 8.0
        interact = doing.deed.interact and in_view and not doing.done
        doing.done |= interact
        doing.waited += DECISION_S if in_view else DECISION_S / 4
        if doing.waited >= doing.deed.seconds and (doing.done or not doing.deed.interact or doing.waited > 2.0):
            self._doing = None
            self._past.clear()
        return self._hands.act(left, up, None, "crouch" if doing.deed.crouch else "walk", interact=interact)

    def _hear_doors(self, number: int) -> None:
        """Learn from the number of open doors what became of the one that was tried."""
        if self._knocked is not None and self._doing is None:
            if number > self._doors_open:
                self._open.add(self._knocked)
            else:
                self._tries[self._knocked] = self._tries.get(self._knocked, 0) + 1
            self._knocked = None
        if self._doing is None:
            self._doors_open = number

    def _closed_door(self) -> Door | None:
        """A door on the next metres of the way that is not known to be open, if one stands before it."""
        near = self._points[self._at : self._at + 8]
        for door in self.layout.doors:
            middle = np.asarray(door.middle)
            if door.id in self._open or self._tries.get(door.id, 0) >= _TRIES or abs(middle[2] - self._place[2]) > 1.0:
                continue
            beside = np.hypot(*(near[:, :2] - middle[:2]).T).min()
            if np.hypot(*(middle[:2] - self._place[:2])) < _DOOR_WITHIN and beside < _DOOR_BESIDE:
                return door
        return None

    def _is_stuck(self) -> bool:
        self._past.append(self._place)
        first = np.asarray(self._past[0])
        still = len(self._past) == _STALL and np.linalg.norm(np.asarray(self._place) - first) < _STALL_METRES
        if still:
            self._struggles += 1
            self._struggle = int(self._rng.integers(6, 22))
            self._aside = float(self._rng.choice((-90.0, 90.0, -135.0, 135.0)))
            self._past.clear()
        return self._struggle > 0

    def _struggle_free(self, target: Point) -> Action:
        """Go sideways or back for a while, jumping at first; after a few times, give the leg up."""
        self._struggle -= 1
        self._past.clear()
        if self._struggles > _STRUGGLES:
            self._leg, self._struggle = None, 0
        bearing = np.degrees(np.arctan2(target[1] - self._place[1], target[0] - self._place[0]))
        way = wrap(float(bearing) - self._heading)
        jump = self._struggles % 2 == 1 and self._struggle % 8 == 7
        return self._hands.act(way, self._temper.gaze - self._pitch, wrap(way + self._aside), "walk", jump=jump)


class _Doing:
    """A deed that is being done."""

    def __init__(self, deed: Deed) -> None:
        self.deed, self.done, self.waited = deed, False, 0.0
