"""Actions of a bundle as a game reads them."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.actions import ActionPlan, allow
from understudy.serving.dialects.mlagents.unity import agent_info, brain_parameters
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

PARTS = (
    ActionSpec("move", spaces.Discrete(3)),
    ActionSpec("turn", spaces.Box(np.float32([[-90, 0]]), np.float32([[90, 10]]))),
    ActionSpec("buttons", spaces.MultiBinary(2)),
    ActionSpec("speed", spaces.Box(5, 5, (), np.float32)),
)
PLAN = ActionPlan(PARTS)
SEEN = (SensorSpec("seen", spaces.Box(0, 1, (1,), np.float32)),)


def behavior(*parts: ActionSpec) -> BehaviorSpec:
    """A behaviour with some action parts."""
    return BehaviorSpec("some", SEEN, parts, 10.0)


def encode(move: int, turn: list[float], buttons: list[int], mask: list[bool] | None = None) -> pb.AgentActionProto:
    """One agent's action."""
    actions = [np.array([move]), np.float32([[turn]]), np.array([buttons], np.int8), np.float32([5])]
    return PLAN.encode(actions, [agent_info(0, [], mask=mask or [])])[0]


def test_parts_become_branches_and_numbers() -> None:
    """Boxes become continuous actions by their bounds, choices and buttons branches, each in the parts' order."""
    message = encode(2, [-90, 10], [1, 0])
    assert list(message.continuous_actions) == [-1, 1, 0]
    assert list(message.discrete_actions) == [2, 1, 0]
    assert list(message.vector_actions_deprecated) == [-1, 1, 0, 2, 1, 0]
    assert list(encode(0, [45, 2.5], [0, 0]).continuous_actions) == [0.5, -0.5, 0]
    assert (PLAN.num_continuous, PLAN.branches) == (3, [3, 2, 2])


def test_a_number_outside_its_bounds_stays_within_the_game_s() -> None:
    """A continuous action is never beyond -1 or 1."""
    assert list(encode(0, [-1e9, 99], [0, 0]).continuous_actions) == [-1, 1, 0]


@given(
    move=st.integers(0, 2),
    turn=st.tuples(st.floats(-90, 90, width=32), st.floats(0, 10, width=32)),
    buttons=st.tuples(st.integers(0, 1), st.integers(0, 1)),
)
def test_the_way_back_gives_the_action(move: int, turn: tuple[float, float], buttons: tuple[int, int]) -> None:
    """Decoding what was encoded gives each part, with its shape and dtype."""
    action = PLAN.decode(encode(move, list(turn), list(buttons)))
    for part, value in zip(PARTS, (move, [turn], buttons, 5), strict=True):
        assert action[part.name].dtype == part.dtype
        assert action[part.name].shape == part.shape
        np.testing.assert_allclose(action[part.name], value, atol=2e-5)


def test_no_agents_have_no_actions() -> None:
    """An empty batch is answered by an empty list."""
    assert PLAN.encode([np.zeros((0, *each.shape), each.dtype) for each in PARTS], []) == []


@pytest.mark.parametrize(
    ("mask", "choices"),
    [
        ([False] * 7, [2, 1, 0]),
        ([False, False, True, False, False, False, False], [0, 1, 0]),
        ([True, False, True, False, True, True, False], [1, 0, 1]),
        ([True, True, False, True, False, False, True], [2, 1, 0]),
        ([True] * 7, [2, 1, 0]),
    ],
)
def test_masks_are_kept(mask: list[bool], choices: list[int]) -> None:
    """A choice that is not allowed is replaced by the lowest that is; every other one stays."""
    assert list(encode(2, [0, 0], [1, 0], mask).discrete_actions) == choices


@given(mask=st.lists(st.booleans(), min_size=1, max_size=9), data=st.data())
def test_a_masked_choice_is_never_taken(mask: list[bool], data: st.DataObject) -> None:
    """Unless everything is masked, what is done is allowed; and it is the choice itself if that is allowed."""
    choice = data.draw(st.integers(0, len(mask) - 1))
    found = allow(choice, mask)
    assert not mask[found] or all(mask)
    assert found == choice or mask[choice]


def test_a_mask_of_the_wrong_size_is_named() -> None:
    """A mask must have an entry for each choice."""
    with pytest.raises(
        ObservationError, match=r"mask of agent 0 has 6 entries; its branches \[3, 2, 2\] have 7 choices"
    ):
        encode(0, [0, 0], [0, 0], [False] * 6)


def test_the_game_s_own_actions_are_compared() -> None:
    """A game with the very same branches and numbers fits; any other is refused with both."""
    PLAN.require(brain_parameters("any", behavior(*PARTS)))
    other = brain_parameters("any", behavior(PARTS[0], PARTS[1]))
    says = r"3 continuous actions and the discrete branches \[3, 2, 2\], the game 2 continuous actions and the .* \[3\]"
    with pytest.raises(SpecMismatchError, match=says):
        PLAN.require(other)
    with pytest.raises(SpecMismatchError):
        ActionPlan(PARTS[2:]).require(pb.BrainParametersProto())


@pytest.mark.parametrize("parts", [(PARTS[0], PARTS[2]), (PARTS[1], PARTS[3])])
def test_old_games_say_it_otherwise(parts: tuple[ActionSpec, ...]) -> None:
    """Before communicator 1.3.0 a behaviour was discrete or continuous, in other fields."""
    old = brain_parameters("any", behavior(*parts), legacy=True)
    ActionPlan(parts).require(old)
    with pytest.raises(SpecMismatchError):
        PLAN.require(old)


def test_a_long_misfit_is_cut_short() -> None:
    """A game cannot make the message grow."""
    spec = pb.ActionSpecProto(discrete_branch_sizes=[2] * 100_000)
    with pytest.raises(SpecMismatchError) as refusal:
        PLAN.require(pb.BrainParametersProto(action_spec=spec))
    assert len(str(refusal.value)) < 400
