"""Doom environments for the tests, and actions by the words of their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("vizdoom", reason="the package 'vizdoom' is not installed")

from understudy.envs.doom.behavior import doom_actions
from understudy.envs.vizdoom.env import DoomEnv
from understudy.spec import Action


@pytest.fixture
def make_doom() -> Iterator[Callable[..., DoomEnv]]:
    """Make environments that end with the test."""
    made: list[DoomEnv] = []

    def make(**options: object) -> DoomEnv:
        made.append(DoomEnv(**options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for env in made:
        env.close()


@pytest.fixture(scope="session")
def press() -> Callable[..., Action]:
    """Build an action from words: `press(move="forward", turn=5)`; what is not named rests."""
    rest = {"move": "none", "strafe": "none", "fire": "no", "use": "no", "weapon": "keep"}

    def build(turn: float = 0.0, **words: str) -> Action:
        action = {"turn": np.array([turn], np.float32)}
        for part in doom_actions():
            if part.name != "turn":
                action[part.name] = np.array(part.labels.index({**rest, **words}[part.name]), np.int64)
        return {part.name: action[part.name] for part in doom_actions()}

    return build
