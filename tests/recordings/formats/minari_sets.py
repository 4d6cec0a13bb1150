"""Real Minari data sets, made by the real package: of every kind of space, of pictures, and of an environment."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gymnasium
import minari
import numpy as np
from gymnasium import spaces
from minari.data_collector import EpisodeBuffer

PICTURE = (40, 48, 3)
OBSERVATIONS = spaces.Dict(
    {
        "joint angles": spaces.Box(-np.inf, np.inf, (3,), np.float64),
        "camera": spaces.Box(0, 255, PICTURE, np.uint8),
        "held": spaces.Tuple((spaces.Discrete(4, start=2), spaces.MultiBinary(3))),
        "mission": spaces.Text(20),
    }
)
ACTIONS = spaces.Tuple(
    (spaces.MultiDiscrete([2, 3]), spaces.Box(-1, 1, (2,), np.float64), spaces.Discrete(3, start=-1))
)


def picture(seed: int, step: int) -> np.ndarray:
    """A picture of even colours, which JPEG keeps nearly as they are."""
    shade = 40 + (seed * 31 + step * 17) % 170
    return np.broadcast_to(np.array([shade, 255 - shade, 128], np.uint8), PICTURE).copy()


def buffer(seed: int, steps: int, *, seeded: bool = True) -> EpisodeBuffer:
    """An episode of `OBSERVATIONS` and `ACTIONS`, as Minari collects it."""
    rng = np.random.default_rng(seed)
    return EpisodeBuffer(
        seed=seed if seeded else None,
        observations={
            "joint angles": rng.normal(size=(steps + 1, 3)),
            "camera": np.stack([picture(seed, step) for step in range(steps + 1)]),
            "held": (rng.integers(2, 6, steps + 1), rng.integers(0, 2, (steps + 1, 3)).astype(np.int8)),
            "mission": [f"go to door {step}" for step in range(steps + 1)],
        },
        actions=(
            rng.integers(0, [2, 3], (steps, 2)),
            rng.uniform(-1, 1, (steps, 2)),
            rng.integers(-1, 2, steps),
        ),
        rewards=list(rng.normal(size=steps)),
        terminations=[step == steps - 1 and seed % 2 == 0 for step in range(steps)],
        truncations=[step == steps - 1 and seed % 2 == 1 for step in range(steps)],
        infos={"speed": rng.normal(size=(steps + 1, 2))},
    )


@contextmanager
def root(folder: Path) -> Iterator[None]:
    """Make Minari keep its data sets below `folder`."""
    before = os.environ.get("MINARI_DATASETS_PATH")
    os.environ["MINARI_DATASETS_PATH"] = str(folder)
    try:
        with warnings.catch_warnings():
            # Minari misses the author, the code's address and other things of a data set to be published.
            warnings.simplefilter("ignore")
            yield
    finally:
        os.environ.pop("MINARI_DATASETS_PATH")
        if before is not None:
            os.environ["MINARI_DATASETS_PATH"] = before


def make(folder: Path, data_format: str, buffers: list[EpisodeBuffer], **more: Any) -> Path:
    """Let Minari write a data set of buffers and return its folder."""
    spaces_ = {"observation_space": OBSERVATIONS, "action_space": ACTIONS, **more}
    with root(folder):
        minari.create_dataset_from_buffers(f"test/{data_format}-v0", buffers, data_format=data_format, **spaces_)
    return folder / "test" / f"{data_format}-v0"


def play(folder: Path, data_format: str, *, episodes: int = 3) -> Path:
    """Play CartPole at random, let Minari write it with its environment, and return the data set's folder."""
    buffers = [_play_once(seed) for seed in range(episodes)]
    with root(folder):
        minari.create_dataset_from_buffers("cartpole/random-v0", buffers, env="CartPole-v1", data_format=data_format)
    return folder / "cartpole" / "random-v0"


def _play_once(seed: int) -> EpisodeBuffer:
    env = gymnasium.make("CartPole-v1")
    env.action_space.seed(seed)
    seen, done, rewards, ends = [env.reset(seed=seed)[0]], [], [], [False]
    while not ends[-1]:
        done.append(env.action_space.sample())
        observation, reward, terminated, _, _ = env.step(done[-1])
        seen.append(observation)
        rewards.append(reward)
        ends.append(terminated)
    env.close()
    return EpisodeBuffer(
        seed=seed,
        observations=np.array(seen),
        actions=np.array(done),
        rewards=rewards,
        terminations=ends[1:],
        truncations=[False] * len(done),
    )


def sample_log(folder: Path, seed: int) -> Path:
    """Write a small data set, for the tests of all formats."""
    data_format = ("hdf5", "arrow", "parquet")[seed % 3]
    return make(folder, data_format, [buffer(seed, 6), buffer(seed + 1, 9)])
