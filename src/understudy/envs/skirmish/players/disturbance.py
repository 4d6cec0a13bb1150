"""Disturbances: now and then a hand does something else than its player wants, who then has to find back.

Whoever copies recorded play comes to places where nobody was, and there has nothing to copy. Recordings of disturbed
play say what players do there: they hold what the players wanted, and the game what their hands did.

Source: noise in the supervisor's controls, Laskey et al. 2017, "DART", arXiv:1703.09327.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.envs.skirmish.behavior import MAX_TURN_DEGREES, MOVES
from understudy.envs.skirmish.state import NUM_AGENTS

_LONGEST = 12
"""Decisions that a disturbance lasts at most; at least one, evenly."""
_TURN_DEG = 6.0
"""Standard deviation of what it adds to the turn of every decision."""


class Disturbance:
    """What disturbs the four players of one match.

    Args:
        seed: Of the match; the same gives the same disturbances.
        share: Of decisions that are disturbed, from 0 up to, but not including, 1.
    """

    def __init__(self, seed: int, share: float) -> None:
        self._rng = np.random.default_rng((seed, 0xDA27))
        mean = (1 + _LONGEST) / 2
        self._chance = share / (mean * (1 - share) + share)
        self._left, self._move = np.zeros(NUM_AGENTS, np.int64), np.zeros(NUM_AGENTS, np.int64)
        self._turn = np.zeros(NUM_AGENTS)

    def disturb(self, actions: Mapping[str, np.ndarray]) -> None:
        """Change what the four do, each part of shape (4,), in place; called once a decision."""
        begun = (self._left == 0) & (self._rng.random(NUM_AGENTS) < self._chance)
        lengths, moves = self._rng.integers(1, _LONGEST + 1, NUM_AGENTS), self._rng.integers(0, len(MOVES), NUM_AGENTS)
        self._left = np.where(begun, lengths, self._left)
        self._move = np.where(begun, moves, self._move)
        self._turn = np.where(begun, self._rng.normal(0, _TURN_DEG, NUM_AGENTS), self._turn)
        now = self._left > 0
        turns = np.clip(actions["turn"] + self._turn, -MAX_TURN_DEGREES, MAX_TURN_DEGREES)
        actions["move"][:] = np.where(now, self._move, actions["move"])
        actions["turn"][:] = np.where(now, turns, actions["turn"])
        self._left = np.maximum(self._left - 1, 0)
