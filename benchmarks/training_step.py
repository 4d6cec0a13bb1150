"""One update of sequence training, fed by the loader, against the same update on a tensor that is already in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _table import Row, interleaved, report
from gymnasium import spaces

from understudy.recordings import EpisodeWriter, Provenance, Recordings, open_recordings
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec
from understudy.training.augment import Augment
from understudy.training.data import Prefetch, Window, window_maker
from understudy.training.loop import Learner, prepare
from understudy.training.recipe import Recipe
from understudy.training.stream import WindowStream

EPISODES = 8
STEPS = 320
UPDATES_AT_ONCE = 8
REPEATS = 7
# One core is left to the loader. On a busy machine more threads than free cores measure the scheduler: each waits for
# the others at every operation.
THREADS = max(1, (os.cpu_count() or 1) - 1)
BEHAVIOR = BehaviorSpec(
    "training step",
    (SensorSpec("frame", spaces.Box(0, 255, (50, 80, 3), np.uint8)),),
    (ActionSpec("turn", spaces.Box(-10, 10, (1,), np.float32)), ActionSpec("move", spaces.Discrete(3))),
    17.5,
)
RECIPE = Recipe.model_validate(
    {
        "name": "training step",
        "sensors": {
            "frame": {"encoder": "pixels", "size": [40, 64], "channels": [16, 32, 64], "shift": 2, "contrast": 0.2}
        },
        "bins": {"turn": {"limit": 10}},
        "mirror": {"sensors": ["frame"], "negate": ["turn"]},
        "loop": {"batch": 8, "window": 16, "segment": 64, "threads": THREADS, "updates": 100_000},
    }
)


def rows() -> list[Row]:
    """Measure; under a minute."""
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        learner = prepare(RECIPE, record(Path(folder) / "logs"), Path(folder) / "run")
        loaded, resident = interleaved(with_loader(learner), without_loader(learner), REPEATS)
    loop = RECIPE.loop
    return [
        Row(
            "Sequence training step with the loader against the same step on a tensor already in memory",
            resident / loaded,
            0.85,
            note=f"{loop.batch} sequences of {loop.window} frames of 40 × 64 × 3 a step, mirrored, shifted and relit; "
            f"{1000 * loaded / UPDATES_AT_ONCE:.0f} ms a step with the loader, which starts anew every "
            f"{UPDATES_AT_ONCE} steps, {1000 * resident / UPDATES_AT_ONCE:.0f} ms without; "
            f"{THREADS} of {os.cpu_count()} cores compute",
        )
    ]


def record(folder: Path) -> Recordings:
    """Record episodes of frames and actions."""
    for seed in range(EPISODES):
        rng = np.random.default_rng(seed)
        texture = np.kron(rng.integers(0, 256, (40, 40, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
        path = np.cumsum(rng.integers(-1, 2, (STEPS, 2)), axis=0) % (texture.shape[0] - 80)
        with EpisodeWriter(folder, BEHAVIOR, Provenance("training step"), name=str(seed)) as writer:
            for y, x in path:
                turn = rng.uniform(-10, 10, 1).astype(np.float32)
                writer.append({"frame": texture[y : y + 50, x : x + 80]}, {"turn": turn, "move": rng.integers(3)})
            writer.finish(truncated=True)
    return open_recordings(folder)


def make_windows(learner: Learner) -> Callable[[int], Window]:
    """Return the loader's own function from an update's number to its window."""
    stream = WindowStream(learner.split.train, learner.recipe.loop)
    augment = Augment(learner.recipe, learner.behavior)
    return window_maker(learner.cache, learner.policy.codec, stream, augment)


def with_loader(learner: Learner) -> Callable[[], None]:
    """Some updates as `train` does them; the wait for the first window is part of it."""
    make = make_windows(learner)

    def updates() -> None:
        prefetch = Prefetch(make, learner.update, learner.update + UPDATES_AT_ONCE)
        for window in prefetch:
            learner.step(window)
        prefetch.close()

    return updates


def without_loader(learner: Learner) -> Callable[[], None]:
    """As many updates on one window."""
    window = make_windows(learner)(0)

    def updates() -> None:
        for _ in range(UPDATES_AT_ONCE):
            learner.step(window)

    return updates


if __name__ == "__main__":
    report("training_step", rows())
