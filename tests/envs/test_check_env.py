# ruff: noqa: D102 - the environments here are gymnasium's methods and nothing else
from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from understudy.envs.testing import check_env
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

WALK = BehaviorSpec(
    "walk",
    (SensorSpec("place", spaces.Box(-9, 9, (1,), np.float32)),),
    (ActionSpec("step", spaces.Discrete(3), labels=("left", "none", "right")),),
    10,
)


class Walk(gymnasium.Env):
    """A walk on a line that ends at either end; the start is random."""

    behavior: BehaviorSpec = WALK
    observation_space = WALK.observation_space
    action_space = WALK.action_space

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:  # noqa: ARG002
        super().reset(seed=seed)
        self.place = float(self.np_random.integers(-3, 4))
        return self._see(), {"position": (self.place,)}

    def step(self, action: dict) -> tuple[dict, float, bool, bool, dict[str, Any]]:
        self.place += float(action["step"]) - 1
        return self._see(), 0.0, abs(self.place) >= 5, False, {"position": (self.place,)}

    def _see(self) -> dict[str, np.ndarray]:
        return {"place": np.array([self.place], np.float32)}


class Nameless(Walk):
    behavior = None  # type: ignore[assignment]


class OtherSpace(Walk):
    action_space = spaces.Dict({"step": spaces.Discrete(2)})


class Drifting(Walk):
    def step(self, action: dict) -> tuple:
        self.place += np.random.default_rng().normal()
        return super().step(action)


class Unseeded(Walk):
    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:  # noqa: ARG002
        return super().reset(seed=None)


class Escaping(Walk):
    def _see(self) -> dict[str, np.ndarray]:
        return {"place": np.array([10.0], np.float32)}


class Undefined(Walk):
    def _see(self) -> dict[str, np.ndarray]:
        return {"place": np.array([np.nan], np.float32)}


class Unrewarding(Walk):
    def step(self, action: dict) -> tuple:
        observation, _, terminated, truncated, info = super().step(action)
        return observation, float("nan"), terminated, truncated, info


class Lost(Walk):
    def step(self, action: dict) -> tuple:
        return *super().step(action)[:4], {"position": (np.inf,)}


class Numbered(Walk):
    def step(self, action: dict) -> tuple:
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, int(terminated), truncated, info


class CloseOnce(Walk):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("already closed")
        self.closed = True


def test_an_environment_that_keeps_the_contract_passes() -> None:
    """Over several episodes, with ends and resets between them."""
    check_env(Walk, steps=200)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Nameless, "`behavior` is None"),
        (OtherSpace, "action_space is"),
        (Drifting, "differ at moment 1 in sensor 'place'"),
        (Unseeded, "second reset with the same seed differs"),
        (Escaping, "leaves its range: values from 10.0"),
        (Undefined, "every value must be finite"),
        (Unrewarding, "the reward of step 0 is nan"),
        (Lost, r"info\['position'\] is \(inf,\)"),
        (Numbered, "`terminated` of step 0 is 0"),
    ],
)
def test_each_broken_promise_is_named(broken: type[gymnasium.Env], message: str) -> None:
    """One environment for each promise, that breaks just this one."""
    with pytest.raises(AssertionError, match=message):
        check_env(broken, steps=50)


def test_closing_twice_must_do_no_harm() -> None:
    """An environment that minds is found out."""
    with pytest.raises(RuntimeError, match="already closed"):
        check_env(CloseOnce, steps=5)
