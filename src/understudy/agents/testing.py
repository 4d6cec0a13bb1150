"""The contract of every agent here, as a suite to run on your own: `check_agent(lambda: MyAgent(), observations)`.

Each broken promise is an `AssertionError` that says which one, so that a test of yours needs only that one line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.agents.agent import Agent
from understudy.errors import ObservationError
from understudy.spec import Action, ActionSpec, BehaviorSpec, Observation


def check_agent(make_agent: Callable[[], Agent], observations: Sequence[Observation], *, seed: int = 0) -> None:
    """Check that an agent keeps the contract; it is made twice and shown the same observations again and again.

    What is promised: the same seed and observations give the same actions, in another instance and after a reset;
    `reset` forgets everything; each action has each part of the behaviour, with its shape, dtype and range; what is in
    an observation beside the behaviour's sensors is ignored, and no array of it is written to; a missing, misshapen or
    not finite array raises `ObservationError` and does no harm; `close` may be called twice.

    Args:
        make_agent: Makes a new agent, `behavior` and all.
        observations: Of consecutive decisions, at least three, each with all sensors of the behaviour.
        seed: To play with.

    Raises:
        AssertionError: If a promise is broken; the message says which.
    """
    _promise(len(observations) >= 3, f"the check itself needs three observations, not {len(observations)}")
    agent, other = make_agent(), make_agent()
    _promise(isinstance(agent, Agent), f"{agent!r} lacks `behavior`, `reset`, `act` or `close`")
    try:
        first = _play(agent, observations, seed)
        _same(first, _play(other, observations, seed), "another instance with the same seed")
        _play(agent, observations[::-1], seed + 1)
        _same(first, _play(agent, observations, seed), "a reset after another play")
        _same(first, _play(agent, [_with_more(each) for each in observations], seed), "an observation with more in it")
        _check_refusals(agent, observations, seed, first)
    finally:
        for each in (agent, agent, other):
            each.close()


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(f"The agent breaks its contract: {otherwise}.")


def _play(agent: Agent, observations: Sequence[Observation], seed: int) -> list[dict[str, np.ndarray]]:
    agent.reset(seed)
    return [_decide(agent, observation) for observation in observations]


def _decide(agent: Agent, observation: Observation) -> dict[str, np.ndarray]:
    """Let it decide on a copy, check what it does, and copy that, for an agent may use its arrays again."""
    shown = {name: np.array(value) for name, value in observation.items()}
    action = agent.act(shown)
    for name, value in observation.items():
        _promise(np.array_equal(shown[name], value), f"`act` wrote to the observation's '{name}'")
    _check_action(agent.behavior, action)
    return {name: np.array(value) for name, value in action.items()}


def _check_action(behavior: BehaviorSpec, action: Action) -> None:
    found, promised = sorted(action), sorted(behavior.action_names)
    _promise(found == promised, f"an action has the parts {found}, but the behaviour's are {promised}")
    for part in behavior.actions:
        _check_part(part, action[part.name])


def _check_part(part: ActionSpec, value: Any) -> None:
    is_array = isinstance(value, np.ndarray)
    _promise(is_array, f"part '{part.name}' is a {type(value).__name__}, not a numpy array")
    fits = value.shape == part.shape and value.dtype == part.dtype
    form = f"{value.dtype} of shape {value.shape}"
    _promise(fits, f"part '{part.name}' is {form}, not {part.dtype} of shape {part.shape}")
    # A Box reaches its bounds only up to a rounding, where a graph computes in another order.
    slack = 1e-5 if isinstance(part.space, spaces.Box) else 0
    inside = part.space.contains(value) or (slack and _near(part.space, value, slack))
    _promise(bool(inside), f"part '{part.name}' is {value.tolist()}, outside {part.space}")


def _near(space: Any, value: np.ndarray, slack: float) -> bool:
    return bool((value >= space.low - slack).all() and (value <= space.high + slack).all())


def _same(expected: Sequence[Action], found: Sequence[Action], what: str) -> None:
    for step, (one, other) in enumerate(zip(expected, found, strict=True)):
        for name, value in one.items():
            same = np.array_equal(value, other[name])
            _promise(same, f"{what} gives another '{name}' at decision {step}: {other[name]}, not {value}")


def _with_more(observation: Observation) -> Observation:
    return {"not_a_sensor": np.zeros((2, 2)), **observation}


def _check_refusals(agent: Agent, observations: Sequence[Observation], seed: int, expected: Sequence[Action]) -> None:
    """Show bad observations in the middle of a play; each must be refused, and the play go on as if it had not been."""
    for what, bad in _bad_observations(agent.behavior, observations[0]):
        agent.reset(seed)
        before = [_decide(agent, observations[0])]
        try:
            agent.act(bad)
        except ObservationError:
            pass
        else:
            raise AssertionError(
                f"The agent breaks its contract: it acts on {what} instead of raising ObservationError."
            )
        rest = [_decide(agent, observation) for observation in observations[1:]]
        _same(expected, before + rest, f"a play that went on after {what}")


def _bad_observations(behavior: BehaviorSpec, good: Observation) -> list[tuple[str, Observation]]:
    bad: list[tuple[str, Observation]] = []
    for sensor in behavior.sensors:
        name, value = sensor.name, good[sensor.name]
        bad.append((f"an observation without '{name}'", {key: good[key] for key in good if key != name}))
        bad.append((f"a '{name}' with a row too many", {**good, name: np.stack([value, value])}))
        if value.dtype.kind == "f":
            bad.append((f"a '{name}' that is not finite", {**good, name: np.full_like(value, np.nan)}))
    return bad
