"""Steps aside while standing: some players cannot keep their fingers still."""

from __future__ import annotations

import math

from understudy.envs.skirmish.players.mind import Mind
from understudy.envs.skirmish.players.view import View

_RIGHT, _LEFT = 3, 7
"""Choices of `move`."""


class Fidgeting:
    """One player's small steps to the sides, there and back."""

    def __init__(self, mind: Mind) -> None:
        """Stand still."""
        self._mind = mind
        self._until = -math.inf
        self._step = 0
        self._back = 0
        self._length = 0.0

    def step(self, view: View) -> int:
        """Return the choice of `move` for somebody who has nowhere to go."""
        if view.clock < self._until:
            return self._step
        rng, fidgets = self._mind.rng, self._mind.habits.fidgets
        if self._back:
            # As far back as it went out, so that nobody drifts away.
            self._step, self._back = self._back, 0
            self._until = view.clock + self._length
        elif self._mind.chance(fidgets):
            self._step, self._back = rng.choice(((_RIGHT, _LEFT), (_LEFT, _RIGHT)))
            self._length = rng.uniform(0.15, 0.35)
            self._until = view.clock + self._length
        else:
            self._step = 0
            self._until = view.clock + rng.uniform(0.3, 1.0)
        return self._step
