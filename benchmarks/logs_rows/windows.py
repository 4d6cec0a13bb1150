"""Random windows of training: the cache against a bare memory map, Minari's episodes, and LeRobot's own loader.

All sides hold the same episodes and read batches in turn. LeRobot runs in the virtual environment that
`peers/setup-lerobot.sh` makes, on an export of ours, once with video and once with PNGs; the faster one counts.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from _table import Row, interleaved
from windows import BATCH, EPISODES, STEPS, WINDOW, bare_windows, minari_windows, our_windows, play

from understudy.recordings import open_recordings
from understudy.recordings.formats.lerobot import LerobotExporter
from understudy.recordings.formats.protocol import ExportOptions

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-lerobot/bin/python"
SCRIPT = ROOT / "benchmarks/peers/lerobot_windows.py"
LEROBOT = "Random windows from the cache against LeRobot's loader with delta_timestamps"
REPEATS, PEER_REPEATS = 100, 7
_ROUNDS = 5  # of which the median ratio counts, for what else the machine does comes and goes


def rows() -> list[Row]:
    """Measure; some two minutes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        episodes = [play(seed) for seed in range(EPISODES)]
        ours = our_windows(home, episodes)
        found = [_against_memmap((bare_windows(home), sliced_windows(home)), ours)]
        found.append(_against_minari(minari_windows(home, episodes), ours))
        found.append(_against_lerobot(home, ours))
    return found


def _against_memmap(bare: Sequence[Callable[[], Any]], ours: Callable[[], Any]) -> Row:
    """Against the faster of the ways to read a bare memory map."""
    measured = []
    for way in bare:
        times = [interleaved(way, ours, repeats=REPEATS) for _ in range(_ROUNDS)]
        ratios = sorted(theirs / mine for theirs, mine in times)
        measured.append((statistics.median(ratios), ratios, *map(statistics.median, zip(*times, strict=True))))
    ratio, ratios, theirs, mine = min(measured, key=lambda each: each[0])
    note = f"{_size()}; {BATCH / mine:,.0f} windows a second against {BATCH / theirs:,.0f}, the faster of indexing and "
    note += f"slicing; {_ROUNDS} rounds of {REPEATS} batches in turn: {ratios[0]:.2f} to {ratios[-1]:.2f}"
    return Row("Random windows from the cache against a bare numpy.memmap", ratio, 0.8, note=note)


def sliced_windows(home: Path) -> Callable[[], Any]:
    """Another bare way: each window as one slice, copied to its place."""
    (path,) = (home / "cache").glob("*/observation.frame.npy")
    frames = np.asarray(np.load(path, mmap_mode="r"))
    rng = np.random.default_rng(0)

    def read() -> np.ndarray:
        windows = np.empty((BATCH, WINDOW, *frames.shape[1:]), frames.dtype)
        for row, start in enumerate(rng.integers(len(frames) - WINDOW, size=BATCH).tolist()):
            windows[row] = frames[start : start + WINDOW]
        return windows

    return read


def _against_minari(minari: Callable[[], Any], ours: Callable[[], Any]) -> Row:
    theirs, mine = interleaved(minari, ours, repeats=PEER_REPEATS)
    note = f"{_size()}; {BATCH / mine:,.0f} windows a second against {BATCH / theirs:,.0f} (sample_episodes, HDF5)"
    return Row("Random windows from the cache against Minari's episodes", theirs / mine, 50, note=note)


def _against_lerobot(home: Path, ours: Callable[[], Any]) -> Row:
    if not PYTHON.exists():
        return Row(LEROBOT, None, 10, note="make it with benchmarks/peers/setup-lerobot.sh")
    pairs = {}
    for pictures in ("video", "png"):
        export_to(home, pictures)
        with lerobot_loader(home / pictures, home) as (read, decoder):
            pairs[decoder] = _alternate(read, ours)
    decoder, (theirs, mine) = min(pairs.items(), key=lambda pair: pair[1][0])
    rates = ", ".join(f"{BATCH / seconds:,.0f} with {name}" for name, (seconds, _) in pairs.items())
    note = f"{_size()}; {BATCH / mine:,.0f} windows a second against {rates} (lerobot 0.4.4, one process); by {decoder}"
    return Row(LEROBOT, theirs / mine, 10, note=note)


def export_to(home: Path, pictures: str) -> None:
    """Export the recordings below `home` as a LeRobot data set, video in LeRobot's default quality."""
    out = home / pictures
    out.mkdir()
    options = ExportOptions(LerobotExporter.Settings.model_validate({"pictures": pictures, "crf": 30}))
    LerobotExporter().write(open_recordings(home / "logs"), out, options, lambda _what, _done, _total: None)


@contextmanager
def lerobot_loader(root: Path, home: Path) -> Iterator[tuple[Callable[[], float], str]]:
    """Start LeRobot's loader; gives a function that reads a batch and returns its seconds, and what it decodes with."""
    libraries = {
        "LD_LIBRARY_PATH": str(ROOT / ".venv-lerobot/ffmpeg"),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
    }
    command = [str(PYTHON), str(SCRIPT), str(root), str(WINDOW), str(BATCH), "0"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**os.environ, **libraries}, text=True, **pipes) as loader:
        assert loader.stdin is not None
        assert loader.stdout is not None
        words = loader.stdout.readline().split()
        if words[:1] != ["ready"]:
            raise RuntimeError(f"LeRobot's loader did not start: {' '.join(command)}")

        def read() -> float:
            print(file=loader.stdin, flush=True)
            return float(loader.stdout.readline())

        try:
            yield read, words[1]
        finally:
            loader.stdin.close()


def _alternate(read: Callable[[], float], ours: Callable[[], Any]) -> tuple[float, float]:
    """The median seconds of a batch of LeRobot's and of ours, read in turn after one of each to warm up."""
    theirs, mine = [], []
    for _ in range(PEER_REPEATS + 1):
        theirs.append(read())
        begin = time.perf_counter()
        ours()
        mine.append(time.perf_counter() - begin)
    return statistics.median(theirs[1:]), statistics.median(mine[1:])


def _size() -> str:
    return f"{BATCH} windows of {WINDOW} frames of 64 × 64 × 3 a batch, from {EPISODES} episodes of {STEPS} steps"
