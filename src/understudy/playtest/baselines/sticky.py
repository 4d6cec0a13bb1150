"""Random play that keeps at what it does for a while, and so gets further than dice thrown at every decision."""

from __future__ import annotations

import numpy as np

from understudy.agents.random import RandomAgent
from understudy.errors import PlaytestError
from understudy.spec import Action, BehaviorSpec, Observation


class StickyRandom:
    """Repeats its last random action with some chance, all parts together.

    Args:
        behavior: Whose action parts it fills.
        keep: Chance to repeat, in [0, 1).

    Raises:
        PlaytestError: If `keep` is out of its range.
    """

    def __init__(self, behavior: BehaviorSpec, keep: float = 0.9) -> None:
        if not 0 <= keep < 1:
            raise PlaytestError(f"The chance to keep an action is {keep}; it goes from 0 up to, but not including, 1.")
        self.behavior = behavior
        self._keep = keep
        self._dice = RandomAgent(behavior)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forget the last action and start the draws of `seed` from their beginning."""
        self._dice.reset(seed)
        self._rng = np.random.default_rng(seed)
        self._last: Action | None = None

    def act(self, observation: Observation) -> Action:
        """Repeat, or draw anew; the observation is checked, as by any agent, and has no say in it."""
        if self._last is None or self._rng.random() >= self._keep:
            self._last = self._dice.act(observation)
        else:
            self.behavior.check_observation(observation)
        return self._last

    def close(self) -> None:
        """Nothing to release."""
