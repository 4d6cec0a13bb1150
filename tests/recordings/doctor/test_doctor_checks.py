"""Each check of the doctor finds its defect, where it is, and nothing in play without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from doctor_studies import STUDY, clean_play, find, only, with_columns, write_study

from understudy.recordings import EpisodeWriter, Provenance, open_recordings
from understudy.recordings.doctor import Severity, checks, examine
from understudy.recordings.doctor.specimens import save, spoil
from understudy.recordings.surgery import Deduplicate, Drop, Mask, Shift, Split, Trim


def rng(seed: int = 0) -> np.random.Generator:
    """Chance, by seed."""
    return np.random.default_rng(seed)


def test_clean_play_has_no_findings(tmp_path: Path) -> None:
    """In play without defects there is nothing to warn of."""
    write_study(tmp_path)

    found = examine(list(open_recordings(tmp_path)), tmp_path / ".doctor").of(Severity.WARNING)

    assert found == ()


@pytest.mark.parametrize("steps", [-4, 3])
def test_lag_is_measured(tmp_path: Path, steps: int) -> None:
    """Actions recorded late or early are found with their number of steps, and the fix moves them back."""
    play = clean_play(20, 60.0)
    inside = np.arange(max(0, steps), len(play) + min(0, steps))
    late = replace(play.take(inside), actions={name: each[inside - steps] for name, each in play.actions.items()})
    write_study(tmp_path, late)

    found = only(find(tmp_path, "lag"), "lag")

    assert found.evidence is not None
    assert found.evidence.value == -steps
    assert found.fix is not None
    assert found.fix.operations == (Shift(recordings=("spoiled",), steps=steps),)


def test_stuck_key_is_found_from_the_first_step(tmp_path: Path) -> None:
    """A key held from the first step for far longer than anybody holds it is stuck, and the fix cuts that out."""
    play = with_columns(clean_play(21), "fire", lambda fire: np.where(np.arange(len(fire)) < 180, 1, fire))
    write_study(tmp_path, play)

    found = only(find(tmp_path, "stuck-key"), "stuck-key")

    assert found.steps is not None
    assert found.steps[0] == 0
    assert found.steps[1] >= 180
    assert found.fix is not None
    assert found.fix.operations == (Trim(recordings=("spoiled",), keep=((found.steps[1], len(play)),)),)


def test_frozen_picture_is_found(tmp_path: Path) -> None:
    """A picture that repeats while the player turns is a duplicate, and the fix drops just these steps."""
    play = clean_play(22)
    turning = np.flatnonzero(np.abs(play.actions["turn"][:-12, 0]) > 2)
    start = int(turning[turning > 60][0])
    source = np.arange(len(play))
    source[start + 1 : start + 9] = start
    frozen = replace(play, observations={name: values[source] for name, values in play.observations.items()})
    frozen = with_columns(frozen, "turn", lambda turn: np.where(source[:, None] == start, 6.0, turn).astype(np.float32))
    write_study(tmp_path, frozen)

    found = only(find(tmp_path, "duplicate-frames"), "duplicate-frames")

    assert found.steps == (start + 1, start + 9)
    assert found.fix is not None
    assert found.fix.operations == (Deduplicate(recordings=("spoiled",), steps=tuple(range(start + 1, start + 9))),)


def test_dropped_frames_are_counted(tmp_path: Path) -> None:
    """Gaps in the game's count are counted, and the fix cuts there."""
    play = clean_play(23)
    kept = np.delete(np.arange(len(play)), [50, 51, 52, 120])
    write_study(tmp_path, play.take(kept))

    found = only(find(tmp_path, "dropped-frames"), "dropped-frames")

    assert found.evidence is not None
    assert found.evidence.value == 4
    assert found.fix is not None
    assert found.fix.operations == (Split(recordings=("spoiled",), at=(50, 117)),)


@pytest.mark.parametrize(("column", "by"), [("times_ns", -20_000_000_000), ("times_ns", 9_000_000_000), ("ticks", -80)])
def test_clock_jump_is_found(tmp_path: Path, column: str, by: int) -> None:
    """A jump of either clock is found at its step."""
    play = clean_play(24)
    clock = getattr(play, column).copy()
    clock[140:] += by
    write_study(tmp_path, replace(play, **{column: clock}))

    found = only(find(tmp_path, "clock-jump", "dropped-frames"), "clock-jump")

    assert found.steps == (140, 141)


def test_clock_drift_is_found(tmp_path: Path) -> None:
    """Two clocks of which one slows down in the course of a session are told apart from two that go alike."""
    play = clean_play(25, 60.0)
    slow = np.round(play.times_ns * (1 + 0.05 * np.arange(len(play)) / len(play))).astype(np.int64)
    write_study(tmp_path, replace(play, times_ns=slow))

    found = only(find(tmp_path, "clock-jump"), "clock-jump")

    assert "drift" in found.sentence


def test_idle_stretch_is_found(tmp_path: Path) -> None:
    """A long stretch without an input is found, and the fix leaves a moment of it."""
    spoiled = spoil("idle", clean_play(26), rng(1))
    write_study(tmp_path, spoiled.play)

    found = only(find(tmp_path, "idle", "duplicate-frames", "menu"), "idle")

    (steps,) = spoiled.steps
    assert found.steps is not None
    assert found.steps[0] <= steps[0]
    assert found.steps[1] >= steps[1]
    assert found.fix is not None
    assert isinstance(found.fix.operations[0], Trim)


def test_menu_is_found(tmp_path: Path) -> None:
    """A screen between two cuts of the picture is found to the step."""
    spoiled = spoil("menu", clean_play(27), rng(2))
    write_study(tmp_path, spoiled.play)

    found = only(find(tmp_path, "menu", "duplicate-frames"), "menu")

    assert found.steps == spoiled.steps[0]


def test_dead_tail_is_found(tmp_path: Path) -> None:
    """An end without play is found to within half a second or so, and the fix trims it."""
    spoiled = spoil("dead-tail", clean_play(28), rng(3))
    write_study(tmp_path, spoiled.play)

    found = only(find(tmp_path, "dead-tail", "duplicate-frames", "idle"), "dead-tail")

    ((start, stop),) = spoiled.steps
    assert found.steps is not None
    assert found.steps[1] == stop
    assert abs(found.steps[0] - start) <= 8
    assert found.fix is not None
    assert found.fix.operations == (Trim(recordings=("spoiled",), keep=((0, found.steps[0]),)),)


def test_constant_sensor_is_found(tmp_path: Path) -> None:
    """A number that sticks to an end of its range while the game goes on is found, with where it stands."""
    play = with_columns(clean_play(29), "rays", lambda rays: np.where(np.arange(len(rays))[:, None] < 40, rays, 12.0))
    write_study(tmp_path, with_columns(play, "rays", lambda rays: rays.astype(np.float32)))

    found = only(find(tmp_path, "constant-sensor"), "constant-sensor")

    assert found.steps == (40, len(play))
    assert "9 of 9 values of 'rays' stand at the upper end" in found.sentence


def test_sensor_dead_in_all_recordings_is_told_once(tmp_path: Path) -> None:
    """A sensor that never changes anywhere is one finding about all recordings, and the fix masks it."""
    for seed in range(3):
        save(with_columns(clean_play(seed), "body", np.zeros_like), tmp_path, f"dead-{seed}")

    (found,) = find(tmp_path, "constant-sensor")

    assert found.recording == ""
    assert found.fix is not None
    assert found.fix.operations == (Mask(recordings=("dead-0", "dead-1", "dead-2"), sensors=("body",)),)


def test_black_pictures_are_found(tmp_path: Path) -> None:
    """A session whose pictures are black is broken."""
    write_study(tmp_path, with_columns(clean_play(30), "frame", np.zeros_like))

    found = only(find(tmp_path, "constant-sensor"), "constant-sensor")

    assert "'frame' is black in 100%" in found.sentence


def test_values_out_of_range_are_counted(tmp_path: Path) -> None:
    """Values outside the range in the spec are counted, and the first is named."""

    def leave_range(rays: np.ndarray) -> np.ndarray:
        rays[70:80, 2] = 99.0
        return rays

    write_study(tmp_path, with_columns(clean_play(31), "rays", leave_range))

    found = only(find(tmp_path, "out-of-range"), "out-of-range")

    assert found.steps == (70, 71)
    assert found.evidence is not None
    assert found.evidence.value == 10


def test_near_duplicate_is_found_however_it_was_trimmed(tmp_path: Path) -> None:
    """A copy that was trimmed, thinned and rounded otherwise is found, and the fix drops the copy."""
    write_study(tmp_path, spoil("near-duplicate", clean_play(2), rng(4)).play)

    found = only(find(tmp_path, "near-duplicate"), "near-duplicate")

    assert found.others == ("clean-2",)
    assert found.fix is not None
    assert found.fix.operations == (Drop(recordings=("spoiled",)),)


def test_leaks_are_found(tmp_path: Path) -> None:
    """A copy of a held-out session among those trained on is a leak; a player on both sides of episodes is a note."""
    write_study(tmp_path, replace(clean_play(2), player="copy"))
    episodes = list(open_recordings(tmp_path))
    held_out = {"spoiled": {"episodes": ((0, 300),)}, "clean-5": {"episodes": ((0, 300),)}}

    report = examine(episodes, tmp_path / ".doctor", checks=checks(["leak"]), held_out=held_out)

    (leak,) = report.of(Severity.WARNING)
    assert (leak.recording, leak.others) == ("spoiled", ("clean-2",))
    assert leak.fix is not None
    assert leak.fix.operations == (Drop(recordings=("clean-2",)),)


def test_reward_outlier_is_found(tmp_path: Path) -> None:
    """A reward twenty times what is large elsewhere is found at its step."""
    play = clean_play(0)
    for index in range(3):
        rewards = np.tile([0.0, 1.0, -1.0, 0.5, 0.0], len(play))[: len(play)]
        if index == 2:
            rewards[33] = 1e5
        with EpisodeWriter(tmp_path, STUDY.behavior, Provenance("toy"), name=f"walk-{index}") as writer:
            writer.extend(play.observations, play.actions, rewards=rewards)
            writer.finish()

    (found,) = find(tmp_path, "reward-outlier")

    assert (found.recording, found.steps) == ("walk-2", (33, 34))


def test_choices_never_made_are_named(tmp_path: Path) -> None:
    """A part that is the same everywhere is a warning with a mask as its fix; a rare choice is a note."""
    for seed in range(3):
        still = with_columns(clean_play(seed), "use", np.zeros_like)
        save(with_columns(still, "move", lambda move: np.maximum(move, 1)), tmp_path, f"walk-{seed}")

    constant, rare = find(tmp_path, "class-balance")

    assert "'use' is the same" in constant.sentence
    assert constant.fix is not None
    assert constant.fix.operations == (Mask(recordings=("walk-0", "walk-1", "walk-2"), parts=("use",)),)
    assert rare.severity is Severity.NOTE
    assert "'back' never" in rare.sentence


def test_killed_recording_is_reported(tmp_path: Path) -> None:
    """A recording without its end is told, with how much of it is whole."""
    play = clean_play(3)
    write_study(tmp_path, clean=1)
    with EpisodeWriter(tmp_path, STUDY.behavior, Provenance("toy"), name="spoiled") as writer:
        for step in range(60):
            observation = {name: values[step] for name, values in play.observations.items()}
            writer.append(observation, {name: values[step] for name, values in play.actions.items()}, tick=step)
        writer.finish()
    writer.path.write_bytes(writer.path.read_bytes()[:-1000])

    found = only(find(tmp_path, "damaged"), "damaged")

    assert "cut inside a batch" in found.sentence
    assert "50 steps are whole" in found.sentence


def test_changed_byte_is_reported(tmp_path: Path) -> None:
    """A byte that changed inside a recording is a problem, and the fix leaves the recording out."""
    write_study(tmp_path, clean_play(3), clean=1)
    path = tmp_path / "spoiled.arrows"
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 60] ^= 1
    path.write_bytes(bytes(data))

    found = find(tmp_path, "damaged")

    assert [(each.recording, each.severity) for each in found] == [("spoiled", Severity.PROBLEM)]


def test_player_of_random_actions_stands_out(tmp_path: Path) -> None:
    """Where all others do one thing in a situation and one session does anything, its action variance is told."""
    seen = np.repeat(np.linspace(0, 12, 10, dtype=np.float32), 30)
    for seed in range(8):
        noise = rng(seed).normal(0, 0.05, (len(seen), 9)).astype(np.float32)
        rays = (seen[:, None] + noise).clip(0, 12)
        base = clean_play(0)
        strafe = (seen > 6).astype(np.int64) * 2
        if seed == 7:
            strafe = rng(99).integers(0, 3, len(seen))
        play = replace(base, observations={**base.observations, "rays": rays, "frame": _picture_of(seen)})
        play = with_columns(play, "body", np.zeros_like)
        actions = {name: np.zeros_like(values) for name, values in play.actions.items()}
        save(replace(play, actions={**actions, "strafe": strafe}), tmp_path, f"walk-{seed}" if seed < 7 else "spoiled")

    found = only(find(tmp_path, "action-variance"), "action-variance")

    assert found.evidence is not None
    assert found.evidence.value > 0.3


def _picture_of(seen: np.ndarray) -> np.ndarray:
    shape = (len(seen), *clean_play(0).observations["frame"].shape[1:])
    return np.broadcast_to((seen * 20).astype(np.uint8)[:, None, None, None], shape).copy()
