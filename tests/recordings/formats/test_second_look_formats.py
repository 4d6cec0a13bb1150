"""What real files of the formats hold, and how their own tools read them, where a first reading of them was wrong."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import d3rlpy_files
import h5py
import minari_sets
import numpy as np
import pyarrow as pa
import pytest
import vpt_logs
from gymnasium import spaces
from matrix_toys import PLAIN
from PIL import Image
from unity_demos import floats, pair, read_all, vector, walk, write_demo

from understudy.errors import RecordingError
from understudy.recordings import EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats import ImportOptions, export_logs, guards, import_logs
from understudy.recordings.formats.d3rlpy import D3rlpyImporter
from understudy.recordings.formats.godot_rl import GodotRlImporter
from understudy.recordings.formats.imitation import ImitationImporter
from understudy.recordings.formats.minari import MinariImporter
from understudy.recordings.formats.mlagents import MlagentsImporter
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.importer import MlagentsSettings
from understudy.recordings.formats.vpt import VptImporter
from understudy.recordings.formats.vpt.importer import VptSettings

# --- Unity ML-Agents: SendInfoToBrain records before DecideAction decides --------------------------------------------


def recorded(steps: int, *, seed: int = 0, done: bool = True) -> list[pb.AgentInfoActionPairProto]:
    """An episode as Unity's recorder writes it: step t does (t + 1) / 64, which is written down with the next pair."""
    pairs = walk(steps, seed=seed, done=done)
    for step, each in enumerate(pairs):
        begins = step == 0
        each.action_info.CopyFrom(
            pb.AgentActionProto(
                continuous_actions=(0, 0) if begins else (step / 64, -1),
                discrete_actions=(0, 0) if begins else (step % 3, 1),
            )
        )
    return pairs


def test_unitys_recorder_writes_an_action_with_the_next_observation(tmp_path: Path) -> None:
    """Each action comes back to the observation it was taken on, the last one from the pair that is done."""
    path = write_demo(tmp_path / "a.demo", [*recorded(5), *recorded(3, seed=9)])
    first, second = read_all(path)
    assert (first.num_steps, second.num_steps) == (5, 3)
    np.testing.assert_array_equal(first.actions["continuous"][:, 0], np.arange(1, 6, dtype=np.float32) / 64)
    np.testing.assert_array_equal(first.actions["branch_0"], [1, 2, 0, 1, 2])
    np.testing.assert_array_equal(first.observations["VectorSensor_size4"][2], vector(2))
    np.testing.assert_array_equal(first.rewards, [1, 2, 3, 4, 5])
    assert first.ending is not None
    assert first.ending.final_observation is not None
    np.testing.assert_array_equal(first.ending.final_observation["VectorSensor_size4"], vector(5))
    assert (first.ending.terminated, first.ending.truncated) == (True, False)
    assert first.log.provenance.notes["actions"] == "of the decision after"
    assert any("decision after" in note for note in MlagentsImporter().describe(path, ImportOptions()).notes)


def test_a_recording_that_just_stops_ends_with_what_was_seen_last(tmp_path: Path) -> None:
    """What was done on the last observation was never written, so that observation is the final one."""
    (episode,) = read_all(write_demo(tmp_path / "a.demo", recorded(4, done=False)))
    np.testing.assert_array_equal(episode.actions["continuous"][:, 0], np.arange(1, 4, dtype=np.float32) / 64)
    np.testing.assert_array_equal(episode.rewards, [1, 2, 3])
    assert episode.log.num_steps == episode.num_steps == 3
    assert episode.ending is not None
    assert (episode.ending.terminated, episode.ending.truncated) == (False, True)
    assert episode.ending.final_observation is not None
    np.testing.assert_array_equal(episode.ending.final_observation["VectorSensor_size4"], vector(3))


def test_a_recorder_that_was_switched_on_late_is_still_unitys(tmp_path: Path) -> None:
    """The first episode may begin in the midst of one, with the action before it; the later ones tell."""
    late = recorded(5)[2:]
    first, second = read_all(write_demo(tmp_path / "a.demo", [*late, *recorded(4, seed=9)]))
    np.testing.assert_array_equal(first.actions["continuous"][:, 0], np.array([3, 4, 5], np.float32) / 64)
    np.testing.assert_array_equal(second.actions["continuous"][:, 0], np.array([1, 2, 3, 4], np.float32) / 64)


@pytest.mark.parametrize(("said", "expected"), [("auto", [1, 2, 0]), ("next", [1, 2, 0]), ("same", [0, 1, 2])])
def test_the_user_may_say_where_actions_are(tmp_path: Path, said: str, expected: list[int]) -> None:
    """A program of someone's own may write a file that begins with an idle action; a setting tells it from Unity's."""
    settings = MlagentsSettings.model_validate({"actions": said})
    (episode,) = read_all(write_demo(tmp_path / "a.demo", recorded(3)), settings=settings)
    np.testing.assert_array_equal(episode.actions["branch_0"], expected)


def test_files_that_begin_with_an_action_are_left_as_they_are(tmp_path: Path) -> None:
    """Unity's recorder cannot know the first action when it writes the first pair, so another program wrote it."""
    (episode,) = read_all(write_demo(tmp_path / "a.demo", walk(4)))
    np.testing.assert_array_equal(episode.actions["continuous"][:, 0], np.arange(4, dtype=np.float32) / 64)


def test_old_recordings_are_moved_too(tmp_path: Path) -> None:
    """The one list of the old form was written before the decision as well."""
    old = pb.BrainParametersProto(
        brain_name="Old", vector_action_size_deprecated=[2], vector_action_space_type_deprecated=pb.continuous
    )
    pairs = [pair([floats(vector(step))], old=(step / 4, step / 4), done=step == 3) for step in range(4)]
    (episode,) = read_all(write_demo(tmp_path / "a.demo", pairs, old))
    np.testing.assert_array_equal(episode.actions["continuous"][:, 0], [0.25, 0.5, 0.75])


@pytest.mark.parametrize("late", [False, True])
def test_an_action_left_over_from_the_episode_before_is_none(tmp_path: Path, late: bool) -> None:
    """Before its version 1.0 Unity's agent kept its last action through a reset, and recorded it once more.

    About 0.15 it came even later: not with the pair that is done, which repeats the one before.
    """
    later = recorded(3, seed=9)
    earlier = recorded(4)
    later[0].action_info.CopyFrom(earlier[-1].action_info)
    if late:
        earlier[-1].action_info.CopyFrom(earlier[-2].action_info)
    first, second = read_all(write_demo(tmp_path / "a.demo", [*earlier, *later]))
    last = 3 if late else 4
    np.testing.assert_array_equal(first.actions["continuous"][:, 0], np.array([1, 2, 3, last], np.float32) / 64)
    np.testing.assert_array_equal(second.actions["continuous"][:, 0], np.array([1, 2, 3], np.float32) / 64)


def test_our_own_export_is_never_moved(tmp_path: Path) -> None:
    """An export pairs as ML-Agents' loader does, even where its episodes begin idle."""
    chosen = np.array([0, 1, 2, 3, 1, 0])
    logs = tmp_path / "logs"
    with EpisodeWriter(logs, PLAIN, Provenance("toy"), name="idle") as writer:
        writer.extend({"obs": np.zeros((6, 5), np.float32)}, {"action": chosen})
        writer.finish(truncated=True)
    export_logs(open_recordings(logs), tmp_path / "out", "mlagents")
    (demo,) = (tmp_path / "out").rglob("*.demo")
    (log,) = MlagentsImporter().iter_episodes(demo, ImportOptions())
    np.testing.assert_array_equal(np.concatenate([rows.actions["action"] for rows in log.rows]), chosen)


# --- Godot RL --------------------------------------------------------------------------------------------------------


def test_an_episode_that_was_over_at_once_costs_no_other(tmp_path: Path) -> None:
    """Godot RL's recorder keeps an episode of a terminal observation and no action; what follows it is read."""
    path = tmp_path / "demos.json"
    path.write_text("[[[[0.0,1.0]],[]],[[[1.0,2.0],[3.0,4.0]],[[0.5]]]]\n")
    assert "observations of 2 numbers, actions of 1" in GodotRlImporter().describe(path, ImportOptions()).notes
    (log,) = GodotRlImporter().iter_episodes(path, ImportOptions(salvage=False))
    (rows,) = log.rows
    assert log.name.endswith("-0001")
    np.testing.assert_array_equal(rows.observations["obs"], [(1, 2)])
    np.testing.assert_array_equal(rows.actions["action"], [[0.5]])


# --- Minari before 0.5.4 ---------------------------------------------------------------------------------------------


def test_lists_of_any_length_are_read_as_minari_wrote_them(tmp_path: Path) -> None:
    """Arrow data sets of Minari 0.5.0 to 0.5.3 keep choices and buttons as lists, padded with nothing at all."""
    space = spaces.Tuple((spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(2)))
    choices, buttons = np.array([(0, 2), (1, 1)] * 3), np.array([(1, 0), (0, 1)] * 3, np.int8)
    buffer = replace(minari_sets.buffer(0, 6), actions=(choices, buttons))
    data = minari_sets.make(tmp_path, "arrow", [buffer], action_space=space)
    (file,) = data.rglob("*.arrow")
    table = pa.ipc.open_file(file).read_all()
    old = [pa.array([*values, None]) for values in (choices, buttons)]
    actions = pa.StructArray.from_arrays(old, names=["0", "1"])
    table = table.set_column(table.schema.get_field_index("actions"), "actions", actions)
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    (log,) = MinariImporter().iter_episodes(data, ImportOptions(salvage=False))
    (rows,) = log.rows
    np.testing.assert_array_equal(rows.actions["action_0_1"], choices[:, 1])
    np.testing.assert_array_equal(rows.actions["action_1"], buttons)
    assert not log.losses


def test_an_episode_that_lacks_an_observation_says_so(tmp_path: Path) -> None:
    """Some published episodes (antmaze, pointmaze) have as many observations as actions, and nobody knows which."""
    data = minari_sets.play(tmp_path, "hdf5", episodes=2)
    with h5py.File(data / "data" / "main_data.hdf5", "a") as file:
        seen = file["episode_0/observations"]
        seen.resize(len(seen) - 1, axis=0)
    found = [(list(log.rows)[-1].ending, log.losses) for log in MinariImporter().iter_episodes(data, ImportOptions())]
    ending, (loss,) = found[0]
    assert "no more observations than actions" in loss.what
    assert ending is not None
    assert (ending.terminated, ending.final_observation) == (True, None)
    assert found[1][1] == []
    strict = MinariImporter().iter_episodes(data, ImportOptions(salvage=False))
    log = next(strict)
    with pytest.raises(RecordingError, match="no more observations"):
        list(log.rows)


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
@pytest.mark.parametrize("is_jpeg", [False, True])
def test_only_what_is_jpeg_is_called_so(tmp_path: Path, data_format: str, is_jpeg: bool) -> None:
    """Metadata without `jpeg_encoding` are of Minari before 0.5.4, whose pictures were raw at first and then JPEG."""
    data = minari_sets.make(tmp_path, data_format, [minari_sets.buffer(0, 3)], jpeg_encoding=is_jpeg)
    file = data / "data" / "metadata.json"
    metadata = json.loads(file.read_text())
    del metadata["jpeg_encoding"]
    file.write_text(json.dumps(metadata))
    importer = MinariImporter()
    assert any("JPEG" in note for note in importer.describe(data, ImportOptions()).notes) == is_jpeg
    log = next(importer.iter_episodes(data, ImportOptions()))
    assert ("pictures" in log.provenance.notes) == is_jpeg


def test_a_picture_is_not_turned_as_its_camera_says() -> None:
    """Minari, LeRobot and others leave a picture as its pixels lie, whatever EXIF says of the camera."""
    levels = np.zeros((24, 40, 3), np.uint8)
    levels[:12] = 200
    note = Image.Exif()
    note[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="JPEG", exif=note)
    found = guards.decode_picture(buffer.getvalue(), "a picture")
    assert found.shape == (24, 40, 3)
    assert (found[2].mean(), found[21].mean()) == pytest.approx((200, 0), abs=8)


# --- VPT -------------------------------------------------------------------------------------------------------------


def test_the_name_of_its_folder_does_not_scale_an_export(tmp_path: Path) -> None:
    """A recorder's version in the folder's name says nothing of a log that Understudy exported there."""
    path = vpt_logs.write_log(tmp_path / "in", [vpt_logs.line(dx=10.0, isGuiOpen=True)] * 3)
    import_logs([path], tmp_path / "logs", format_name="vpt")
    export_logs(open_recordings(tmp_path / "logs" / "minecraft"), tmp_path / "6.9", "vpt")
    (exported,) = (tmp_path / "6.9").rglob("*.jsonl")
    assert exported.parent.name == "6.9"
    (log,) = VptImporter().iter_episodes(exported, ImportOptions(settings=VptSettings()))
    (rows,) = log.rows
    np.testing.assert_allclose(rows.actions["camera"], [(0, 1.5)] * 3)


# --- d3rlpy before 1.0 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "told"), [(["discrete_action"], True), (["discrete_action", "version"], False)])
def test_a_file_without_a_version_may_have_late_rewards(tmp_path: Path, fields: list[str], told: bool) -> None:
    """d3rlpy before 1.0 kept a reward with the observation after it, and 1.x warns of such files; so do we."""
    path = d3rlpy_files.write_flat(tmp_path / "flat.h5", [d3rlpy_files.episode(0, 9)], d4rl=False)
    with h5py.File(path, "a") as file:
        for each in fields:
            file.create_dataset(each, data="1.0" if each == "version" else False)
    notes = D3rlpyImporter().describe(path, ImportOptions()).notes
    assert any("one step late" in note for note in notes) == told


# --- Stable-Baselines 2 ----------------------------------------------------------------------------------------------


def test_the_last_episode_ends_as_the_returns_say(tmp_path: Path) -> None:
    """`generate_expert_traj` writes a return for each episode that was done, the last one too."""
    found = {
        "obs": np.zeros((6, 2), np.float32),
        "actions": np.array([0, 1, 0, 1, 1, 0]),
        "rewards": np.ones(6),
        "episode_starts": np.array([True, False, False, True, False, False]),
    }
    for name, returns, expected in (("whole", 2, [True, True]), ("cut", 1, [True, False])):
        np.savez(tmp_path / f"{name}.npz", **found, episode_returns=np.ones(returns))  # type: ignore[arg-type]
        endings = []
        for log in ImitationImporter().iter_episodes(tmp_path / f"{name}.npz", ImportOptions()):
            endings += [rows.ending.terminated for rows in log.rows if rows.ending is not None]
        assert endings == expected
