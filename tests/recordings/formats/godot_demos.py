"""Writes demonstrations as Godot RL's `Sync` node does: one line, two lists for each trajectory, nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from understudy.recordings.formats import ImportOptions, LogEpisode, Loss, Rows
from understudy.recordings.formats.godot_rl import GodotRlImporter

Trajectory = tuple[list[list[float]], list[list[float]]]
OBSERVED = 5
NAMED = {"sensors": "position:2,rays:3", "actions": "steer:continuous:2,jump:discrete:2", "decision_hz": "30"}
"""What a project would set for these: a sensor of two numbers and one of three, two numbers to steer and one choice."""


def trajectory(steps: int, seed: int = 0) -> Trajectory:
    """The vectors of an episode: five numbers seen; two to steer and one choice done."""
    rng = np.random.default_rng(seed)
    seen = np.round(rng.normal(size=(steps + 1, OBSERVED)), 6)
    steer, jump = np.round(rng.uniform(-1, 1, (steps, 2)), 6), rng.integers(0, 2, steps)
    return seen.tolist(), [[*map(float, both), int(choice)] for both, choice in zip(steer, jump, strict=True)]


def write_demos(path: Path, trajectories: Sequence[Trajectory]) -> Path:
    """Write a file as `JSON.stringify` and `store_line` do."""
    path.write_text(json.dumps(trajectories, separators=(",", ":")) + "\n")
    return path


def sample_log(folder: Path, seed: int) -> Path:
    """Write a small log of two episodes."""
    return write_demos(folder / "expert_demos.json", [trajectory(6 + seed, seed), trajectory(4, seed + 50)])


class ReadEpisode:
    """An episode whose rows were read and joined."""

    def __init__(self, log: LogEpisode) -> None:
        self.log = log
        self.parts: list[Rows] = list(log.rows)
        self.losses: list[Loss] = log.losses
        self.ending = self.parts[-1].ending if self.parts else None
        self.num_steps = sum(len(each) for each in self.parts)
        self.observations = _join([dict(each.observations) for each in self.parts])
        self.actions = _join([dict(each.actions) for each in self.parts])


def read_all(path: Path, *, salvage: bool = True, **settings: str) -> list[ReadEpisode]:
    """Read a file's episodes whole."""
    chosen = GodotRlImporter.Settings.model_validate_strings(settings)
    episodes = GodotRlImporter().iter_episodes(path, ImportOptions(chosen, salvage=salvage))
    return [ReadEpisode(each) for each in episodes]


def _join(columns: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    names = dict.fromkeys(name for each in columns for name in each)
    return {name: np.concatenate([each[name] for each in columns]) for name in names}
