"""Environments of many players keep the contract of `understudy.envs.parallel_testing`, which finds who does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from understudy.envs.parallel_testing import check_parallel_env
from understudy.envs.skirmish.behavior import SENSORS
from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.rules import Rules

QUICK = Rules(round_s=3.0, bomb_s=2.0)


@pytest.mark.parametrize(
    "options",
    [{"sensors": (*SENSORS, "enemies")}, {"level": "generated-5", "team_size": 1}, {"level": "harbour"}],
)
def test_skirmish_keeps_the_contract(options: dict[str, Any]) -> None:
    """Spaces, ranges, seeds, ends and closing are as promised, with every sensor, alone and in pairs."""
    check_parallel_env(lambda: SkirmishEnv(rules=QUICK, **options), steps=100)


def breaking(change: Callable[[SkirmishEnv], None]) -> Callable[[], SkirmishEnv]:
    """Makes environments that break a promise."""

    def make() -> SkirmishEnv:
        env = SkirmishEnv(rules=QUICK, sensors=("self",), team_size=1)
        change(env)
        return env

    return make


def _no_behavior(env: SkirmishEnv) -> None:
    del env.behavior


def _other_level(env: SkirmishEnv) -> None:
    reset, levels = env.reset, iter(("foundry", "harbour", "terrace"))
    env.reset = lambda seed=None: reset(seed=seed, options={"level": next(levels)})  # type: ignore[method-assign]


def _endless(env: SkirmishEnv) -> None:
    step = env.step

    def backwards(actions: Any) -> Any:
        result = step(actions)
        env.world.tick[:] = 0
        return result

    env.step = backwards  # type: ignore[method-assign]


def _out_of_range(env: SkirmishEnv) -> None:
    reset = env.reset

    def lying(seed: int | None = None, options: Any = None) -> Any:
        observations, infos = reset(seed=seed, options=options)
        return {agent: {"self": each["self"] + np.float32(3)} for agent, each in observations.items()}, infos

    env.reset = lying  # type: ignore[method-assign]


def _forgets_truncations(env: SkirmishEnv) -> None:
    step = env.step
    env.step = lambda actions: (*step(actions)[:3], {}, {})  # type: ignore[method-assign]


def _forgets_infos(env: SkirmishEnv) -> None:
    reset = env.reset
    env.reset = lambda seed=None: (reset(seed=seed)[0], {})  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_no_behavior, "not a BehaviorSpec"),
        (_other_level, "differ"),
        (_endless, "still play"),
        (_out_of_range, "leaves its range"),
        (_forgets_truncations, r"truncations are of \[\], but"),
        (_forgets_infos, "infos for each agent"),
    ],
)
def test_broken_promises_are_found(change: Callable[[SkirmishEnv], None], message: str) -> None:
    """The suite fails where it should."""
    with pytest.raises(AssertionError, match=message):
        check_parallel_env(breaking(change), steps=20, longest=200)
