"""What is written reads back, to the last bit, and what does not fit is refused before it is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from toys import EXTRAS, TOY, assert_steps, sample_action, sample_observation, write_episode, write_steps
from understudy.errors import ObservationError, RecordingError, SpecError, SpecMismatchError
from understudy.recordings import Episode, EpisodeWriter, Provenance, open_recordings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float16", "float32", "float64"]


def every_dtype() -> BehaviorSpec:
    """A behaviour with a sensor of each dtype and of several shapes, colour and grey pictures among them."""
    sensors = [
        SensorSpec(f"{name}_{len(shape)}", spaces.Box(0, 1 if name == "bool" else 100, shape, np.dtype(name).type))
        for name in DTYPES
        for shape in ((), (3,), (2, 3))
    ]
    pictures = [
        SensorSpec("colour", spaces.Box(0, 255, (6, 9, 3), np.uint8)),
        SensorSpec("grey", spaces.Box(0, 255, (6, 9, 1), np.uint8)),
        SensorSpec("voxels", spaces.Box(0, 255, (3, 4, 5), np.uint8)),
        SensorSpec("stack", spaces.Box(0, 255, (6, 9, 12), np.uint8)),
    ]
    numbers = ActionSpec("numbers", spaces.Box(-1, 1, (2, 2), np.float32))
    return BehaviorSpec("all", (*sensors, *pictures), (*TOY.actions, numbers), 4)


@pytest.mark.parametrize("steps", [1, 4, 5, 9])
def test_every_dtype_reads_back(tmp_path: Path, steps: int) -> None:
    """Sensors of every dtype and shape, pictures, rewards, events and the final observation read back as written."""
    behavior = every_dtype()
    path = write_episode(tmp_path, steps=steps, seed=3, behavior=behavior)
    episode = Episode(path)
    assert episode.behavior == behavior
    assert (episode.complete, episode.damage, episode.terminated, episode.truncated) == (True, None, True, False)
    assert_steps(episode, seed=3, steps=steps)
    for sensor in behavior.sensors:
        assert episode.observation(sensor.name).dtype == sensor.space.dtype
    final = episode.final_observation()
    assert final is not None
    for name, value in sample_observation(behavior, 3, steps).items():
        np.testing.assert_array_equal(final[name], value)
    episode.verify()


def test_extras_read_back(tmp_path: Path) -> None:
    """Arrays kept beside the spec read back, and an unknown one is answered with a suggestion."""
    episode = Episode(write_episode(tmp_path, extras=EXTRAS, steps=23, seed=1))
    assert_steps(episode, seed=1, steps=23)
    assert set(episode.layout.extras) == set(EXTRAS)
    with pytest.raises(RecordingError) as caught:
        episode.extra("rav")
    assert str(caught.value) == "episode.arrows has no extra 'rav'. Did you mean 'raw'? Known: 'clock', 'raw'."


@pytest.mark.parametrize("rows", [slice(3, 17), slice(None, None, 4), slice(-5, None), slice(30, 40), slice(17, 3, -3)])
def test_rows_are_sliced_as_numpy_slices_them(tmp_path: Path, rows: slice) -> None:
    """Reading some rows gives what slicing all of them gives, across batches, with any step."""
    episode = Episode(write_episode(tmp_path, steps=25))
    for name in TOY.sensor_names:
        np.testing.assert_array_equal(episode.observation(name, rows), episode.observation(name)[rows])
    for name in TOY.action_names:
        np.testing.assert_array_equal(episode.action(name, rows), episode.action(name)[rows])


def test_an_episode_ends_as_it_was_said_to(tmp_path: Path) -> None:
    """`truncated` and `terminated` are kept apart, and an episode may end without a final observation."""
    with EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="cut") as writer:
        list(write_steps(writer, 0, 10))
        writer.finish(truncated=True)
    episode = Episode(writer.path)
    assert (episode.terminated, episode.truncated, episode.complete) == (False, True, True)
    assert episode.final_observation() is None
    assert episode.num_steps == writer.num_steps == 10
    assert repr(episode) == "Episode(cut: 10 steps of 'toy')"
    assert episode.duration_s == 1.0


def test_an_unfinished_episode_reads_back_as_incomplete(tmp_path: Path) -> None:
    """A writer closed without `finish`, by an exception of the game say, leaves all steps, marked as incomplete."""
    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="crash")
    with pytest.raises(ZeroDivisionError), writer:
        _ = sum(write_steps(writer, 5, 13)) / 0
    episode = Episode(writer.path)
    assert_steps(episode, seed=5, steps=13)
    assert not episode.complete
    assert episode.damage is not None
    assert episode.damage.reason == "the recorder stopped before the episode ended"
    assert episode.damage.lost_bytes == 0


def test_what_was_appended_may_be_changed_afterwards(tmp_path: Path) -> None:
    """The writer copies: a game may reuse its arrays for the next frame."""
    observation, action = sample_observation(TOY, 0, 0), sample_action(TOY, 0, 0)
    kept = observation["rays"].copy()
    with EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="reuse") as writer:
        writer.append(observation, action)
        observation["rays"][:] = -1
        writer.finish()
    np.testing.assert_array_equal(Episode(writer.path).observation("rays")[0], kept)


def test_provenance_reads_back(tmp_path: Path) -> None:
    """Where a recording comes from is part of it, and the time of its start is filled in."""
    provenance = Provenance("doom", "freedoom 0.13", "E1M6", 7, "", "freedoom1.wad:DEMO1", {"skill": 4})
    with EpisodeWriter(tmp_path, TOY, provenance) as writer:
        list(write_steps(writer, 0, 1))
        writer.finish()
    found = Episode(writer.path).provenance
    assert replace(found, started="") == provenance
    assert found.started.endswith("+00:00")
    assert writer.path.name.startswith("doom-")


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("move", ..., "Action part 'move' is missing; found buttons, turn."),
        ("move", 3, "Action part 'move' is 3, which is not in Discrete(3)."),
        ("move", 1.0, "Action part 'move' should be int64 of shape (), got float64 of shape ()."),
        ("move", np.array([1]), "Action part 'move' should be int64 of shape (), got int64 of shape (1,)."),
        ("buttons", [0, 2], "Action part 'buttons' is [0, 2], which is not in MultiBinary(2)."),
        ("buttons", [0, 256], "Action part 'buttons' should be int8 of shape (2,), got int64 of shape (2,)."),
        ("turn", [1.5], "Action part 'turn' should be float32 of shape (1,), got float64 of shape (1,)."),
        (
            "turn",
            np.array([np.nan], np.float32),
            "Action part 'turn' holds nan at index [0]; every value must be finite.",
        ),
    ],
)
def test_an_action_that_does_not_fit_is_refused(tmp_path: Path, part: str, value: Any, message: str) -> None:
    """A wrong action is refused in words, and the recording goes on without it."""
    good = sample_action(TOY, 0, 0)
    bad = {name: each for name, each in {**good, part: value}.items() if each is not ...}
    with EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="one") as writer:
        with pytest.raises(ObservationError) as caught:
            writer.append(sample_observation(TOY, 0, 0), bad)
        writer.append(sample_observation(TOY, 0, 0), good)
        writer.finish()
    assert str(caught.value) == message
    assert Episode(writer.path).num_steps == 1


def test_whole_numbers_of_any_width_are_taken_where_they_fit(tmp_path: Path) -> None:
    """Python's and numpy's integers and booleans become the part's own dtype."""
    action = {"move": 2, "buttons": np.array([True, False]), "turn": np.array([1], np.float32)}
    with EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="wide") as writer:
        writer.append(sample_observation(TOY, 0, 0), action)
        writer.finish()
    episode = Episode(writer.path)
    assert episode.action("move").dtype == np.int64
    assert episode.action("buttons").tolist() == [[1, 0]]


def test_a_missing_or_foreign_extra_is_refused(tmp_path: Path) -> None:
    """Extras are checked as actions are."""
    with EpisodeWriter(tmp_path, TOY, Provenance("toy"), extras=EXTRAS) as writer:
        with pytest.raises(ObservationError, match="Extra 'raw' is missing; found none"):
            writer.append(sample_observation(TOY, 0, 0), sample_action(TOY, 0, 0))
        with pytest.raises(ObservationError, match=r"Extra 'raw' should be uint8 of shape \(3,\), got int64"):
            writer.append(sample_observation(TOY, 0, 0), sample_action(TOY, 0, 0), extras={"raw": [0, 0, 300]})


def test_a_second_writer_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """No recording is ever written over."""
    path = write_episode(tmp_path, "twice", steps=3)
    before = path.read_bytes()
    with pytest.raises(RecordingError) as caught:
        EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="twice")
    assert str(caught.value) == f"{path} is there already; name the new recording otherwise, or move it away."
    assert path.read_bytes() == before


def test_a_writer_is_used_in_order(tmp_path: Path) -> None:
    """An episode needs a step before it can end, and a closed writer says so instead of losing what it is given."""
    writer = EpisodeWriter(tmp_path, TOY, Provenance("toy"), name="order")
    with pytest.raises(RecordingError, match="has no step; an episode needs one before it can end"):
        writer.finish()
    list(write_steps(writer, 0, 1))
    writer.finish()
    writer.close()
    for late in (writer.finish, lambda: list(write_steps(writer, 0, 1))):
        with pytest.raises(RecordingError) as caught:
            late()
        assert str(caught.value) == f"{writer.path} is closed; open a new writer for the next episode."


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    """Asking for a sensor or part that is not there is refused by the spec."""
    episode = Episode(write_episode(tmp_path, steps=2))
    with pytest.raises(SpecError, match="has no sensor 'ray'"):
        episode.observation("ray")
    with pytest.raises(SpecError, match="has no action part 'turns'"):
        episode.action("turns")


def test_a_folder_is_a_sequence_of_episodes(toy_logs: Path) -> None:
    """Recordings are in the order of their names, can be sliced, and share one spec."""
    recordings = open_recordings(toy_logs)
    assert [each.name for each in recordings] == ["episode-0", "episode-1", "episode-2"]
    assert [each.name for each in recordings[1:]] == ["episode-1", "episode-2"]
    assert recordings[-1].num_steps == 80
    assert recordings.behavior == TOY


def test_recordings_of_different_specs_do_not_pass_as_one(toy_logs: Path) -> None:
    """Asking a mixed folder for its spec names the recording that differs, and how."""
    write_episode(toy_logs, "odd", steps=2, behavior=replace(TOY, decision_hz=20.0))
    with pytest.raises(SpecMismatchError) as caught:
        _ = open_recordings(toy_logs).behavior
    assert str(caught.value) == (
        "The spec of 'odd' does not match the recording 'episode-0': decision_hz: expected 10.0, found 20.0."
    )
