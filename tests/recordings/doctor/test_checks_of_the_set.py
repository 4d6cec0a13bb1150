"""The checks that hold sessions against each other: extraneous segments, incompatible players, the learning curve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from understudy.recordings import EpisodeWriter, Provenance, open_recordings
from understudy.recordings.doctor import Report, Severity, examine
from understudy.recordings.doctor.checks.compatibility import Compatibility
from understudy.recordings.doctor.checks.extraneous import Extraneous
from understudy.recordings.doctor.checks.learning import LearningCurve, extrapolate
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

SWING = BehaviorSpec(
    "swing",
    (SensorSpec("place", spaces.Box(-3, 3, (2,), np.float32)),),
    (ActionSpec("push", spaces.Discrete(3), labels=("left", "none", "right")),),
    10.0,
)
STEPS, FOOLING = 150, range(60, 110)

KINDS = {each.name: each for each in (Extraneous, Compatibility, LearningCurve)}

Player = Callable[[float, int], int]


def right_way(place: float, step: int) -> int:
    """Push towards the middle."""
    del step
    return 2 if place < -0.2 else 0 if place > 0.2 else 1


def wrong_way(place: float, step: int) -> int:
    """Push away from it, where the others push towards it."""
    return 2 - right_way(place, step)


def fooling(place: float, step: int) -> int:
    """Play, but for a while do nothing."""
    return 1 if step in FOOLING else right_way(place, step)


def record(folder: Path, name: str, player: Player, seed: int) -> None:
    """Record a swing that is pushed, for a while."""
    rng = np.random.default_rng(seed)
    phase, width = rng.uniform(0, 6), rng.uniform(0.95, 1.05)
    with EpisodeWriter(folder, SWING, Provenance("swing", player=name), name=name) as writer:
        for step in range(STEPS):
            angle = phase + step / 5
            place = np.array([np.sin(angle), np.cos(angle)]) * width
            push = player(float(place[0]), step)
            writer.append({"place": place.astype(np.float32)}, {"push": np.int64(push)}, time_ns=step * 10**8)
        writer.finish(truncated=True)


def examined(tmp_path: Path, check: str, odd: Player | None = None, sessions: int = 12) -> Report:
    """Look at some usual sessions and an odd one with one check."""
    for seed in range(sessions):
        record(tmp_path / "logs", f"usual-{seed:02d}", right_way, seed)
    if odd is not None:
        record(tmp_path / "logs", "odd", odd, 99)
    return examine(open_recordings(tmp_path / "logs"), tmp_path / "cache", checks=[KINDS[check]()])


def test_a_stretch_that_nobody_else_plays_is_found_and_cut(tmp_path: Path) -> None:
    """Of the session in which someone fooled around, just about that stretch is found, and the fix leaves the rest."""
    [finding] = examined(tmp_path, "extraneous", fooling).findings
    assert finding.recording == "odd"
    assert finding.steps is not None
    start, stop = finding.steps
    assert abs(start - FOOLING.start) <= 12
    assert abs(stop - FOOLING.stop) <= 12
    assert finding.fix is not None
    assert finding.fix.operations[0].model_dump()["keep"] == ((0, start), (stop, STEPS))


@pytest.mark.parametrize("check", ["extraneous", "incompatible"])
def test_sessions_that_are_alike_are_left_in_peace(tmp_path: Path, check: str) -> None:
    """Where everyone plays the game, nothing is found."""
    assert examined(tmp_path, check).findings == ()


@pytest.mark.parametrize("check", ["extraneous", "incompatible", "learning-curve"])
def test_too_few_sessions_have_no_majority(tmp_path: Path, check: str) -> None:
    """Of three sessions none can be told to be the odd one."""
    assert examined(tmp_path, check, wrong_way, sessions=2).findings == ()


@pytest.mark.parametrize("check", list(KINDS))
@pytest.mark.parametrize("steps", [1, 2])
def test_a_session_of_hardly_a_step_does_no_harm(tmp_path: Path, check: str, steps: int) -> None:
    """It is not looked at, and does not keep the others from being."""
    with EpisodeWriter(tmp_path / "logs", SWING, Provenance("swing"), name="short") as writer:
        for _ in range(steps):
            writer.append({"place": np.zeros(2, np.float32)}, {"push": np.int64(1)})
        writer.finish(truncated=True)
    assert all(each.recording != "short" for each in examined(tmp_path, check).findings)


def test_a_player_who_contradicts_the_others_is_found(tmp_path: Path) -> None:
    """The session in which each push goes the other way is the one that is incompatible."""
    [finding] = examined(tmp_path, "incompatible", wrong_way).findings
    assert finding.recording == "odd"
    assert finding.evidence is not None
    assert finding.evidence.value < 0.5


def test_the_learning_curve_is_told_of_the_set(tmp_path: Path) -> None:
    """There is one note, about no recording of its own, and in a game this simple more sessions hardly help."""
    [finding] = examined(tmp_path, "learning-curve").findings
    assert (finding.recording, finding.severity) == ("", Severity.NOTE)
    assert "more of the same would hardly help" in finding.sentence


@given(
    floor=st.floats(0, 1),
    scale=st.floats(0.1, 2),
    power=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_a_power_law_is_drawn_on_as_itself(floor: float, scale: float, power: float) -> None:
    """What follows the law exactly is continued exactly."""
    sizes, ahead = np.array([1, 2, 4, 8, 16]), np.array([32, 64])
    errors = floor + scale * sizes.astype(float) ** -power
    np.testing.assert_allclose(
        extrapolate(sizes, errors, ahead), floor + scale * ahead.astype(float) ** -power, rtol=1e-4
    )
