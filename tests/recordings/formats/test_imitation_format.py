"""Rollouts of imitation and Stable-Baselines come in as they are, pickles never do, and damage is told."""

from __future__ import annotations

import io
import json
import pickle
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import offline_peers
import pytest
import rollout_files
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offline_python import ask, needs_peers

from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.formats.imitation import ImitationImporter
from understudy.recordings.formats.imitation.importer import ImitationSettings
from understudy.recordings.formats.importing import import_logs
from understudy.recordings.formats.protocol import ImportOptions
from understudy.recordings.formats.testing import EpisodeRead, check_importer, read_log

OPTIONS = ImportOptions(ImitationSettings())
STRICT = ImportOptions(ImitationSettings(), salvage=False)
KINDS = ("vector", "choice", "choices", "pixels")
WAYS = ("npz", "stored", "folder")


def write(path: Path, trajectories: list[dict[str, Any]], way: str) -> Path:
    """Write trajectories in one of `WAYS`."""
    if way == "folder":
        return rollout_files.write_folder(path, trajectories, files=2 if len(trajectories) > 1 else 1)
    return rollout_files.write_npz(path.with_suffix(".npz"), trajectories, compressed=way == "npz")


def read(path: Path, options: ImportOptions = STRICT) -> list[EpisodeRead]:
    """Read a log whole."""
    return read_log(ImitationImporter(), path, options)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_trajectory_comes_in(tmp_path: Path, kind: str, way: str) -> None:
    """Numbers, choices and pictures come in as they were written, pictures with their channels last."""
    made = [rollout_files.trajectory(seed, 300 + seed, kind) for seed in range(3)]
    # The folder has two files: the first and third trajectories are in one.
    order = [0, 2, 1] if way == "folder" else [0, 1, 2]
    found = read(write(tmp_path / "log", made, way))
    for each, expected in zip(found, [made[index] for index in order], strict=True):
        _assert_trajectory(each, expected["obs"], expected["acts"], expected["rews"], expected["terminal"])


def _assert_trajectory(found: EpisodeRead, seen: Any, done: Any, rewards: Any, terminal: bool) -> None:
    seen = np.moveaxis(seen, 1, -1) if seen.dtype == np.uint8 else seen
    np.testing.assert_array_equal(found.columns["observation.observation"], seen[:-1])
    if done.dtype.kind == "i" and done.ndim == 2:
        for index in range(2):
            np.testing.assert_array_equal(found.columns[f"action.action_{index}"], done[:, index])
    else:
        np.testing.assert_array_equal(found.columns["action.action"], done)
    np.testing.assert_array_equal(found.columns["reward"], rewards.astype(np.float32))
    assert found.ending is not None
    assert (found.ending.terminated, found.ending.truncated) == (terminal, not terminal)
    assert found.ending.final_observation is not None
    np.testing.assert_array_equal(found.ending.final_observation["observation"], seen[-1])


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(lengths=st.lists(st.integers(1, 700), min_size=1, max_size=4), way=st.sampled_from(WAYS))
def test_trajectories_of_any_length_are_told_apart(lengths: list[int], way: str) -> None:
    """Trajectories that lie one after another are split where they were, whatever their lengths."""
    made = [rollout_files.trajectory(0, steps) for steps in lengths]
    order = range(len(made)) if way != "folder" else [*range(0, len(made), 2), *range(1, len(made), 2)]
    with tempfile.TemporaryDirectory() as name:
        for found, index in zip(read(write(Path(name) / "log", made, way)), order, strict=True):
            assert found.num_steps == lengths[index]
            _assert_trajectory(found, *(made[index][key] for key in ("obs", "acts", "rews", "terminal")))


def test_a_log_without_rewards_comes_in_without_them(tmp_path: Path) -> None:
    """Rewards that were not kept are not made up, and `infos` are said to be left out."""
    path = rollout_files.write_npz(tmp_path / "log.npz", [rollout_files.trajectory(0, 5)], rewards=False)
    assert "reward" not in read(path)[0].columns
    assert "'infos' are pickles and are left out" in ImitationImporter().describe(path, OPTIONS).notes


def test_stable_baselines_rollouts_come_in(tmp_path: Path) -> None:
    """The npz of Stable-Baselines 2 is split where its episodes start."""
    rng = np.random.default_rng(0)
    starts = np.zeros(30, bool)
    starts[[0, 12, 20]] = True
    seen, done = rng.normal(size=(30, 4)), rng.integers(0, 3, (30, 1))
    np.savez(
        tmp_path / "expert.npz",
        actions=done,
        obs=seen,
        rewards=np.ones(30),
        episode_returns=np.ones(3),
        episode_starts=starts,
    )
    found = read(tmp_path / "expert.npz")
    assert [each.num_steps for each in found] == [12, 8, 10]
    np.testing.assert_array_equal(found[1].columns["observation.observation"], seen[12:20].astype(np.float32))
    np.testing.assert_array_equal(found[2].columns["action.action"], done[20:, 0])


def test_a_folder_of_mixed_logs_comes_in(tmp_path: Path) -> None:
    """Both ways of keeping rollouts are recognised below one folder, each in a behaviour of its own."""
    for way in ("npz", "folder"):
        write(tmp_path / "logs" / way, [rollout_files.trajectory(1, 20)], way)
    report = import_logs([tmp_path / "logs"], tmp_path / "out")
    assert (len(report.written), report.losses, report.unknown) == (2, [], [])
    assert {each.behavior.name for each in open_recordings(tmp_path / "out")} == {"npz", "folder"}


@pytest.mark.parametrize("way", WAYS)
def test_the_contract_is_kept(tmp_path: Path, way: str) -> None:
    """Logs that are cut at many places give what is whole or an error."""
    path = write(tmp_path / "log", [rollout_files.trajectory(seed, 6) for seed in range(3)], way)
    check_importer(ImitationImporter(), [path])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), way=st.sampled_from(WAYS))
def test_changed_bytes_give_episodes_or_an_error(logs: dict[str, dict[str, bytes]], data: Any, way: str) -> None:
    """Whatever bytes of whatever file are changed, nothing but episodes or `RecordingError` comes out."""
    files = dict(logs[way])
    chosen = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[chosen])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as name:
        for each, original in files.items():
            (Path(name) / each).write_bytes(content if each == chosen else original)
        path = Path(name) if way == "folder" else Path(name) / chosen
        ImitationImporter().sniff(path)
        try:
            read(path, OPTIONS)
        except RecordingError:
            return


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The files of a small log kept in each way."""
    folder = tmp_path_factory.mktemp("logs")
    found = {}
    for way in WAYS:
        path = write(folder / way, [rollout_files.trajectory(seed, 4) for seed in range(2)], way)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        found[way] = {each.name: each.read_bytes() for each in files}
    return found


class _Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("A pickle was loaded.",))


def test_pickles_are_refused_and_never_loaded(tmp_path: Path) -> None:
    """A pickle, by its name or by its bytes, and an array of objects are refused with what to do; nothing runs."""
    for name in ("log.pkl", "log.npz"):
        (tmp_path / name).write_bytes(pickle.dumps([b"imitation.data.types", _Bomb()]))
        assert ImitationImporter().sniff(tmp_path / name)
        with pytest.raises(RecordingError, match=r"is a pickle.*numpy\.savez"):
            read(tmp_path / name)
    bombs = np.array([_Bomb(), _Bomb()], object)
    kept = rollout_files.arrays([rollout_files.trajectory(0, 2)])
    np.savez(tmp_path / "acts.npz", **{**kept, "acts": bombs})
    with pytest.raises(RecordingError, match="acts holds Python objects"):
        read(tmp_path / "acts.npz")
    np.savez(tmp_path / "infos.npz", **{**kept, "infos": bombs})
    assert read(tmp_path / "infos.npz")[0].num_steps == 2


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A header that says another size than the zip holds is refused, as is a row too large for memory."""
    kept = rollout_files.arrays([rollout_files.trajectory(0, 4)])
    for shape in ((10**13, 5), (5, 10**9)):
        with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, values in kept.items():
                archive.writestr(f"{name}.npy", _npy(values, shape if name == "obs" else values.shape))
        with pytest.raises(RecordingError, match="but the file does not hold that"):
            read(tmp_path / "bomb.npz")


def _npy(values: np.ndarray, shape: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    kept = np.zeros(1) if values.dtype.hasobject else values
    np.lib.format.write_array_header_1_0(
        file, {"descr": kept.dtype.str, "fortran_order": False, "shape": shape if kept is values else (1,)}
    )
    return file.getvalue() + kept.tobytes()


def test_memory_stays_flat_with_the_length(tmp_path: Path) -> None:
    """A compressed log of 200 MB is read in slices: no more than a few of them are in memory at once."""
    import tracemalloc

    steps = 40_000
    seen = np.zeros((steps + 1, 1250), np.float32)
    made = {"obs": seen, "acts": np.ones(steps, int), "rews": np.zeros(steps), "terminal": True}
    path = rollout_files.write_npz(tmp_path / "long.npz", [made])
    del seen, made
    tracemalloc.start()
    (episode,) = ImitationImporter().iter_episodes(path, OPTIONS)
    assert episode.num_steps == steps
    episodes = ImitationImporter().iter_episodes(path, OPTIONS)
    assert sum(len(rows) for rows in next(episodes).rows) == steps
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000


def test_data_files_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    """`state.json` may not lead out of its folder."""
    folder = write(tmp_path / "log", [rollout_files.trajectory(0, 4)], "folder")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "../other/data.arrow"}]}))
    with pytest.raises(RecordingError, match="lies outside of it"):
        read(folder)


def test_a_cut_data_file_gives_the_files_before_it(tmp_path: Path) -> None:
    """A folder whose second file is cut gives the trajectories of the first, and says what was lost."""
    made = [rollout_files.trajectory(seed, 20) for seed in range(2)]
    folder = write(tmp_path / "log", made, "folder")
    last = folder / "data-00001-of-00002.arrow"
    last.write_bytes(last.read_bytes()[:-900])
    report = import_logs([folder], tmp_path / "out")
    assert len(report.written) == 1
    assert "cut or damaged after 0 record batches" in report.losses[0].what


def test_settings_turn_pictures_or_leave_them(tmp_path: Path) -> None:
    """Pictures are turned where they look it, and as the setting says."""
    path = rollout_files.write_npz(tmp_path / "log.npz", [rollout_files.trajectory(0, 4, "pixels")])
    for channels, shape in (("guess", (8, 10, 3)), ("first", (8, 10, 3)), ("last", (3, 8, 10))):
        episodes = ImitationImporter().iter_episodes(path, ImportOptions(ImitationSettings(channels=channels)))
        assert next(episodes).behavior.sensor("observation").space == spaces.Box(0, 255, shape, np.uint8)


@pytest.mark.slow
@needs_peers
@pytest.mark.parametrize("kind", ["vector", "pixels"])
def test_what_imitation_wrote_comes_in(tmp_path: Path, kind: str) -> None:
    """A folder and an npz that imitation itself wrote come in as they were given to it."""
    ask("imitation_save", tmp_path, kind)
    for path in (tmp_path / "folder", tmp_path / "old.npz"):
        found = read(path)
        assert len(found) == 2
        for seed, each in enumerate(found):
            _assert_trajectory(each, *offline_peers.arrays(seed, 9 + seed, kind), terminal=seed == 0)
