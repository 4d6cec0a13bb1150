"""The agent contract holds for the agents here, and finds each kind of broken promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from toys import TOY, sample_observation
from understudy.agents import RandomAgent
from understudy.agents.testing import check_agent
from understudy.errors import ObservationError
from understudy.spec import Action, Observation

OBSERVATIONS = [sample_observation(TOY, 0, step) for step in range(6)]


def test_the_random_agent_keeps_the_contract() -> None:
    """The random agent is an agent."""
    check_agent(lambda: RandomAgent(TOY), OBSERVATIONS)


class Remembering(RandomAgent):
    """Forgets nothing at a reset."""

    def reset(self, seed: int) -> None:
        """Start the noise at the first reset only."""
        if not hasattr(self, "_seed"):
            super().reset(seed)


class Unseeded(RandomAgent):
    """Draws from the machine's own randomness."""

    def act(self, observation: Observation) -> Action:
        """Ignore the seed."""
        return {**super().act(observation), "move": np.asarray(np.random.default_rng().integers(3))}


class Scribbling(RandomAgent):
    """Writes to what it is shown."""

    def act(self, observation: Observation) -> Action:
        """Change the observation."""
        observation["rays"][0] += 1
        return super().act(observation)


class Careless(RandomAgent):
    """Looks at nothing."""

    def act(self, observation: Observation) -> Action:  # noqa: ARG002
        """Act on a good observation, whatever was shown."""
        return super().act(OBSERVATIONS[0])


class Shaken(RandomAgent):
    """Counts a decision that it refused."""

    def act(self, observation: Observation) -> Action:
        """Refuse after the noise has moved on."""
        try:
            return super().act(observation)
        except ObservationError:
            super().act(OBSERVATIONS[0])
            raise


class Nosy(RandomAgent):
    """Minds what is not a sensor."""

    def act(self, observation: Observation) -> Action:
        """Refuse more than the sensors."""
        if len(observation) > len(TOY.sensors):
            return {**super().act(observation), "move": np.asarray(0)}
        return {**super().act(observation), "move": np.asarray(1)}


def answering(**parts: Any) -> Callable[[], RandomAgent]:
    """Make agents that answer with these parts, a part of `None` being left out."""

    class Answering(RandomAgent):
        def act(self, observation: Observation) -> Action:
            answer = {**super().act(observation), **parts}
            return {name: value for name, value in answer.items() if value is not None}

    return lambda: Answering(TOY)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Remembering(TOY), r"a reset after another play gives another '\w+' at decision 0"),
        (lambda: Unseeded(TOY), "another instance with the same seed gives another 'move' at decision"),
        (lambda: Scribbling(TOY), r"`act` wrote to the observation's 'rays'"),
        (lambda: Careless(TOY), r"it acts on an observation without 'rays' instead of raising ObservationError"),
        (lambda: Shaken(TOY), r"a play that went on after an observation without 'rays' gives another '\w+'"),
        (lambda: Nosy(TOY), r"an observation with more in it gives another 'move' at decision 0: 0, not 1"),
        (answering(move=None), r"has the parts \['buttons', 'turn'\], but the behaviour's are"),
        (answering(move=1), "part 'move' is a int, not a numpy array"),
        (answering(move=np.array([1])), r"part 'move' is int64 of shape \(1,\), not int64 of shape \(\)"),
        (answering(move=np.asarray(3)), r"part 'move' is 3, outside Discrete\(3\)"),
        (answering(turn=np.array([11], np.float32)), r"part 'turn' is \[11.0\], outside Box"),
        (lambda: object(), "lacks `behavior`, `reset`, `act` or `close`"),
    ],
)
def test_a_broken_promise_is_named(make: Callable[[], Any], message: str) -> None:
    """Each way to break the contract is found, and said in words."""
    with pytest.raises(AssertionError, match=f"^The agent breaks its contract: .*{message}"):
        check_agent(make, OBSERVATIONS)
