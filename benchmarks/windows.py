"""Reading random training windows: our cache, a bare memory map of the same frames, and Minari's HDF5 episodes."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _table import Row, interleaved, report
from gymnasium import spaces

from understudy.recordings import Cache, EpisodeWriter, Provenance, open_recordings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

EPISODES = 20
STEPS = 300
WINDOW = 16
BATCH = 64
AT_ONCE = 16  # Minari samples without replacement: a batch takes four draws of 16 of the 20 episodes
BEHAVIOR = BehaviorSpec(
    "windows",
    (SensorSpec("frame", spaces.Box(0, 255, (64, 64, 3), np.uint8)),),
    (ActionSpec("move", spaces.Discrete(6)),),
    30.0,
)


def rows() -> list[Row]:
    """Measure; under a minute."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        episodes = [play(seed) for seed in range(EPISODES)]
        ours = our_windows(home, episodes)
        bare, cached = interleaved(bare_windows(home), ours, repeats=60)
        minari, again = interleaved(minari_windows(home, episodes), ours, repeats=5)
    size = f"{BATCH} random windows of {WINDOW} frames of 64 × 64 × 3, from {EPISODES} episodes of {STEPS} steps"
    return [
        Row(
            "Cached training windows against a bare numpy.memmap gather of the same frames",
            bare / cached,
            0.7,
            note=f"{size}; {BATCH / cached:.0f} windows a second against {BATCH / bare:.0f}",
        ),
        Row(
            "Cached training windows against Minari's random windows on the same episodes",
            minari / again,
            20,
            note=f"{size}; {BATCH / again:.0f} windows a second against {BATCH / minari:.0f} (sample_episodes, HDF5)",
        ),
    ]


def play(seed: int) -> dict[str, np.ndarray]:
    """An episode: frames that a camera gliding over a textured plane could see, and actions."""
    rng = np.random.default_rng(seed)
    texture = np.kron(rng.integers(0, 256, (60, 60, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    path = np.cumsum(rng.integers(-1, 2, (STEPS, 2)), axis=0) % (texture.shape[0] - 64)
    frames = np.stack([texture[y : y + 64, x : x + 64] for y, x in path])
    return {"frame": frames, "move": rng.integers(0, 6, STEPS)}


def our_windows(home: Path, episodes: list[dict[str, np.ndarray]]) -> Callable[[], Any]:
    """Record, build the cache, and return a function that reads one batch."""
    for index, episode in enumerate(episodes):
        with EpisodeWriter(home / "logs", BEHAVIOR, Provenance("windows"), name=f"{index:03d}") as writer:
            for frame, move in zip(episode["frame"], episode["move"], strict=True):
                writer.append({"frame": frame}, {"move": move})
            writer.finish(truncated=True)
    cache = Cache.build(open_recordings(home / "logs"), home / "cache", sensors=("frame",))
    rng = np.random.default_rng(0)
    return lambda: cache.windows(rng.integers(cache.num_rows - WINDOW, size=BATCH), WINDOW)


def bare_windows(home: Path) -> Callable[[], Any]:
    """The least that can be done: fancy indexing of a memory map of the very same file."""
    (path,) = (home / "cache").glob("*/observation.frame.npy")
    frames = np.load(path, mmap_mode="r")
    rng = np.random.default_rng(0)

    def read() -> np.ndarray:
        starts = rng.integers(len(frames) - WINDOW, size=BATCH)
        return np.asarray(frames[starts[:, None] + np.arange(WINDOW)])

    return read


def minari_windows(home: Path, episodes: list[dict[str, np.ndarray]]) -> Callable[[], Any]:
    """The same episodes as a Minari dataset, read as its interface gives them: whole episodes, then a slice."""
    os.environ["MINARI_DATASETS_PATH"] = str(home / "minari")
    import minari
    from minari.data_collector import EpisodeBuffer

    frame, move = BEHAVIOR.sensors[0].space, BEHAVIOR.actions[0].space
    buffers = [EpisodeBuffer(id=index, **as_minari(episode)) for index, episode in enumerate(episodes)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the data set names no author
        # JPEG, the default, would keep other frames than these, and has to be decoded frame by frame.
        dataset = minari.create_dataset_from_buffers(
            "understudy/windows-v0", buffers, observation_space=frame, action_space=move, jpeg_encoding=False
        )
    rng = np.random.default_rng(0)

    def read() -> np.ndarray:
        windows = []
        for _ in range(BATCH // AT_ONCE):
            for episode in dataset.sample_episodes(AT_ONCE):
                start = rng.integers(STEPS - WINDOW)
                windows.append(episode.observations[start : start + WINDOW])
        return np.stack(windows)

    return read


def as_minari(episode: dict[str, np.ndarray]) -> dict[str, Any]:
    """An episode in Minari's own arrays, which hold one observation more than actions."""
    end = np.arange(STEPS) == STEPS - 1
    return {
        "observations": np.concatenate([episode["frame"], episode["frame"][-1:]]),
        "actions": episode["move"],
        "rewards": np.zeros(STEPS),
        "terminations": np.zeros(STEPS, bool),
        "truncations": end,
    }


if __name__ == "__main__":
    report("windows", rows())
