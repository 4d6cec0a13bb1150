"""Run by the Python of `.venv-offline`, where d3rlpy, imitation and Minari's collector are: `offline_peers.py WHAT …`.

It imports nothing of ours, so that what it writes and finds is theirs alone.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

warnings.simplefilter("ignore")


def arrays(seed: int, steps: int, kind: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """Observations (one more than steps), actions and rewards, drawn from a seed; kept apart from ours on purpose."""
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=steps).astype(np.float32)
    if kind == "pixels":
        return rng.integers(0, 256, (steps + 1, 3, 20, 24)).astype(np.uint8), rng.integers(0, 4, steps), rewards
    return (
        rng.normal(size=(steps + 1, 5)).astype(np.float32),
        rng.uniform(-1, 1, (steps, 2)).astype(np.float32),
        rewards,
    )


def d3rlpy_load(path: str) -> dict[str, Any]:
    """Load a file with d3rlpy and say what it made of it, episode by episode."""
    import d3rlpy

    with Path(path).open("rb") as file:
        buffer = d3rlpy.dataset.ReplayBuffer.load(file, d3rlpy.dataset.InfiniteBuffer())
    batch = buffer.sample_transition_batch(4)
    return {
        "action_space": buffer.dataset_info.action_space.name,
        "action_size": int(buffer.dataset_info.action_size),
        "transitions": buffer.transition_count,
        "batch": [list(np.shape(batch.observations)), list(batch.actions.shape)],
        "episodes": [
            {
                "steps": each.size(),
                "observations": float(np.sum(each.observations, dtype=np.float64)),
                "actions": float(np.sum(each.actions, dtype=np.float64)),
                "rewards": float(np.sum(each.rewards, dtype=np.float64)),
                "terminated": bool(each.terminated),
            }
            for each in buffer.episodes
        ],
    }


def d3rlpy_dump(path: str, kind: str) -> None:
    """Let d3rlpy write two episodes, the first of which terminates."""
    import d3rlpy

    parts = [arrays(seed, 9 + seed, kind) for seed in range(2)]
    lengths = [len(each[1]) for each in parts]
    ends = np.cumsum(lengths) - 1
    terminals, timeouts = np.zeros(sum(lengths)), np.zeros(sum(lengths))
    terminals[ends[0]] = timeouts[ends[1]] = 1
    buffer = d3rlpy.dataset.MDPDataset(
        observations=np.concatenate([each[0][:-1] for each in parts]),
        actions=np.concatenate([each[1].reshape(len(each[1]), -1) for each in parts]),
        rewards=np.concatenate([each[2] for each in parts])[:, None],
        terminals=terminals,
        timeouts=timeouts,
    )
    with Path(path).open("w+b") as file:
        buffer.dump(file)


def imitation_save(folder: str, kind: str) -> None:
    """Let imitation write two trajectories, as a folder of `datasets` and, as its older versions did, as npz."""
    from imitation.data import serialize, types

    made = [arrays(seed, 9 + seed, kind) for seed in range(2)]
    trajectories = [
        types.TrajectoryWithRew(
            obs=each[0],
            acts=each[1],
            infos=np.array([{"step": step} for step in range(len(each[1]))]),
            terminal=seed == 0,
            rews=each[2],
        )
        for seed, each in enumerate(made)
    ]
    serialize.save(f"{folder}/folder", trajectories)
    np.savez_compressed(
        f"{folder}/old.npz",
        obs=np.concatenate([each.obs for each in trajectories]),
        acts=np.concatenate([each.acts for each in trajectories]),
        infos=np.concatenate([each.infos for each in trajectories]),
        terminal=np.array([each.terminal for each in trajectories]),
        rews=np.concatenate([each.rews for each in trajectories]),
        indices=np.cumsum([len(each) for each in trajectories[:-1]]),
    )


def minari_collect(folder: str, data_format: str) -> None:
    """Play CartPole at random under Minari's `DataCollector`, which needs jax."""
    os.environ["MINARI_DATASETS_PATH"] = folder
    import gymnasium
    import minari

    env = minari.DataCollector(gymnasium.make("CartPole-v1"), data_format=data_format, record_infos=True)
    for episode in range(3):
        env.reset(seed=episode)
        env.action_space.seed(episode)
        done = False
        while not done:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            done = terminated or truncated
    env.create_dataset("cartpole/random-v0")
    env.close()


if __name__ == "__main__":
    what = {each.__name__: each for each in (d3rlpy_load, d3rlpy_dump, imitation_save, minari_collect)}
    print(json.dumps(what[sys.argv[1]](*sys.argv[2:])))
