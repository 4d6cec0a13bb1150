"""d3rlpy's data sets come in as they are, ours are read by d3rlpy, and damage is told."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import d3rlpy_files
import h5py
import numpy as np
import offline_peers
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matrix_toys import CONTINUOUS, PIXELS, PLAIN, VECTOR, record
from offline_python import ask, needs_peers

from toys import write_episode
from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.formats.d3rlpy import D3rlpyExporter, D3rlpyImporter
from understudy.recordings.formats.gymspaces import GymSettings
from understudy.recordings.formats.importing import import_logs
from understudy.recordings.formats.protocol import ExportOptions, ImportOptions
from understudy.recordings.formats.testing import EpisodeRead, check_importer, read_log
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

OPTIONS = ImportOptions(GymSettings())
STRICT = ImportOptions(GymSettings(), salvage=False)


def export(recordings: Any, folder: Path) -> Path:
    """Export recordings and return the file."""
    folder.mkdir(parents=True)
    return next(iter(D3rlpyExporter().write(recordings, folder, ExportOptions(), lambda *_: None)))


def read(path: Path, options: ImportOptions = STRICT) -> list[EpisodeRead]:
    """Read a file whole."""
    return read_log(D3rlpyImporter(), path, options)


@pytest.mark.parametrize("kind", ["continuous", "discrete", "pixels", "tuple"])
def test_every_kind_of_episode_comes_in(tmp_path: Path, kind: str) -> None:
    """Vectors, choices, pictures and tuples come in as they were written, pictures with their channels last."""
    episodes = [d3rlpy_files.episode(seed, 300 + seed, kind) for seed in range(2)]
    path = d3rlpy_files.write(tmp_path / "log.h5", episodes)
    for found, expected in zip(read(path), episodes, strict=True):
        seen = expected["observations"] if kind == "tuple" else [expected["observations"]]
        for index, values in enumerate(seen):
            name = f"observation.observation_{index}" if kind == "tuple" else "observation.observation"
            values = np.moveaxis(values, 1, -1) if values.dtype == np.uint8 else values
            np.testing.assert_array_equal(found.columns[name], values)
        done = found.columns["action.action"]
        np.testing.assert_array_equal(done.reshape(len(done), -1), expected["actions"])
        np.testing.assert_array_equal(found.columns["reward"], expected["rewards"][:, 0])
        assert found.ending is not None
        assert (found.ending.terminated, found.ending.truncated) == (expected["terminated"], not expected["terminated"])
        assert found.ending.final_observation is None


@pytest.mark.parametrize("d4rl", [False, True])
def test_flat_files_are_split_into_episodes(tmp_path: Path, d4rl: bool) -> None:
    """d3rlpy 1 and D4RL keep all episodes in four columns: each ends where they say, and knows why."""
    episodes = [d3rlpy_files.episode(seed, 20 + seed) for seed in range(3)]
    found = read(d3rlpy_files.write_flat(tmp_path / "flat.hdf5", episodes, d4rl=d4rl))
    assert [each.num_steps for each in found] == [20, 21, 22]
    assert [each.ending is not None and each.ending.terminated for each in found] == [True, False, True]
    np.testing.assert_array_equal(found[1].columns["observation.observation"], episodes[1]["observations"])


def behaviors() -> st.SearchStrategy[BehaviorSpec]:
    """Behaviours that d3rlpy can hold: any sensors, and one choice or boxes of numbers."""
    dtypes = st.sampled_from([np.bool_, np.uint8, np.int16, np.int64, np.float16, np.float32, np.float64])
    shapes = st.sampled_from([(), (1,), (3,), (2, 3), (9, 7, 3)])
    boxes = st.builds(lambda kind, shape: spaces.Box(0, 1, shape, kind), dtypes, shapes)
    numbers = st.builds(lambda shape: spaces.Box(-1, 1, shape, np.float32), st.sampled_from([(), (1,), (2, 2)]))
    choice = st.builds(lambda size: [spaces.Discrete(size)], st.integers(1, 5))
    return st.builds(
        lambda seen, done: BehaviorSpec(
            "any",
            tuple(SensorSpec(f"z{9 - index}", space, "m") for index, space in enumerate(seen)),
            tuple(ActionSpec(f"y{9 - index}", space) for index, space in enumerate(done)),
            12.5,
        ),
        st.lists(boxes, min_size=1, max_size=3),
        st.one_of(choice, st.lists(numbers, min_size=1, max_size=3)),
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(behavior=behaviors(), steps=st.integers(1, 30))
def test_what_goes_out_comes_back(behavior: BehaviorSpec, steps: int) -> None:
    """An export imported again is the recording: spec, values, ending, final observation, ticks, times and events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_episode(folder / "in", behavior=behavior, steps=steps, seed=steps)
        original = open_recordings(folder / "in")[0]
        import_logs([export(open_recordings(folder / "in"), folder / "out")], folder / "back", reveal_players=True)
        found = open_recordings(folder / "back")[0]
        assert found.behavior == original.behavior
        final, expected = found.final_observation(), original.final_observation()
        assert final is not None
        assert expected is not None
        for sensor in behavior.sensor_names:
            np.testing.assert_array_equal(found.observation(sensor), original.observation(sensor))
            np.testing.assert_array_equal(final[sensor], expected[sensor])
        for part in behavior.action_names:
            np.testing.assert_array_equal(found.action(part), original.action(part))
        for column in ("reward", "tick", "time_ns"):
            np.testing.assert_array_equal(getattr(found, column), getattr(original, column))
        assert found.events == original.events
        assert (found.terminated, found.truncated) == (original.terminated, original.truncated)
        assert found.provenance.started == original.provenance.started


def test_what_d3rlpy_cannot_hold_is_refused_by_name() -> None:
    """A choice among numbers, and buttons, are refused, naming the part and what to do."""
    with pytest.raises(RecordingError, match=r"not 'move' \(Discrete\(3\)\) among 2 parts; take it out first"):
        D3rlpyExporter().check(VECTOR, ExportOptions())
    buttons = BehaviorSpec("b", PLAIN.sensors, (ActionSpec("keys", spaces.MultiBinary(2)),), 10)
    with pytest.raises(RecordingError, match="'keys'"):
        D3rlpyExporter().check(buttons, ExportOptions())


def test_numbers_beyond_the_usual_limit_need_a_setting(tmp_path: Path) -> None:
    """Actions that leave [-1, 1] are refused with the largest of them and the setting, and taken with it."""
    each = d3rlpy_files.episode(0, 5)
    each["actions"][3, 1] = -2.5
    path = d3rlpy_files.write(tmp_path / "log.h5", [each])
    with pytest.raises(RecordingError, match=r"an action is 2\.5.*--set action_limit"):
        read(path)
    assert read(path, ImportOptions(GymSettings(action_limit=3)))[0].num_steps == 5


def test_an_obsolete_version_is_refused(tmp_path: Path) -> None:
    """Format 2.0, which d3rlpy itself no longer reads, is refused with what to do."""
    path = d3rlpy_files.write(tmp_path / "log.h5", [d3rlpy_files.episode(0, 5)], version="2.0")
    with pytest.raises(RecordingError, match=r"obsolete format 2\.0; dump it again"):
        read(path)


@pytest.mark.parametrize("kind", ["continuous", "pixels", "tuple"])
def test_the_contract_is_kept(tmp_path: Path, kind: str) -> None:
    """Files of d3rlpy, cut at many places, give what is whole or an error."""
    path = d3rlpy_files.write(tmp_path / "log.h5", [d3rlpy_files.episode(seed, 6, kind) for seed in range(2)])
    check_importer(D3rlpyImporter(), [path])


def test_ours_keeps_the_contract(tmp_path: Path) -> None:
    """Our own exports, cut at many places, give what is whole or an error."""
    check_importer(D3rlpyImporter(), [export(record(tmp_path / "in", CONTINUOUS), tmp_path / "out")])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), kind=st.sampled_from(["continuous", "tuple", "ours"]))
def test_changed_bytes_give_episodes_or_an_error(files: dict[str, bytes], data: Any, kind: str) -> None:
    """Whatever bytes are changed, nothing but episodes or `RecordingError` comes out."""
    content = bytearray(files[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "log.h5"
        path.write_bytes(content)
        D3rlpyImporter().sniff(path)
        try:
            read(path, OPTIONS)
        except RecordingError:
            return


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small file of each kind."""
    folder = tmp_path_factory.mktemp("files")
    made = {
        kind: d3rlpy_files.write(folder / f"{kind}.h5", [d3rlpy_files.episode(seed, 4, kind) for seed in range(2)])
        for kind in ("continuous", "tuple")
    }
    made["ours"] = export(record(folder / "in", PLAIN, lengths=(3, 4)), folder / "out")
    return {kind: path.read_bytes() for kind, path in made.items()}


def test_lies_about_lengths_are_refused(tmp_path: Path) -> None:
    """More episodes than there are end in an error after those that are whole; values elsewhere are not fetched."""
    path = d3rlpy_files.write(tmp_path / "log.h5", [d3rlpy_files.episode(0, 5)])
    with h5py.File(path, "a") as file:
        file["num_episodes"][()] = 10**15
    report = import_logs([path], tmp_path / "out")
    assert len(report.written) == 1
    assert "says it has 1,000,000,000,000,000 episodes, but holds 1" in report.losses[0].what
    with h5py.File(path, "a") as file:
        del file["rewards_0"]
        file["rewards_0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
    with pytest.raises(RecordingError, match="link to another file"):
        read(path)


def test_plug_in_filters_are_refused(tmp_path: Path) -> None:
    """A filter that is not HDF5's own would load a library: it is refused by its number."""
    path = d3rlpy_files.write(tmp_path / "log.h5", [d3rlpy_files.episode(0, 64)])
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((64, 1))
    plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    with h5py.File(path, "a") as file:
        del file["rewards_0"]
        space = h5py.h5s.create_simple((64, 1))
        h5py.h5d.create(file.id, b"rewards_0", h5py.h5t.IEEE_F32LE, space, plist)
        file["rewards_0"][...] = 0
    with pytest.raises(RecordingError, match=r"compressed by a plug-in \(filter 32015\)"):
        read(path)


@pytest.mark.slow
@needs_peers
@pytest.mark.parametrize("behavior", [PLAIN, CONTINUOUS, PIXELS], ids=lambda each: each.name)
def test_ours_is_read_by_d3rlpy(tmp_path: Path, behavior: BehaviorSpec) -> None:
    """d3rlpy loads what we export, finds in it what was recorded, and draws batches from it."""
    recordings = record(tmp_path / "in", behavior)
    found = ask("d3rlpy_load", export(recordings, tmp_path / "out"))
    assert found["action_space"] == ("CONTINUOUS" if behavior is CONTINUOUS else "DISCRETE")
    assert found["action_size"] == (2 if behavior is CONTINUOUS else 4)
    assert found["batch"][0] == [4, 3, 64, 64] if behavior is PIXELS else [4, 5]
    for theirs, ours in zip(found["episodes"], recordings, strict=True):
        assert (theirs["steps"], theirs["terminated"]) == (ours.num_steps, ours.terminated)
        sums = {
            "observations": ours.observation(behavior.sensor_names[0]),
            "actions": ours.action("action"),
            "rewards": ours.reward,
        }
        for name, values in sums.items():
            assert theirs[name] == pytest.approx(float(np.sum(values, dtype=np.float64)))


@pytest.mark.slow
@needs_peers
@pytest.mark.parametrize("kind", ["pixels", "vector"])
def test_what_d3rlpy_wrote_comes_in(tmp_path: Path, kind: str) -> None:
    """A file that d3rlpy itself dumped comes in as it was given to it."""
    ask("d3rlpy_dump", tmp_path / "theirs.h5", kind)
    for seed, found in enumerate(read(tmp_path / "theirs.h5")):
        seen, done, rewards = offline_peers.arrays(seed, 9 + seed, kind)
        seen = np.moveaxis(seen, 1, -1) if kind == "pixels" else seen
        np.testing.assert_array_equal(found.columns["observation.observation"], seen[:-1])
        np.testing.assert_array_equal(found.columns["action.action"], done)
        np.testing.assert_array_equal(found.columns["reward"], rewards)
        assert found.ending is not None
        assert found.ending.terminated == (seed == 0)
