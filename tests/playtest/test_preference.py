from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from understudy.playtest.coverage import Coverage, CoverageSpec, open_measure
from understudy.playtest.coverage.preference import Preference, kept, near_keys, open_preferences
from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

CELL = 10.0
GAME = BehaviorSpec(
    "walk",
    (SensorSpec("sight", spaces.Box(0, 1, (1,), np.float32)),),
    (ActionSpec("move", spaces.Discrete(2)),),
    decision_hz=10.0,
)


def record(folder: Path, walk: list[tuple[float, ...]], *, extra: str = "position") -> Path:
    """Write a demonstration of this walk."""
    extras = {extra: spaces.Box(-np.inf, np.inf, (len(walk[0]),), np.float32)}
    with EpisodeWriter(folder, GAME, Provenance(game="walk"), name="demo", extras=extras) as writer:
        for position in walk:
            sight, move = np.zeros(1, np.float32), np.array(0)
            writer.append({"sight": sight}, {"move": move}, extras={extra: np.array(position, np.float32)})
        writer.finish(terminated=True, truncated=False)
    return folder


def preference(walk: list[tuple[float, ...]], folder: Path, **options: float) -> Preference:
    """The preference that one demonstration makes."""
    spec = CoverageSpec.model_validate({"cell": CELL, "preferences": {"path": "demo"}, **options})
    record(folder / "demo", walk)
    (found,) = open_preferences(spec.anchored(folder), open_measure(spec), "walk")
    return found


def walked(*cells: tuple[int, int]) -> Coverage:
    """A run that spent a decision in each of these cells."""
    coverage = Coverage(CELL)
    for column, row in cells:
        coverage.visit(((column + 0.5) * CELL, (row + 0.5) * CELL))
    return coverage


def test_the_path_has_no_holes_and_jumps_no_walls(tmp_path: Path) -> None:
    """Cells between two decisions are on the path; those that a teleport skipped are not."""
    found = preference([(5, 5), (35, 5), (995, 5)], tmp_path)
    assert found.path == {(0, 0), (1, 0), (2, 0), (3, 0), (99, 0)}


@given(st.floats(1, 40))
def test_the_corridor_is_what_lies_within_reach(reach: float) -> None:
    """A cell is on the preference if its middle lies within reach of the path, or the path crosses it."""
    spec = CoverageSpec.model_validate({"cell": CELL, "preferences": {"path": "x"}, "within": reach})
    walk = np.array([(5.0, 5.0), (25.0, 5.0), (45.0, 5.0)])
    near = near_keys(walk, spec, open_measure(spec))
    for column in range(-6, 11):
        for row in range(-6, 7):
            x, y = (column + 0.5) * CELL, (row + 0.5) * CELL
            distance = math.hypot(max(5 - x, 0, x - 45), y - 5)
            if abs(distance - reach) > CELL / 4:
                assert ((column, row) in near) == (distance <= reach)


def test_a_run_is_on_and_off_the_preference(tmp_path: Path) -> None:
    """Half the path, three decisions of four on it, one cell off it."""
    found = preference([(5, 5), (35, 5)], tmp_path, within=1.0)
    run = kept(walked((0, 0), (0, 0), (1, 0), (1, 5)), found)
    assert (run.covered, run.on, run.off) == (0.5, 0.75, 1)


def test_states_of_a_demonstration_are_its_path(tmp_path: Path) -> None:
    """Where states are counted, the path is the states that the demonstration met."""
    record(tmp_path, [(0.0, 0.0), (30.0, 0.0)])
    spec = CoverageSpec.model_validate({"key": {"position": 20}, "preferences": {"path": str(tmp_path)}})
    (found,) = open_preferences(spec, open_measure(spec), None)
    assert found.path == found.corridor == {(0, 0), (1, 0)}


@pytest.mark.parametrize(
    ("game", "extra", "words"),
    [("other", "position", "this playtest plays 'other'"), ("walk", "place", "does not say where the player was")],
)
def test_a_demonstration_of_another_game_is_left_out(tmp_path: Path, game: str, extra: str, words: str) -> None:
    """A recording of another game, or one without positions, is named; the report goes on without it."""
    record(tmp_path / "demo", [(0.0, 0.0)], extra=extra)
    spec = CoverageSpec.model_validate({"preferences": {"path": "demo"}}).anchored(tmp_path)
    (found,) = open_preferences(spec, open_measure(spec), game)
    assert words in found.problem
    assert not found.path


def test_recordings_that_are_not_there_are_told(tmp_path: Path) -> None:
    """A folder without recordings is a sentence in the report."""
    spec = CoverageSpec.model_validate({"preferences": {"path": ["none"]}}).anchored(tmp_path)
    (found,) = open_preferences(spec, open_measure(spec), None)
    assert "none is not there" in found.problem
