"""Files of d3rlpy's format 2.1, of its format 1 and of D4RL, written as those tools write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

COLUMNS = ("observations", "actions", "rewards", "terminated")


def episode(seed: int, steps: int, kind: str = "continuous") -> dict[str, Any]:
    """Columns of one episode: `continuous`, `discrete`, `pixels` or `tuple`."""
    rng = np.random.default_rng((seed, steps))
    seen: Any = rng.normal(size=(steps, 5)).astype(np.float32)
    done: np.ndarray = rng.uniform(-1, 1, (steps, 2)).astype(np.float32)
    if kind in ("discrete", "pixels"):
        done = rng.integers(0, 4, (steps, 1)).astype(np.int32)
        done[0] = 3
    if kind == "pixels":
        seen = rng.integers(0, 256, (steps, 3, 8, 10)).astype(np.uint8)
    if kind == "tuple":
        seen = [seen, rng.integers(0, 256, (steps, 1, 8, 10)).astype(np.uint8)]
    rewards = rng.normal(size=(steps, 1)).astype(np.float32)
    return {"observations": seen, "actions": done, "rewards": rewards, "terminated": seed % 2 == 0}


def write(path: Path, episodes: list[dict[str, Any]], version: str = "2.1") -> Path:
    """Write episodes in the order d3rlpy writes them."""
    with h5py.File(path, "w") as file:
        file.create_dataset("columns", data=list(COLUMNS))
        file.create_dataset("num_episodes", data=len(episodes))
        for number, each in enumerate(episodes):
            for key in COLUMNS:
                if isinstance(each[key], list):
                    for index, part in enumerate(each[key]):
                        file.create_dataset(f"{key}_{number}_{index}", data=part)
                else:
                    file.create_dataset(f"{key}_{number}", data=each[key])
        file.create_dataset("version", data=version)
    return path


def write_flat(path: Path, episodes: list[dict[str, Any]], *, d4rl: bool) -> Path:
    """Write episodes one after another in four columns, as d3rlpy 1 did, and D4RL does."""
    ends = np.cumsum([len(each["actions"]) for each in episodes]) - 1
    last = np.zeros(ends[-1] + 1, bool)
    last[ends] = True
    terminals = np.zeros_like(last)
    terminals[[end for end, each in zip(ends, episodes, strict=True) if each["terminated"]]] = True
    with h5py.File(path, "w") as file:
        for key in ("observations", "actions"):
            file.create_dataset(key, data=np.concatenate([each[key] for each in episodes]), compression="gzip")
        file.create_dataset("rewards", data=np.concatenate([each["rewards"][:, 0] for each in episodes]))
        file.create_dataset("terminals", data=terminals)
        file.create_dataset("timeouts" if d4rl else "episode_terminals", data=last & ~terminals if d4rl else last)
    return path


def sample_log(folder: Path, seed: int) -> Path:
    """Write a small file, for the tests of all formats."""
    kind = ("continuous", "discrete", "pixels", "tuple")[seed % 4]
    return write(folder / f"sample-{seed}.h5", [episode(seed, 6, kind), episode(seed + 1, 9, kind)])
