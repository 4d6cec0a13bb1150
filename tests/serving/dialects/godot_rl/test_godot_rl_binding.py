"""How a game's keys find the sensors and parts of a bundle."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.godot_rl.actions import action_keys, bind_actions, to_unit, write_action
from understudy.serving.dialects.godot_rl.info import ActionKey, ObservationKey, parse_env_info
from understudy.serving.dialects.godot_rl.observations import bind_sensors
from understudy.serving.dialects.godot_rl.seeds import life_seed
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

RAYS = SensorSpec("rays", spaces.Box(-1, 1, (3,), np.float32))
SLOT = SensorSpec("slot", spaces.Box(0, 7, (), np.uint8))
MOVE = ActionSpec("move", spaces.Discrete(3))
ONE = BehaviorSpec("one", (RAYS,), (MOVE,), 10.0)


def test_the_only_key_is_the_only_sensor() -> None:
    """A game that calls its vector `obs`, as most do, plays a bundle whose only sensor has another name."""
    (reader,) = bind_sensors(ONE, [ObservationKey("obs", (3,))], planar=False)
    np.testing.assert_array_equal(reader.read({"obs": [1, 0.5, -1]}), np.array([1, 0.5, -1], np.float32))


def test_the_only_action_key_is_the_only_part() -> None:
    """The same for actions, whose size and kind must still be equal."""
    writers = bind_actions(ONE, [ActionKey("jump", 3, True)])
    assert write_action(writers, [np.array([2])], 0) == {"jump": 2}
    with pytest.raises(SpecMismatchError, match=r"'jump' \(discrete, 4\), but the bundle's are 'jump' \(discrete, 3\)"):
        bind_actions(ONE, [ActionKey("jump", 4, True)])


def test_keys_beyond_the_bundle_are_left_alone() -> None:
    """A game may observe more than a bundle reads."""
    keys = [ObservationKey("map_2d", (3, 36, 36)), ObservationKey("rays", (3,))]
    (reader,) = bind_sensors(ONE, keys, planar=False)
    assert reader.read({"rays": [0, 0, 0], "map_2d": "broken"}).tolist() == [0, 0, 0]


def test_an_index_is_one_number() -> None:
    """An observation of a discrete space is read as its number, and must lie in the space."""
    behavior = BehaviorSpec("slots", (SLOT,), (MOVE,), 10.0)
    (reader,) = bind_sensors(behavior, [ObservationKey("slot", (), 5)], planar=False)
    assert reader.read({"slot": 4}) == 4
    with pytest.raises(ObservationError, match="'slot' is 5; it must be from 0 to 4"):
        reader.read({"slot": 5})


def test_sizes_that_come_from_vectors_are_whole() -> None:
    """Godot writes 36.0 for a size taken from a Vector2."""
    message = {
        "n_agents": 1.0,
        "observation_space": {"eye_2d": {"size": [3, 36.0, 36.0], "space": "box"}},
        "action_space": {"move": {"size": 3.0, "action_type": "discrete"}},
    }
    (agent,) = parse_env_info(message, 4)
    assert agent.observation[0].size == (3, 36, 36)
    assert agent.policy == "shared_policy"
    assert agent.action == (ActionKey("move", 3, True),)


def test_buttons_are_choices_of_two() -> None:
    """Without labels, buttons are numbered."""
    part = ActionSpec("buttons", spaces.MultiBinary(2))
    assert [each.name for each in action_keys(part)] == ["buttons_0", "buttons_1"]


@given(st.floats(-100, 100, width=32), st.floats(0, 100, width=32), st.floats(0, 1))
def test_scaling_to_unit_reads_back(low: float, width: float, share: float) -> None:
    """-1 is the lower bound, 1 the upper, and what lies between keeps its place."""
    part = ActionSpec("turn", spaces.Box(np.float32(low), np.float32(low + width), (1,), np.float32))
    (bottom,), (top,) = part.space.low.astype(float), part.space.high.astype(float)  # type: ignore[union-attr]
    value = np.array([bottom + share * (top - bottom)])
    (unit,) = to_unit(part, value)
    assert -1 <= unit <= 1
    assert bottom + (unit + 1) / 2 * (top - bottom) == pytest.approx(value[0], abs=1e-9 * (1 + abs(low) + width)) or (
        top == bottom and unit == 0
    )


@given(st.integers(0, 2**64 - 1), st.integers(0, 1023), st.integers(0, 2**20))
def test_each_life_has_a_seed_of_its_own(seed: int, agent: int, life: int) -> None:
    """Another agent, life or server seed is another bot; the same three are the same."""
    own = life_seed(seed, agent, life)
    assert 0 <= own < 2**64
    assert own == life_seed(seed, agent, life)
    assert (
        len({own, life_seed(seed, agent + 1, life), life_seed(seed, agent, life + 1), life_seed(seed ^ 1, agent, life)})
        == 4
    )
