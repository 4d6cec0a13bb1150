"""Walking: along the corners of a way, in the eight directions that keys allow, unstuck when stuck."""

from __future__ import annotations

import math
import random

from understudy.envs.skirmish.players.chart import Chart, Point

_TURN_AT_M = 0.7
"""So near to a corner the next one is headed for."""
_BLEND_M = 1.6
"""From here on the way bends towards the next corner."""
_STUCK = ((0.3, 0.2), (0.8, 0.35))
"""Seconds and metres: who wants to walk and got no further in that time is stuck. A wall is noticed by the first, hands
that go back and forth by the second."""
_SAME_GOAL_M = 0.6


class Walker:
    """Follows one way at a time."""

    def __init__(self, chart: Chart, rng: random.Random) -> None:
        """Walk on `chart`'s level."""
        self._chart = chart
        self._rng = rng
        self.goal: Point | None = None
        self._corners: list[Point] = []
        self._next = 0
        self._marks: list[tuple[float, float, float]] = [(-math.inf, 0.0, 0.0)] * len(_STUCK)
        self._sidestep_until = -math.inf
        self._sidestep = 0.0

    def follow(self, way: list[Point]) -> None:
        """Walk along the corners of `way`, wherever one stands now."""
        self.goal = way[-1] if way else None
        self._corners, self._next = way, 0

    def go(self, start: Point, goal: Point) -> bool:
        """Walk to `goal` by the shortest way; return whether there is one. The same goal again changes nothing."""
        if self.goal is not None and math.dist(goal, self.goal) < _SAME_GOAL_M:
            return bool(self._corners)
        self._corners, self._next = self._chart.walk(start, goal), 0
        self.goal = goal
        return bool(self._corners)

    def stop(self) -> None:
        """Forget the way."""
        self.goal, self._corners, self._next = None, [], 0

    def arrived(self, at: Point, within: float = 0.8) -> bool:
        """Whether the goal is no further than `within` metres."""
        return self.goal is not None and math.dist(at, self.goal) <= within

    def heading(self, at: Point, clock: float) -> float | None:
        """Return where to walk now, as a heading in degrees, or None if there is nowhere to go."""
        corners = self._corners
        last = len(corners) - 1
        while self._next < last and math.dist(at, corners[self._next]) < _TURN_AT_M:
            self._next += 1
        if self._next > last or (self._next == last and math.dist(at, corners[last]) < 0.3):
            return None
        self._notice_stuck(at, clock)
        x, y = corners[self._next]
        dx, dy = x - at[0], y - at[1]
        near = math.hypot(dx, dy)
        if near < _BLEND_M and self._next < last:
            share = 0.5 * (1 - near / _BLEND_M)
            after = corners[self._next + 1]
            dx, dy = dx + share * (after[0] - x), dy + share * (after[1] - y)
        heading = math.degrees(math.atan2(dy, dx))
        return heading + self._sidestep if clock < self._sidestep_until else heading

    def ahead(self, at: Point, metres: float) -> Point | None:
        """Return the point that lies so far along the way, or its end if that is nearer."""
        here, left = at, metres
        for corner in self._corners[self._next :]:
            leg = math.dist(here, corner)
            if leg >= left > 0:
                share = left / leg
                return here[0] + share * (corner[0] - here[0]), here[1] + share * (corner[1] - here[1])
            here, left = corner, left - leg
        return self._corners[-1] if self._corners else None

    def metres_left(self, at: Point) -> float:
        """Return how far it still is along the way."""
        total, here = 0.0, at
        for corner in self._corners[self._next :]:
            total += math.dist(here, corner)
            here = corner
        return total

    def _notice_stuck(self, at: Point, clock: float) -> None:
        """Find a new way, and step aside, if there was no getting on."""
        for number, (seconds, metres) in enumerate(_STUCK):
            since, x, y = self._marks[number]
            if clock - since < seconds:
                continue
            self._marks[number] = (clock, *at)
            # Longer ago is from before a stand.
            if clock - since < 2 * seconds and math.dist(at, (x, y)) < metres and self.goal is not None:
                self._step_aside(at, self.goal, clock)

    def _step_aside(self, at: Point, goal: Point, clock: float) -> None:
        self._corners, self._next = self._chart.walk(at, goal) or [goal], 0
        self._sidestep = self._rng.choice((-90.0, 90.0, 135.0, -135.0))
        self._sidestep_until = clock + 0.35


def step_towards(heading: float, want: float) -> int:
    """Return the choice of `move` (1 forward, then clockwise to 8) that goes most nearly where `want` points."""
    return round(((heading - want) % 360) / 45) % 8 + 1
