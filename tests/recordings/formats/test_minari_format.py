"""Minari's data sets come in as they are, ours are read by Minari, and damage is told."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import h5py
import minari
import minari_sets
import numpy as np
import pyarrow as pa
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matrix_toys import PIXELS, VECTOR, record
from offline_python import ask, needs_peers

from toys import TOY, write_episode
from understudy.errors import RecordingError
from understudy.recordings import EpisodeWriter, Provenance, open_recordings
from understudy.recordings.formats.gymspaces import GymSettings, flatten
from understudy.recordings.formats.importing import import_logs
from understudy.recordings.formats.minari import MinariExporter, MinariImporter
from understudy.recordings.formats.minari.exporter import MinariExportSettings
from understudy.recordings.formats.protocol import ExportOptions, ImportOptions
from understudy.recordings.formats.testing import EpisodeRead, check_importer, read_log
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

FORMATS = ("hdf5", "arrow", "parquet")
OPTIONS = ImportOptions(GymSettings())
STRICT = ImportOptions(GymSettings(), salvage=False)


def export(recordings: Any, folder: Path, **given_settings: Any) -> Path:
    """Export recordings and return the data set's folder."""
    folder.mkdir(parents=True)
    options = ExportOptions(MinariExportSettings(**given_settings))
    return next(iter(MinariExporter().write(recordings, folder, options, lambda *_: None)))


def read(path: Path, options: ImportOptions = OPTIONS) -> list[EpisodeRead]:
    """Read a data set whole."""
    return read_log(MinariImporter(), path, options)


@pytest.mark.parametrize("data_format", FORMATS)
def test_every_kind_of_space_comes_in(tmp_path: Path, data_format: str) -> None:
    """What Minari wrote of nested spaces is what was given to it, under flat names, counted from 0."""
    path = minari_sets.make(tmp_path, data_format, [minari_sets.buffer(4, 7), minari_sets.buffer(5, 70)])
    for seed, steps, found in zip((4, 5), (7, 70), read(path, STRICT), strict=True):
        given_ = minari_sets.buffer(seed, steps)
        assert found.num_steps == steps
        seen, done = given_.observations, given_.actions
        expected = {
            "observation.joint_angles": seen["joint angles"][:-1].astype(np.float32),
            "observation.held_0": seen["held"][0][:-1] - 2,
            "observation.held_1": seen["held"][1][:-1],
            "action.action_0_0": done[0][:, 0],
            "action.action_0_1": done[0][:, 1],
            "action.action_1": done[1].astype(np.float32),
            "action.action_2": done[2] + 1,
            "reward": np.float32(given_.rewards),
        }
        for key, values in expected.items():
            np.testing.assert_array_equal(found.columns[key], values, err_msg=key)
        assert set(found.columns) - set(expected) == {"observation.camera"}
        assert found.ending is not None
        assert (found.ending.terminated, found.ending.truncated) == (seed == 4, seed == 5)
        assert found.ending.final_observation is not None
        np.testing.assert_array_equal(found.ending.final_observation["held_0"], seen["held"][0][-1] - 2)


@pytest.mark.parametrize("data_format", FORMATS)
def test_pictures_are_decoded_as_minari_decodes_them(tmp_path: Path, data_format: str) -> None:
    """JPEG pictures, and raw ones, are what Minari itself reads, and it is told where detail was lost."""
    for jpeg in (True, False):
        path = minari_sets.make(tmp_path / str(jpeg), data_format, [minari_sets.buffer(0, 6)], jpeg_encoding=jpeg)
        with minari_sets.root(tmp_path / str(jpeg)):
            theirs = minari.load_dataset(f"test/{data_format}-v0")[0].observations["camera"]
        ours = read(path)[0].columns["observation.camera"]
        assert np.abs(ours.astype(int) - theirs[:-1]).max() <= (1 if jpeg else 0)
        notes = " ".join(MinariImporter().describe(path, OPTIONS).notes)
        assert ("stored as JPEG" in notes) == jpeg


@pytest.mark.parametrize("data_format", FORMATS)
def test_what_was_played_comes_in(tmp_path: Path, data_format: str) -> None:
    """A data set of an environment is imported: its game, seeds, steps and the rate it does not name."""
    minari_sets.play(tmp_path, data_format)
    with minari_sets.root(tmp_path):
        theirs = list(minari.load_dataset("cartpole/random-v0").iterate_episodes())
    report = import_logs([tmp_path], tmp_path / "out")
    recordings = open_recordings(tmp_path / "out")
    assert (len(report.written), report.losses) == (3, [])
    for found, expected in zip(recordings, theirs, strict=True):
        np.testing.assert_array_equal(found.observation("observation"), expected.observations[:-1])
        np.testing.assert_array_equal(found.action("action"), expected.actions)
        np.testing.assert_array_equal(found.reward, expected.rewards.astype(np.float32))
        assert found.terminated == expected.terminations[-1]
        assert found.provenance.game == "CartPole-v1"
    assert [each.provenance.seed for each in recordings] == [0, 1, 2]
    assert recordings.behavior.name == "CartPole-v1"
    assert recordings[0].provenance.notes["decision_hz"] == "assumed"


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_ours_is_read_by_minari(tmp_path: Path, data_format: str) -> None:
    """Minari lists and loads what we export, and finds in it what was recorded, to the last bit."""
    for behavior in (VECTOR, PIXELS, TOY):
        recordings = record(tmp_path / behavior.name, behavior)
        export(recordings, tmp_path / f"out-{behavior.name}", data_format=data_format)
        with minari_sets.root(tmp_path / f"out-{behavior.name}"):
            assert list(minari.list_local_datasets()) == [f"understudy/{behavior.name}-v0"]
            data = minari.load_dataset(f"understudy/{behavior.name}-v0")
        assert (data.total_episodes, data.total_steps) == (2, 64)
        for theirs, ours in zip(data.iterate_episodes(), recordings, strict=True):
            for sensor in behavior.sensors:
                seen = theirs.observations if len(behavior.sensors) == 1 else theirs.observations[sensor.name]
                np.testing.assert_array_equal(seen[:-1], ours.observation(sensor.name))
                np.testing.assert_array_equal(seen[-1], (ours.final_observation() or {})[sensor.name])
            for part in behavior.actions:
                done = theirs.actions if len(behavior.actions) == 1 else theirs.actions[part.name]
                np.testing.assert_array_equal(done, ours.action(part.name))
            np.testing.assert_array_equal(theirs.rewards, ours.reward)
            assert (theirs.terminations[-1], theirs.truncations[-1]) == (ours.terminated, ours.truncated)


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_minari_samples_and_filters_ours(tmp_path: Path, data_format: str) -> None:
    """Minari's own tools, which read and write data sets, go on with ours."""
    export(record(tmp_path / "in", VECTOR), tmp_path / "out", data_format=data_format)
    with minari_sets.root(tmp_path / "out"):
        data = minari.load_dataset("understudy/vector-v0")
        assert len(data.sample_episodes(2)) == 2
        assert len(data.filter_episodes(lambda each: each.terminations[-1])) == 1
        both = minari.combine_datasets([data, data], "understudy/both-v0")
    assert both.total_episodes == 4
    found = read(tmp_path / "out" / "understudy" / "both-v0")
    assert [each.num_steps for each in found] == [23, 41, 23, 41]


def behaviors() -> st.SearchStrategy[BehaviorSpec]:
    """Behaviours of one to three sensors and parts, of every kind and dtype."""
    dtypes = st.sampled_from([np.bool_, np.uint8, np.int16, np.int64, np.float16, np.float32, np.float64])
    shapes = st.sampled_from([(), (1,), (3,), (2, 3), (33, 34, 3)])
    boxes = st.builds(lambda kind, shape: spaces.Box(0, 1, shape, kind), dtypes, shapes)
    numbers = st.builds(lambda shape: spaces.Box(-1, 1, shape, np.float32), st.sampled_from([(), (1,), (2, 2)]))
    choices = st.builds(spaces.Discrete, st.integers(1, 5))
    parts = st.one_of(choices, st.builds(spaces.MultiBinary, st.integers(1, 4)), numbers)
    return st.builds(
        lambda seen, done: BehaviorSpec(
            "any",
            tuple(SensorSpec(f"z{9 - index}", space, "m") for index, space in enumerate(seen)),
            tuple(ActionSpec(f"y{9 - index}", space) for index, space in enumerate(done)),
            12.5,
        ),
        st.lists(boxes, min_size=1, max_size=3),
        st.lists(parts, min_size=1, max_size=3),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(behavior=behaviors(), steps=st.integers(1, 30), data_format=st.sampled_from(["hdf5", "arrow"]))
def test_what_goes_out_comes_back(behavior: BehaviorSpec, steps: int, data_format: str) -> None:
    """An export imported again is the recording: spec, values, ending, ticks, times, events and provenance."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_episode(folder / "in", behavior=behavior, steps=steps, seed=steps)
        original = open_recordings(folder / "in")
        path = export(original, folder / "out", data_format=data_format)
        import_logs([path], folder / "back", reveal_players=True)
        assert_same(open_recordings(folder / "back")[0], original[0])


def assert_same(found: Any, original: Any) -> None:
    """Assert that two recordings hold the same."""
    assert found.behavior == original.behavior
    for name in original.behavior.sensor_names:
        np.testing.assert_array_equal(found.observation(name), original.observation(name))
        final, expected = found.final_observation(), original.final_observation()
        assert (final is None) == (expected is None)
        if expected is not None:
            np.testing.assert_array_equal(final[name], expected[name])
    for name in original.behavior.action_names:
        np.testing.assert_array_equal(found.action(name), original.action(name))
    np.testing.assert_array_equal(found.reward, original.reward)
    np.testing.assert_array_equal(found.tick, original.tick)
    np.testing.assert_array_equal(found.time_ns, original.time_ns)
    assert found.events == original.events
    assert (found.terminated, found.truncated) == (original.terminated, original.truncated)
    assert found.provenance.started == original.provenance.started


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_an_unknown_last_observation_stays_unknown(tmp_path: Path, data_format: str) -> None:
    """Minari needs an observation after the last action: the one before stands in, and does not come back as one."""
    with EpisodeWriter(tmp_path / "in", TOY, Provenance("toy"), name="cut") as writer:
        seen = {each.name: np.zeros(each.space.shape, each.space.dtype) for each in TOY.sensors}
        writer.append(seen, {each.name: np.zeros(each.shape, each.dtype) for each in TOY.actions})
        writer.finish(truncated=True)
    path = export(open_recordings(tmp_path / "in"), tmp_path / "out", data_format=data_format)
    with minari_sets.root(tmp_path / "out"):
        assert len(minari.load_dataset("understudy/toy-v0")[0].observations["rays"]) == 2
    ending = read(path)[0].ending
    assert ending is not None
    assert ending.final_observation is None


@pytest.mark.parametrize("data_format", FORMATS)
def test_the_contract_is_kept(tmp_path: Path, data_format: str) -> None:
    """Foreign data sets, cut at many places of any of their files, give what is whole or an error."""
    path = minari_sets.make(tmp_path, data_format, [minari_sets.buffer(seed, 5 + seed) for seed in range(3)])
    check_importer(MinariImporter(), [path], cuts=24)


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_ours_keeps_the_contract(tmp_path: Path, data_format: str) -> None:
    """Our own exports, cut at many places of any of their files, give what is whole or an error."""
    path = export(record(tmp_path / "in", VECTOR), tmp_path / "out", data_format=data_format)
    check_importer(MinariImporter(), [path], cuts=24)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), data_format=st.sampled_from(FORMATS))
def test_changed_bytes_give_episodes_or_an_error(sets: dict[str, Path], data: Any, data_format: str) -> None:
    """Whatever bytes of whatever file are changed, nothing but episodes or `RecordingError` comes out."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "set-v0"
        shutil.copytree(sets[data_format], copy)
        files = sorted(each for each in copy.rglob("*") if each.is_file())
        file = data.draw(st.sampled_from(files))
        content = bytearray(file.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            place = data.draw(st.integers(0, len(content) - 1))
            content[place] = data.draw(st.integers(0, 255))
        file.write_bytes(content)
        MinariImporter().sniff(copy)
        try:
            read(copy)
        except RecordingError:
            return


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small data set of each format."""
    folder = tmp_path_factory.mktemp("sets")
    return {each: minari_sets.make(folder / each, each, [minari_sets.buffer(1, 4)]) for each in FORMATS}


def test_names_that_meet_are_told_apart() -> None:
    """Keys that become one name are numbered, and what is no name follows the kind."""
    choice = spaces.Discrete(2)
    space = spaces.Dict({"a b": choice, "a-b": choice, "3d": spaces.Tuple([choice])})
    assert [each.names[0] for each in flatten(space, "observation")] == ["observation_3d_0", "a_b", "a_b_2"]
    assert flatten(choice, "action")[0].names == ("action",)


def test_an_unbounded_action_needs_a_setting(tmp_path: Path) -> None:
    """Numbers without bounds are refused with the setting that bounds them, and taken with it."""
    buffer = minari_sets.buffer(0, 3)
    unbounded = spaces.Tuple(
        (minari_sets.ACTIONS[0], spaces.Box(-np.inf, np.inf, (2,), np.float64), minari_sets.ACTIONS[2])
    )
    path = minari_sets.make(tmp_path, "hdf5", [buffer], action_space=unbounded)
    with pytest.raises(RecordingError, match=r"'action_1' has no bounds .* --set action_limit=1"):
        read(path)
    found = next(iter(MinariImporter().iter_episodes(path, ImportOptions(GymSettings(action_limit=2)))))
    assert found.behavior.action("action_1").space == spaces.Box(-2, 2, (2,), np.float32)


def test_settings_name_the_rate_and_keep_float64(tmp_path: Path) -> None:
    """The rate is that of the setting, and float64 observations stay what they are if one asks for it."""
    path = minari_sets.make(tmp_path, "hdf5", [minari_sets.buffer(0, 3)])
    options = ImportOptions(GymSettings(decision_hz=50, keep_float64=True))
    episodes = MinariImporter().iter_episodes(path, options)
    found = next(episodes)
    assert found.behavior.decision_hz == 50
    rows = next(found.rows)
    np.testing.assert_array_equal(
        rows.observations["joint_angles"], minari_sets.buffer(0, 3).observations["joint angles"][:3]
    )


def test_the_rate_is_taken_from_the_metadata(tmp_path: Path) -> None:
    """`render_fps` in the metadata is the decision rate."""
    path = minari_sets.make(tmp_path, "hdf5", [minari_sets.buffer(0, 3)])
    file = path / "data" / "metadata.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "render_fps": 60}))
    assert next(iter(MinariImporter().iter_episodes(path, OPTIONS))).behavior.decision_hz == 60


def test_a_step_that_is_not_finite_ends_the_episode(tmp_path: Path) -> None:
    """What no recording may hold ends the episode before it, with a loss that names the sensor and the step."""
    buffer = minari_sets.buffer(0, 9)
    buffer.observations["joint angles"][6, 1] = np.nan
    path = minari_sets.make(tmp_path, "hdf5", [buffer])
    with pytest.raises(RecordingError, match="step 6: sensor 'joint_angles' holds a number that is not finite"):
        read(path, STRICT)
    (found,) = read(path)
    assert (found.num_steps, found.num_losses) == (6, 1)
    assert found.ending is not None
    assert found.ending.truncated


def test_links_out_of_the_file_are_refused(tmp_path: Path) -> None:
    """External links, data kept in other files and virtual data sets are refused by name."""
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["rewards"] = np.zeros(4)
    for kind in ("link", "external", "virtual"):
        path = minari_sets.make(tmp_path / kind, "hdf5", [minari_sets.buffer(0, 4)])
        with h5py.File(path / "data" / "main_data.hdf5", "a") as file:
            del file["episode_0/rewards"]
            _lead_out(file, kind, secret)
        with pytest.raises(RecordingError, match=r"link to another file|values in other files"):
            read(path, STRICT)


def _lead_out(file: h5py.File, kind: str, secret: Path) -> None:
    if kind == "link":
        file["episode_0/rewards"] = h5py.ExternalLink(str(secret), "rewards")
    elif kind == "external":
        file.create_dataset("episode_0/rewards", (4,), "f8", external=[(str(secret), 0, 32)])
    else:
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(secret, "rewards", (4,))
        file.create_virtual_dataset("episode_0/rewards", layout)


def test_lengths_that_the_file_does_not_hold_are_refused(tmp_path: Path) -> None:
    """A data set of a million million rows with nothing in them, and a chunk of a gigabyte, are refused unread."""
    for kind, shape, chunks in (("rows", (10**12,), (4096,)), ("chunk", (1 << 28,), (1 << 28,))):
        path = minari_sets.make(tmp_path / kind, "hdf5", [minari_sets.buffer(0, 4)])
        with h5py.File(path / "data" / "main_data.hdf5", "a") as file:
            del file["episode_0/rewards"]
            file.create_dataset("episode_0/rewards", shape, "f8", chunks=chunks)
        with pytest.raises(RecordingError, match=r"does not hold them all|are read at once"):
            read(path, STRICT)


def test_a_picture_bomb_is_refused(tmp_path: Path) -> None:
    """A JPEG that says it is larger than the space is not decoded."""
    path = minari_sets.make(tmp_path, "hdf5", [minari_sets.buffer(0, 4)])
    with h5py.File(path / "data" / "main_data.hdf5", "a") as file:
        pictures = file["episode_0/observations/camera"]
        bomb = bytearray(bytes(pictures[2]))
        place = bomb.index(b"\xff\xc0") + 5
        bomb[place : place + 4] = b"\xff\xff\xff\xff"
        pictures[2] = np.frombuffer(bomb, np.uint8)
    with pytest.raises(RecordingError, match="says it is of size"):
        read(path, STRICT)
    assert read(path)[0].num_steps == 2


def test_a_cut_picture_ends_the_episode(tmp_path: Path) -> None:
    """A JPEG without its end is damage, though a decoder would fill it with grey."""
    path = minari_sets.make(tmp_path, "hdf5", [minari_sets.buffer(0, 4)])
    with h5py.File(path / "data" / "main_data.hdf5", "a") as file:
        pictures = file["episode_0/observations/camera"]
        pictures[3] = pictures[3][:-40]
    with pytest.raises(RecordingError, match=r"picture 3 is cut"):
        read(path, STRICT)
    assert read(path)[0].num_steps == 3


def test_one_damaged_episode_costs_no_other(tmp_path: Path) -> None:
    """An episode that is a link to another file is a loss; the episodes before and after it come in."""
    path = minari_sets.make(tmp_path / "in", "hdf5", [minari_sets.buffer(seed, 4) for seed in range(3)])
    with h5py.File(path / "data" / "main_data.hdf5", "a") as file:
        del file["episode_1"]
        file["episode_1"] = h5py.ExternalLink("other.hdf5", "episode_1")
    report = import_logs([path], tmp_path / "out")
    assert len(report.written) == 2
    assert any("link to another file" in each.what for each in report.losses)


def test_a_data_folder_elsewhere_is_no_part_of_the_set(tmp_path: Path) -> None:
    """A link that leads out of the data set's folder is not followed."""
    path = minari_sets.make(tmp_path, "hdf5", [minari_sets.buffer(0, 2)])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data").symlink_to(path / "data")
    assert not MinariImporter().sniff(tmp_path / "other")


def test_compressed_arrow_is_refused(tmp_path: Path) -> None:
    """Arrow batches that are compressed, and might unpack to any size, are refused before they are."""
    path = minari_sets.make(tmp_path, "arrow", [minari_sets.buffer(0, 4)])
    file = path / "data" / "0" / "part-0.arrow"
    batch = pa.ipc.open_file(str(file)).get_batch(0)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    with pytest.raises(RecordingError, match="compressed batches"):
        read(path, STRICT)


def test_spaces_that_are_none_are_refused(tmp_path: Path) -> None:
    """Metadata that are no JSON, nest too deeply, or name bounds of another shape are refused in words."""
    path = minari_sets.make(tmp_path, "hdf5", [minari_sets.buffer(0, 2)])
    file = path / "data" / "metadata.json"
    good = json.loads(file.read_text())
    deep = '{"type": "Tuple", "subspaces": [' * 40 + '{"type": "Discrete", "n": 2, "start": 0}' + "]}" * 40
    box = {"type": "Box", "dtype": "float32", "shape": [10**9], "low": [0], "high": [1]}
    for space in (deep, json.dumps(box), '{"type": "Sphere"}', "[" * 100_000, '{"type": "Discrete", "n": -1}'):
        file.write_text(json.dumps({**good, "observation_space": space}))
        with pytest.raises(RecordingError):
            read(path)


def test_a_wrong_id_is_refused() -> None:
    """An id that Minari would not find again is refused."""
    for name in ("no version", "../../up-v0", "/etc/x-v0"):
        with pytest.raises(RecordingError, match="needs the form namespace/name-v0"):
            MinariExporter().check(TOY, ExportOptions(MinariExportSettings(dataset_id=name)))


@pytest.mark.slow
@needs_peers
@pytest.mark.parametrize("data_format", FORMATS)
def test_what_the_data_collector_wrote_comes_in(tmp_path: Path, data_format: str) -> None:
    """What Minari's `DataCollector` saw of an environment comes in as Minari reads it."""
    ask("minari_collect", tmp_path, data_format)
    with minari_sets.root(tmp_path):
        theirs = list(minari.load_dataset("cartpole/random-v0").iterate_episodes())
    for found, expected in zip(read(tmp_path / "cartpole" / "random-v0", STRICT), theirs, strict=True):
        np.testing.assert_array_equal(found.columns["observation.observation"], expected.observations[:-1])
        np.testing.assert_array_equal(found.columns["action.action"], expected.actions)
        assert found.ending is not None
        assert found.ending.terminated == expected.terminations[-1]
