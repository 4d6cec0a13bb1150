"""The player that every other is compared with: each action part uniform over its space, independently."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from understudy.agents.noise import uniform_noise
from understudy.spec import Action, ActionSpec, BehaviorSpec, Observation


class RandomAgent:
    """Acts uniformly at random, whatever it sees.

    Args:
        behavior: Whose action parts it fills.
    """

    def __init__(self, behavior: BehaviorSpec) -> None:
        self.behavior = behavior
        self._sizes = [
            part.num_labels if not isinstance(part.space, spaces.Discrete) else 1 for part in behavior.actions
        ]
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start the noise stream of `seed` from its beginning."""
        self._seed = np.array([seed], np.uint64)
        self._decision = np.zeros(1, np.uint64)

    def act(self, observation: Observation) -> Action:
        """Draw one action; the observation is checked, as by any agent, and has no say in it."""
        self.behavior.check_observation(observation)
        noise = uniform_noise(self._seed, self._decision, sum(self._sizes))[0]
        self._decision += np.uint64(1)
        draws = np.split(noise, np.cumsum(self._sizes)[:-1])
        return {part.name: _stretch(part, draw) for part, draw in zip(self.behavior.actions, draws, strict=True)}

    def close(self) -> None:
        """Nothing to release."""


def _stretch(part: ActionSpec, draw: np.ndarray) -> np.ndarray:
    """Map uniform numbers in [0, 1) onto the part's space."""
    space = part.space
    if isinstance(space, spaces.Discrete):
        return np.asarray(int(draw[0] * int(space.n)), part.dtype)
    if isinstance(space, spaces.MultiBinary):
        return (draw < 0.5).astype(part.dtype)
    # In float64, where neither the range overflows nor a sum rounds past its end.
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    return np.asarray(low + draw.reshape(space.shape) * (high - low), part.dtype)
