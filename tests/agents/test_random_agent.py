"""The random agent is uniform over each part of the action, and inside it."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from toys import TOY, sample_observation
from understudy.agents.random import RandomAgent
from understudy.spec import ActionSpec, BehaviorSpec

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


def one_part(space: spaces.Space) -> BehaviorSpec:
    """The toy behaviour with this part alone."""
    return BehaviorSpec("one", TOY.sensors, (ActionSpec("part", space),), 10.0)


@given(st.integers(0, 2**64 - 1), st.integers(1, 1000), finite, finite)
def test_every_action_is_inside_its_space(seed: int, choices: int, one: float, other: float) -> None:
    """Whatever the seed and the bounds, even the largest a float holds, no action leaves its space."""
    box = spaces.Box(min(one, other), max(one, other), (2, 2), np.float32)
    for space in (spaces.Discrete(choices), spaces.MultiBinary(5), box):
        agent = RandomAgent(one_part(space))
        agent.reset(seed)
        for step in range(3):
            assert space.contains(agent.act(sample_observation(TOY, 0, step))["part"])


def test_choices_buttons_and_numbers_are_uniform() -> None:
    """Over many decisions each choice, each button and each quarter of a range comes as often as any other."""
    agent, observation = RandomAgent(TOY), sample_observation(TOY, 0, 0)
    actions = [agent.act(observation) for _ in range(4000)]
    moves = np.bincount([int(each["move"]) for each in actions], minlength=3)
    turns = np.histogram([each["turn"][0] for each in actions], bins=4, range=(-10, 10))[0]
    buttons = np.mean([each["buttons"] for each in actions], axis=0)
    np.testing.assert_allclose(moves / 4000, 1 / 3, atol=0.03)
    np.testing.assert_allclose(turns / 4000, 1 / 4, atol=0.03)
    np.testing.assert_allclose(buttons, 0.5, atol=0.03)


def test_parts_are_independent() -> None:
    """Knowing one part tells nothing about another."""
    agent, observation = RandomAgent(TOY), sample_observation(TOY, 0, 0)
    actions = [agent.act(observation) for _ in range(4000)]
    table = np.array([[float(np.ravel(each[name])[0]) for name in TOY.action_names] for each in actions])
    correlation = np.corrcoef(table.T) - np.eye(3)
    assert np.abs(correlation).max() < 0.06
