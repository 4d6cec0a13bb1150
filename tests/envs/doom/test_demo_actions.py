"""Commands as decisions: thresholds, signs, buttons, and what a single last tic gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from understudy.envs.doom.actions import decisions_from_tics, pair_tics
from understudy.envs.doom.behavior import doom_actions


def tics(*commands: tuple[int, int, int, int]) -> np.ndarray:
    """Build one player's commands from signed forward, side, turn and unsigned buttons."""
    return np.array([[value & 0xFF for value in command] for command in commands], np.uint8)


@pytest.mark.parametrize(("forward", "choice"), [(-50, 0), (-25, 0), (-24, 1), (0, 1), (24, 1), (25, 2), (50, 2)])
def test_move_is_the_first_tics_direction(forward: int, choice: int) -> None:
    """Walking (25) and running (50) both count as a direction; less does not; the second tic has no say."""
    columns = decisions_from_tics(tics((forward, 0, 0, 0), (-forward, 0, 0, 0)))

    assert columns["move"].tolist() == [choice]


@pytest.mark.parametrize(("side", "choice"), [(-40, 0), (-20, 0), (-19, 1), (19, 1), (20, 2), (40, 2)])
def test_strafe_is_the_first_tics_direction(side: int, choice: int) -> None:
    """Right is positive, from 20 on."""
    assert decisions_from_tics(tics((0, side, 0, 0), (0, 0, 0, 0)))["strafe"].tolist() == [choice]


@pytest.mark.parametrize(
    ("first", "second", "degrees"),
    [(1, 0, -1.40625), (-1, -2, 4.21875), (10, -10, 0.0), (64, 1, -90.0), (-128, -128, 90.0), (32, 32, -90.0)],
)
def test_turn_adds_up_in_degrees_to_the_right(first: int, second: int, degrees: float) -> None:
    """A vanilla turn byte is 1.40625 degrees to the left; the sum of two is clipped to 90 degrees."""
    turn = decisions_from_tics(tics((0, 0, first, 0), (0, 0, second, 0)))["turn"]

    np.testing.assert_array_equal(turn, np.array([[degrees]], np.float32))


@pytest.mark.parametrize(
    ("first", "second", "fire", "use", "weapon"),
    [
        (0, 0, 0, 0, 0),
        (1, 0, 1, 0, 0),
        (0, 3, 1, 1, 0),
        (4, 0, 0, 0, 1),
        (4 | 2 << 3, 4 | 3 << 3, 0, 0, 3),
        (0, 4 | 6 << 3, 0, 0, 7),
        (4 | 7 << 3, 0, 0, 0, 1),
        (3 << 3, 0, 0, 0, 0),
        (128 | 1 | 4, 0, 0, 0, 0),
    ],
)
def test_buttons_count_in_either_tic(first: int, second: int, fire: int, use: int, weapon: int) -> None:
    """Fire and use of any tic count, the first weapon change wins, a special command (128) presses nothing."""
    columns = decisions_from_tics(tics((0, 0, 0, first), (0, 0, 0, second)))

    assert (columns["fire"][0], columns["use"][0], columns["weapon"][0]) == (fire, use, weapon)


def test_a_single_last_tic_is_a_decision_of_its_own() -> None:
    """Three tics are two decisions; the second is what the third tic says alone."""
    commands = tics((50, 0, 2, 0), (50, 0, 2, 0), (-50, 40, -4, 1))

    columns = decisions_from_tics(commands)

    assert columns["move"].tolist() == [2, 0]
    assert columns["turn"].tolist() == [[-5.625], [5.625]]
    assert pair_tics(commands)[1].tolist() == [commands[2].tolist(), [0, 0, 0, 0]]


@given(commands=hnp.arrays(np.uint8, st.tuples(st.integers(0, 9), st.just(4))))
def test_any_commands_give_valid_actions_and_keep_their_bytes(commands: np.ndarray) -> None:
    """Every decision lies in the action space, in its dtype, and the pairs hold every byte in order."""
    columns = decisions_from_tics(commands)
    pairs = pair_tics(commands)

    assert list(columns) == [part.name for part in doom_actions()]
    for part in doom_actions():
        column = columns[part.name]
        assert column.shape == (len(pairs), *part.shape)
        assert column.dtype == part.dtype
        assert all(value in part.space for value in column)
    np.testing.assert_array_equal(pairs.reshape(-1, 4)[: len(commands)], commands)
    assert len(pairs) == (len(commands) + 1) // 2
