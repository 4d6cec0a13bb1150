"""A scripted tester as an agent that can be recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium

from understudy.envs.parkland.env import ParklandEnv
from understudy.envs.parkland.testers.tester import ScriptedTester
from understudy.errors import GameError
from understudy.spec import Action, Observation


class TesterAgent:
    """Plays a park with a preference; scripted and privileged: it is told `info`, and looks at nothing.

    Args:
        env: The park.
        preference: One of `PREFERENCES`.

    Attributes:
        behavior: The park's.

    Raises:
        GameError: If the game is no park, or there is no such preference.
    """

    def __init__(self, env: gymnasium.Env, preference: str) -> None:
        game = env.unwrapped
        if not isinstance(game, ParklandEnv):
            raise GameError("Scripted testers play understudy/Parkland-v0 only; take another agent for this game.")
        self.behavior = game.behavior
        self._tester = ScriptedTester(game.layout, preference)
        self._info: Mapping[str, Any] = {}

    def reset(self, seed: int) -> None:
        """Begin a new episode, with the whims of `seed`."""
        self._tester.reset(seed)

    def tell(self, info: Mapping[str, Any]) -> None:
        """Take in the true pose for the next decision."""
        self._info = info

    def act(self, observation: Observation) -> Action:  # noqa: ARG002
        """Decide from what was told."""
        return self._tester.act(self._info)

    def close(self) -> None:
        """Nothing to release."""
