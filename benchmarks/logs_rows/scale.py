"""A hundred million steps: how soon they are open, and how much memory training on them takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import yaml
from _table import Row
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

STEPS = int(os.environ.get("UNDERSTUDY_BENCH_STEPS", 100_000_000))
EPISODE = 10_000
UPDATES = 300
BEHAVIOR = BehaviorSpec(
    "scale",
    (SensorSpec("state", spaces.Box(-np.inf, np.inf, (6,), np.float32)),),
    (ActionSpec("move", spaces.Discrete(4)),),
    16.0,
)
RECIPE = {
    "name": "scale",
    "sensors": {"state": {"encoder": "vector", "widths": [64]}},
    "policy": {"hidden": 64, "memory": 64, "past_dropout": 0.3},
    # One recording is held out, so that training is what is measured.
    "split": {"episodes": EPISODE / STEPS},
    "loop": {"updates": UPDATES, "batch": 16, "window": 32, "segment": 128, "learning_rate": 1e-3, "threads": 1},
}
_OPEN = (
    "import sys, time; from understudy.recordings import open_recordings; start = time.perf_counter();"
    "found = open_recordings(sys.argv[1]); steps = sum(each.num_steps for each in found); found.behavior;"
    "print(time.perf_counter() - start, steps)"
)


def rows() -> list[Row]:
    """Measure; about ten minutes, and eleven gigabytes of disk below the temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        wrote = generate(home / "logs")
        opened = [_open(home / "logs") for _ in range(3)]
        anonymous, resident, took = _train(home)
    what = f"{STEPS:,} steps of 6 numbers and a choice in {STEPS // EPISODE:,} recordings"
    return [
        Row(
            "Opening a hundred million steps of vector logs",
            float(np.median(opened)),
            2.0,
            "s",
            at_most=True,
            note=f"{what}, written at {STEPS / wrote:,.0f} steps a second; median of three processes",
        ),
        Row(
            "Training on them: memory",
            anonymous,
            2.0,
            "GiB",
            at_most=True,
            note=f"the most that `understudy train` held of its own, in {took:.0f} s with {UPDATES} updates; "
            f"with the pages of mapped files, which the system takes back as it needs, {resident:.2f}",
        ),
    ]


def generate(folder: Path) -> float:
    """Write the recordings, a state that drifts and choices that follow it; returns the seconds it took."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    for index in range(STEPS // EPISODE):
        state = rng.standard_normal((EPISODE, 6), np.float32)
        move = (state[:, :2] > 0).astype(np.int64) @ np.array([1, 2])
        with EpisodeWriter(folder, BEHAVIOR, Provenance("scale"), name=f"{index:06d}") as writer:
            writer.extend({"state": state}, {"move": move})
            writer.finish(truncated=True)
    return time.perf_counter() - start


def _open(folder: Path) -> float:
    done = subprocess.run([sys.executable, "-c", _OPEN, str(folder)], check=True, capture_output=True, text=True)
    seconds, steps = done.stdout.split()
    assert int(steps) == STEPS
    return float(seconds)


def _train(home: Path) -> tuple[float, float, float]:
    """Train as a user would; returns the GiB of its own at most, with mapped pages at most, and the seconds it took."""
    recipe = home / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE))
    arguments = ["train", str(recipe), str(home / "logs"), "--out", str(home / "run")]
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "understudy.cli.main", *arguments], stdout=subprocess.DEVNULL)
    peaks = {"RssAnon": 0.0, "VmRSS": 0.0}
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    status = process.wait()
    watcher.join()
    if status:
        raise RuntimeError(f"understudy train ended with {status}")
    return peaks["RssAnon"], peaks["VmRSS"], time.perf_counter() - start


def _watch(process: subprocess.Popen[bytes], peaks: dict[str, float]) -> None:
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            return
        for key, value in (line.split(":", 1) for line in lines if ":" in line):
            if key in peaks:
                peaks[key] = max(peaks[key], int(value.split()[0]) / 2**20)
        time.sleep(0.1)
