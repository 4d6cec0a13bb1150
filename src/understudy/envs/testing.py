"""The contract of every environment here, as a suite to run on your own: `check_env(lambda: MyEnv())`.

Each broken promise is an `AssertionError` that says which one, so that a test of yours needs only that one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from understudy.errors import ObservationError
from understudy.spec import BehaviorSpec, Observation


def check_env(make_env: Callable[[], gymnasium.Env], *, steps: int = 100, seed: int = 0, repeats: bool = True) -> None:
    """Check that an environment keeps the contract; it is made twice and played at random.

    What is promised: the spaces are those of `behavior`; every observation has each sensor with its shape and dtype,
    finite and within its range; rewards are finite; the same seed and actions give the same play; after an end, and in
    the middle, `reset` begins anew; `info["position"]`, if there is one, is finite; `close` may be called twice.

    Args:
        make_env: Makes a new environment, `behavior` and all.
        steps: Decisions to play, over as many episodes as that takes.
        seed: Of the environment and of the actions.
        repeats: False for a game in real time, where the same seed and actions need not give the same play.

    Raises:
        AssertionError: If a promise is broken; the message says which.
    """
    first = _play_once(make_env, steps, seed)
    if not repeats:
        return
    second = _play_once(make_env, steps, seed)
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        difference = _difference(one, other)
        _promise(not difference, f"the same seed and actions differ at moment {index} in {difference}")


@dataclass(frozen=True)
class _Moment:
    """What one reset (no reward yet) or step returned, copied."""

    observation: dict[str, np.ndarray]
    reward: float | None
    ended: bool


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(f"The environment breaks its contract: {otherwise}.")


def _play_once(make_env: Callable[[], gymnasium.Env], steps: int, seed: int) -> list[_Moment]:
    env = make_env()
    try:
        behavior = _check_spaces(env)
        moments = _play(env, behavior, steps, seed)
        again = _begin(env, behavior, seed)
        difference = _difference(moments[0], again)
        _promise(not difference, f"a second reset with the same seed differs from the first in {difference}")
    finally:
        env.close()
    env.close()
    return moments


def _check_spaces(env: gymnasium.Env) -> BehaviorSpec:
    behavior = getattr(env, "behavior", None)
    if not isinstance(behavior, BehaviorSpec):
        raise AssertionError(f"The environment breaks its contract: `behavior` is {behavior!r}, not a BehaviorSpec.")
    for name in ("observation_space", "action_space"):
        found, promised = getattr(env, name), getattr(behavior, name)
        _promise(found == promised, f"{name} is {found}, but the behaviour's is {promised}")
    return behavior


def _play(env: gymnasium.Env, behavior: BehaviorSpec, steps: int, seed: int) -> list[_Moment]:
    env.action_space.seed(seed)
    moments = [_begin(env, behavior, seed)]
    for index in range(steps):
        if moments[-1].ended:
            moments.append(_begin(env, behavior, seed + 1 + index))
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        _promise(np.isfinite(float(reward)), f"the reward of step {index} is {reward}")
        for name, flag in (("terminated", terminated), ("truncated", truncated)):
            _promise(isinstance(flag, bool), f"`{name}` of step {index} is {flag!r}, not True or False")
        moments.append(_moment(behavior, observation, info, float(reward), terminated or truncated))
    return moments


def _begin(env: gymnasium.Env, behavior: BehaviorSpec, seed: int) -> _Moment:
    observation, info = env.reset(seed=seed)
    return _moment(behavior, observation, info, None, False)


def _moment(
    behavior: BehaviorSpec, observation: Observation, info: dict[str, Any], reward: float | None, ended: bool
) -> _Moment:
    try:
        behavior.check_observation(observation)
    except ObservationError as error:
        raise AssertionError(f"The environment breaks its contract: {error}") from error
    for sensor in behavior.sensors:
        values = observation[sensor.name]
        _promise(sensor.space.contains(values), f"sensor '{sensor.name}' leaves its range: {_extent(values)}")
    position = np.asarray(info.get("position", 0.0), np.float64)
    _promise(bool(np.isfinite(position).all()), f"info['position'] is {info.get('position')}")
    return _Moment({name: observation[name].copy() for name in behavior.sensor_names}, reward, ended)


def _extent(values: np.ndarray) -> str:
    return f"values from {values.min()} to {values.max()}" if values.size else "no values"


def _difference(one: _Moment, other: _Moment) -> str:
    """Name what differs, or return an empty text."""
    if (one.reward, one.ended) != (other.reward, other.ended):
        return "reward or end"
    for name, values in one.observation.items():
        if not np.array_equal(values, other.observation[name]):
            return f"sensor '{name}'"
    return ""
