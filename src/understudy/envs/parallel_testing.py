"""The contract of every environment of many players here, as a suite to run on your own:
`check_parallel_env(lambda: MyEnv())`.

It stands beside pettingzoo's own `parallel_api_test`, and asks for what that leaves open: the `behavior`, the ranges,
the same play from the same seed, and an end. Each broken promise is an `AssertionError` that says which one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.errors import ObservationError
from understudy.spec import BehaviorSpec


def check_parallel_env(make_env: Callable[[], Any], *, steps: int = 200, longest: int = 10_000, seed: int = 0) -> None:
    """Check that a `pettingzoo.ParallelEnv` keeps the contract; it is made twice and played at random.

    What is promised: everybody's spaces are those of `behavior`; `agents` are some of `possible_agents`, and whoever is
    terminated or truncated leaves them; every observation has each sensor with its shape and dtype, finite and within
    its range; rewards are finite; the same seed and actions give the same play; `reset` begins anew in the middle and
    after an end; `infos[agent]["position"]`, if there is one, is finite; every episode ends; `close` may be called
    twice.

    Args:
        make_env: Makes a new environment, `behavior` and all.
        steps: Decisions to play, over as many episodes as that takes.
        longest: An episode of more decisions than this counts as endless.
        seed: Of the environment and of the actions.

    Raises:
        AssertionError: If a promise is broken; the message says which.
    """
    first, second = _play_once(make_env, steps, seed), _play_once(make_env, steps, seed)
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        difference = _difference(one, other)
        _promise(not difference, f"the same seed and actions differ at moment {index} in {difference}")
    env = make_env()
    env.reset(seed=seed)
    left = _play_to_the_end(env, longest, np.random.default_rng(seed))
    env.close()
    _promise(not left, f"after {longest} decisions {left} still play")


@dataclass(frozen=True)
class _Moment:
    """What one reset (no rewards yet) or step returned, copied."""

    observations: Mapping[str, Mapping[str, np.ndarray]]
    rewards: Mapping[str, float]
    agents: tuple[str, ...]


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(f"The environment breaks its contract: {otherwise}.")


def _play_once(make_env: Callable[[], Any], steps: int, seed: int) -> list[_Moment]:
    env, rng = make_env(), np.random.default_rng(seed)
    behavior = _check_spaces(env)
    moments = [_begin(env, behavior, seed)]
    for index in range(steps):
        if not env.agents:
            moments.append(_begin(env, behavior, seed + 1 + index))
        moments.append(_step(env, behavior, rng))
    difference = _difference(moments[0], _begin(env, behavior, seed))
    _promise(not difference, f"a second reset with the same seed differs from the first in {difference}")
    env.close()
    env.close()
    return moments


def _check_spaces(env: Any) -> BehaviorSpec:
    behavior = getattr(env, "behavior", None)
    if not isinstance(behavior, BehaviorSpec):
        raise AssertionError(f"The environment breaks its contract: `behavior` is {behavior!r}, not a BehaviorSpec.")
    for agent in env.possible_agents:
        for name in ("observation_space", "action_space"):
            found, promised = getattr(env, name)(agent), getattr(behavior, name)
            _promise(found == promised, f"{name} of '{agent}' is {found}, but the behaviour's is {promised}")
    return behavior


def _begin(env: Any, behavior: BehaviorSpec, seed: int) -> _Moment:
    observations, infos = env.reset(seed=seed)
    _promise(bool(env.agents), "after a reset nobody plays")
    _promise(set(observations) == set(env.agents), "a reset does not return an observation for each agent")
    _promise(set(infos) == set(env.agents), "a reset does not return infos for each agent")
    return _moment(env, behavior, observations, {}, infos)


def _step(env: Any, behavior: BehaviorSpec, rng: np.random.Generator) -> _Moment:
    acting = tuple(env.agents)
    observations, rewards, terminations, truncations, infos = env.step(_sample(env, rng))
    returned = (observations, rewards, terminations, truncations, infos)
    for what, found in zip(("observations", "rewards", "terminations", "truncations", "infos"), returned, strict=True):
        _promise(set(found) == set(acting), f"{what} are of {sorted(found)}, but {sorted(acting)} acted")
    for agent in acting:
        _promise(bool(np.isfinite(float(rewards[agent]))), f"the reward of '{agent}' is {rewards[agent]}")
        ended = terminations[agent] or truncations[agent]
        _promise(ended != (agent in env.agents), f"'{agent}' has ended, but is asked again, or the other way round")
    return _moment(env, behavior, observations, rewards, infos)


def _moment(
    env: Any,
    behavior: BehaviorSpec,
    observations: Mapping[str, Any],
    rewards: Mapping[str, float],
    infos: Mapping[str, Any],
) -> _Moment:
    _promise(set(env.agents) <= set(env.possible_agents), f"{env.agents} are not all possible agents")
    for agent, observation in observations.items():
        try:
            behavior.check_observation(observation)
        except ObservationError as error:
            raise AssertionError(f"The environment breaks its contract: {error}") from error
        for sensor in behavior.sensors:
            inside = sensor.space.contains(observation[sensor.name])
            _promise(inside, f"sensor '{sensor.name}' of '{agent}' leaves its range")
        position = np.asarray(infos[agent].get("position", 0.0), np.float64)
        _promise(bool(np.isfinite(position).all()), f"infos['{agent}']['position'] is {position}")
    copies = {
        agent: {name: each[name].copy() for name in behavior.sensor_names} for agent, each in observations.items()
    }
    return _Moment(copies, {agent: float(each) for agent, each in rewards.items()}, tuple(env.agents))


def _sample(env: Any, rng: np.random.Generator) -> dict[str, Any]:
    """An action of everybody, from `rng` alone: a space of its own would go on where another play left it."""
    actions = {}
    for agent in env.agents:
        space = env.action_space(agent)
        space.seed(int(rng.integers(2**31)))
        actions[agent] = space.sample()
    return actions


def _play_to_the_end(env: Any, longest: int, rng: np.random.Generator) -> list[str]:
    """Play one episode, and return who still plays in the end."""
    for _ in range(longest):
        if not env.agents:
            break
        env.step(_sample(env, rng))
    return list(env.agents)


def _difference(one: _Moment, other: _Moment) -> str:
    """Name what differs, or return an empty text."""
    if one.agents != other.agents or one.rewards != other.rewards:
        return "who plays, or the rewards"
    for agent, observation in one.observations.items():
        for name, values in observation.items():
            if not np.array_equal(values, other.observations[agent][name]):
                return f"sensor '{name}' of '{agent}'"
    return ""
