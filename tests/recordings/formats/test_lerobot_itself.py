"""The real `lerobot` reads what is exported, and what it records is imported (benchmarks/peers/setup-lerobot.sh)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matrix_toys import PIXELS, VECTOR, record

from toys import TOY
from understudy.recordings import Recordings
from understudy.recordings.formats.lerobot import LerobotExporter, LerobotImporter
from understudy.recordings.formats.protocol import ExportOptions, ImportOptions
from understudy.spec import BehaviorSpec

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-lerobot/bin/python"
PEER = Path(__file__).with_name("lerobot_peer.py")
WINDOW = 4
ODD_RATE = BehaviorSpec("odd", PIXELS.sensors, VECTOR.actions, 17.5)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="make it with benchmarks/peers/setup-lerobot.sh"),
]


def run_peer(home: Path, *arguments: str) -> None:
    """Run a command of `lerobot_peer.py` in LeRobot's own virtual environment, off line."""
    libraries = {"LD_LIBRARY_PATH": str(ROOT / ".venv-lerobot/ffmpeg")}
    environment = {**os.environ, **libraries, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home / "hf")}
    command = [str(PYTHON), str(PEER), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-3000:]


def export(recordings: Recordings, out: Path, **settings: str) -> None:
    """Write a data set."""
    out.mkdir()
    options = ExportOptions(LerobotExporter.Settings.model_validate(settings))
    LerobotExporter().check(recordings.behavior, options)
    LerobotExporter().write(recordings, out, options, lambda _what, _done, _total: None)


CASES = {
    "video": (TOY, {}),
    "png": (TOY, {"pictures": "png"}),
    "av1": (PIXELS, {"codec": "av1"}),
    "vector": (VECTOR, {"discrete": "index"}),
    "odd": (ODD_RATE, {"data_mb": "0.001", "video_mb": "0.001", "files_per_chunk": "2"}),
}


@pytest.mark.parametrize("name", CASES)
def test_lerobot_reads_what_is_exported(name: str, tmp_path: Path) -> None:
    """Every step, picture, window, task and statistic that LeRobot gives is that of the recordings."""
    behavior, settings = CASES[name]
    recordings = record(tmp_path / "logs", behavior, lengths=(23, 41, 30))
    export(recordings, tmp_path / "out", **settings)
    run_peer(tmp_path, "read", str(tmp_path / "out"), str(tmp_path / "found.npz"))
    with np.load(tmp_path / "found.npz") as found:
        assert (found["num_episodes"], found["fps"]) == (3, behavior.decision_hz)
        assert found["task"].tolist() == [
            f"toy level-{i}" for i, each in enumerate(recordings) for _ in range(len(each.tick))
        ]
        np.testing.assert_array_equal(found["next.reward"], np.concatenate([each.reward for each in recordings]))
        np.testing.assert_array_equal(found["tick"], np.concatenate([each.tick for each in recordings]))
        part = behavior.actions[-1]
        numbers = np.concatenate([each.action(part.name).reshape(each.num_steps, -1) for each in recordings])
        if part.dtype == np.float32:
            np.testing.assert_array_equal(found["action"][:, -numbers.shape[1] :], numbers)
        np.testing.assert_allclose(found["stats.action.min"], found["action"].min(axis=0), atol=1e-6)
        np.testing.assert_allclose(found["stats.action.mean"], found["action"].mean(axis=0), atol=1e-5)
        if "frame" in behavior.sensor_names:
            assert_pictures(found, recordings, 8 if settings.get("pictures") != "png" else 0.01)


def assert_pictures(found: np.lib.npyio.NpzFile, recordings: Recordings, most: float) -> None:
    """Assert that each step and window has its own picture, within a mean of `most` of 255."""
    frames = np.concatenate([each.observation("frame") for each in recordings]).transpose(0, 3, 1, 2) / 255
    got = found["observation.images.frame"]
    assert np.abs(got - frames).mean() * 255 < most
    # Between neighbours: the waves return to where they were. AV1 now and then repeats a picture.
    places = np.clip(np.arange(len(frames))[:, None] + np.arange(-2, 3), 0, len(frames) - 1)
    nearest = np.abs(got[:, None] - frames[places]).mean(axis=(2, 3, 4)).argmin(axis=1)
    own = np.take_along_axis(places, nearest[:, None], axis=1)[:, 0] == np.arange(len(frames))
    assert own.mean() > 0.95, np.flatnonzero(~own)
    starts = np.cumsum([0, *(each.num_steps for each in recordings)])[:-1]
    windows = found["window.observation.images.frame"]
    np.testing.assert_allclose(windows, got[starts[:, None] + np.arange(WINDOW)], atol=1e-6)


@pytest.mark.parametrize("codec", ["libsvtav1", "h264"])
def test_what_lerobot_records_is_imported(codec: str, tmp_path: Path) -> None:
    """A data set that LeRobot recorded, in its default codec or H.264, comes in with each step's own picture."""
    run_peer(tmp_path, "write", str(tmp_path / "push"), codec)
    run_peer(tmp_path, "read", str(tmp_path / "push"), str(tmp_path / "found.npz"))
    found = np.load(tmp_path / "found.npz")
    episodes = LerobotImporter().iter_episodes(tmp_path / "push", ImportOptions(salvage=False))
    for log, steps in zip(episodes, (np.arange(9), np.arange(9, 23)), strict=True):
        (rows,) = log.rows
        assert (len(rows), log.losses, log.provenance.map) == (len(steps), [], "push")
        np.testing.assert_array_equal(rows.observations["state"][:, 0], steps)
        np.testing.assert_allclose(rows.actions["action"][:, 0], steps / 10, rtol=1e-6)
        for name, most in (("front", 3), ("wrist", 0.01)):
            theirs = found[f"observation.images.{name}"][steps].transpose(0, 2, 3, 1) * 255
            assert np.abs(rows.observations[name] - theirs).max() <= most
        shades = rows.observations["front"][:, :, 60:].mean(axis=(1, 2, 3))
        assert (np.abs(shades - 20 - 9 * steps) < 4).mean() > 0.9  # AV1 now and then repeats a picture
