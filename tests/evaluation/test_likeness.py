from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from understudy.evaluation.likeness import Measure, Play, hold_lengths, panel
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

BEHAVIOR = BehaviorSpec(
    "toy",
    (SensorSpec("x", spaces.Box(0, 1, (1,), np.float32)),),
    (ActionSpec("move", spaces.Discrete(3)), ActionSpec("turn", spaces.Box(-90, 90, (1,), np.float32))),
    10.0,
)
MEASURES = {
    "move": [Measure("move", ("move",))],
    "turn": [Measure("turn", ("turn",), (-1.0, 1.0))],
    "hold": [Measure("move held", ("move",), holds=True)],
}


def play(moves: np.ndarray, turns: np.ndarray) -> Play:
    """Make play of columns."""
    return Play(BEHAVIOR, {"move": moves, "turn": turns[:, None].astype(np.float32)})


def holding(seed: int, length: int, mean_hold: float) -> Play:
    """Moves that change with probability 1 / mean_hold."""
    rng = np.random.default_rng(seed)
    moves = np.zeros(length, np.int64)
    for step in range(1, length):
        moves[step] = rng.integers(3) if rng.random() < 1 / mean_hold else moves[step - 1]
    return play(moves, rng.normal(0, 5, length))


def test_hold_lengths_count_each_run() -> None:
    """Runs of equal choices are measured, the first and the last too."""
    assert hold_lengths(np.array([1, 1, 0, 2, 2, 2])).tolist() == [2, 1, 3]


def test_histograms_count_joint_choices_and_bins() -> None:
    """Two parts are counted as one joint choice; numbers fall into the bins between the edges."""
    one = play(np.array([0, 2, 2]), np.array([-5.0, 0.0, 7.0]))
    assert Measure("turn", ("turn",), (-1.0, 1.0)).histogram(one).tolist() == [1, 1, 1]
    joint = Measure("both", ("move", "turn"), (-1.0, 1.0)).histogram(one)
    assert np.flatnonzero(joint).tolist() == [0, 7, 8]


def test_the_same_way_of_playing_is_close_and_another_is_not() -> None:
    """Players who hold as long as the people are closer to them than players who do not."""
    people = [holding(seed, 2000, 8) for seed in range(4)]
    alike, hasty = ([holding(seed, 2000, hold) for seed in range(10, 14)] for hold in (8, 1.2))
    table = panel({"alike": alike, "hasty": hasty}, people, MEASURES)
    assert table["alike"]["hold"].high < table["hasty"]["hold"].low
    assert table["alike"]["move"].divergence < 0.02
    for row in table.values():
        for each in row.values():
            assert each.low <= each.divergence + 0.02
            assert each.high >= each.divergence - 0.02


def test_a_part_that_is_not_there_is_named() -> None:
    """A measure of an unknown action part raises an error that names it."""
    with pytest.raises(Exception, match="jump"):
        Measure("jump", ("jump",)).histogram(Play(BEHAVIOR, {"jump": np.zeros(3)}))
