"""A game as stable-baselines3 wants it: a gymnasium environment that seeds its own episodes and cuts them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np
from gymnasium import spaces

from understudy.errors import require
from understudy.spec import Action, BehaviorSpec

_MOST_SEEDS = 1 << 31


class ExploredGame(Protocol):
    """What is explored; `understudy.playtest.run.game.Game` is one."""

    behavior: BehaviorSpec

    def reset(self, seed: int) -> tuple[Mapping[str, np.ndarray], Mapping[str, Any]]:
        """Start an episode; return the observation and what is known besides."""
        ...

    def step(self, action: Action) -> tuple[Mapping[str, np.ndarray], float, bool, bool, Mapping[str, Any]]:
        """Do one decision; return observation, reward, terminated, truncated and what is known besides."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


MakeGame = Callable[[], ExploredGame]


class EpisodeGame(gymnasium.Env[Any, Any]):
    """A game whose episodes follow from one seed, one after the other.

    Args:
        game: To play.
        sensors: That are seen.
        limit: Decisions after which an episode is truncated.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, game: ExploredGame, sensors: Sequence[str], limit: int) -> None:
        self._game, self._names, self._limit = game, list(sensors), limit
        self.behavior = game.behavior
        self.observation_space = game.behavior.select(self._names).observation_space
        self.action_space = game.behavior.action_space
        self._seed = self._episode = self._decision = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Start the first episode of a seed, or without one the next."""
        super().reset(seed=seed, options=options)
        self._seed, self._episode = (self._seed, self._episode + 1) if seed is None else (seed, 0)
        self._decision = 0
        drawn = np.random.default_rng((self._seed, self._episode)).integers(_MOST_SEEDS)
        seen, info = self._game.reset(int(drawn))
        return self._select(seen), _told(info)

    def step(self, action: Action) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Do one decision."""
        seen, reward, terminated, truncated, info = self._game.step(action)
        self._decision += 1
        truncated = truncated or self._decision >= self._limit
        return self._select(seen), reward, terminated, truncated, _told(info)

    def close(self) -> None:
        """Close the game."""
        self._game.close()

    def _select(self, seen: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: seen[name] for name in self._names}


def open_games(make: MakeGame, count: int, sensors: Sequence[str], limit: int, *, workers: bool) -> Any:
    """Return `count` games side by side, a `VecEnv` of stable-baselines3.

    Args:
        make: Makes one; pickled by value for workers.
        count: How many.
        sensors: That are seen.
        limit: Decisions after which an episode is truncated.
        workers: Each in a process of its own.
    """
    require("stable_baselines3", "sb3")
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

    def make_episodes() -> gymnasium.Env[Any, Any]:
        return EpisodeGame(make(), sensors, limit)

    makers = [make_episodes] * count
    if not workers:
        return DummyVecEnv(makers)
    return SubprocVecEnv(makers, start_method="forkserver")


def flat_space(size: int) -> spaces.Box:
    """Return the space of a vector of unbounded numbers."""
    return spaces.Box(-np.inf, np.inf, (size,), np.float32)


def _told(info: Mapping[str, Any]) -> dict[str, Any]:
    """Only where the player is: for maps of what was covered, never for the agent."""
    return {"position": [float(each) for each in info["position"]]} if "position" in info else {}
