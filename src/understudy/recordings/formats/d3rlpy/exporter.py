"""Writes recordings as d3rlpy's HDF5 (2.1), with what it has no room for beside, where d3rlpy does not look."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from understudy.errors import require
from understudy.recordings.formats import hdf5
from understudy.recordings.formats.d3rlpy.arrays import (
    action_width,
    check_actions,
    join_actions,
    stored_shape,
    to_stored,
)
from understudy.recordings.formats.d3rlpy.behaviors import STORED
from understudy.recordings.formats.gymspaces import file_name
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.formats.stored import provenance_text
from understudy.recordings.reader import Episode, Recordings
from understudy.spec import BehaviorSpec

FORMAT = "2.1"
_COLUMNS = ("observations", "actions", "rewards", "terminated")
_ROWS = 256


class D3rlpyExportSettings(Settings):
    """What d3rlpy cannot be told otherwise."""

    unknown_reward: float = Field(default=float("nan"), description="stands for a reward that was not recorded")


class D3rlpyExporter:
    """Exports recordings as one file for d3rlpy's `ReplayBuffer.load`."""

    name: ClassVar[str] = "d3rlpy"
    title: ClassVar[str] = "d3rlpy data sets (HDF5 2.1)"
    Settings: ClassVar[type[Settings]] = D3rlpyExportSettings
    keeps: ClassVar[Mapping[str, str]] = EXACT

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:  # noqa: ARG002
        """Raise `RecordingError` unless the actions are one choice, or numbers only."""
        check_actions(behavior)

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write `NAME.h5`, called after the behaviour."""
        behavior, settings = recordings.behavior, options.settings
        check_actions(behavior)
        unknown = settings.unknown_reward if isinstance(settings, D3rlpyExportSettings) else float("nan")
        path = out / f"{file_name(behavior.name)}.h5"
        done, total = 0, sum(each.num_steps for each in recordings)
        with require("h5py", "logs").File(path, "w") as file:
            file.create_dataset("columns", data=list(_COLUMNS))
            file.create_dataset("num_episodes", data=len(recordings))
            file.create_dataset("version", data=FORMAT)
            file.create_dataset(STORED, data=behavior.to_json())
            for number, episode in enumerate(recordings):
                _write_episode(file, number, episode, unknown)
                _write_own(file, number, episode)
                done += episode.num_steps
                progress(episode.name, done, total)
        return [path]


def _write_episode(file: Any, number: int, episode: Episode, unknown_reward: float) -> None:
    behavior, steps = episode.behavior, episode.num_steps
    names = [f"observations_{number}"]
    if len(behavior.sensors) > 1:
        names = [f"observations_{number}_{index}" for index in range(len(behavior.sensors))]
    seen = [
        hdf5.write_rows(file, name, stored_shape(sensor), sensor.space.dtype, steps)
        for sensor, name in zip(behavior.sensors, names, strict=True)
    ]
    dtype = behavior.actions[0].dtype
    done = hdf5.write_rows(file, f"actions_{number}", (action_width(behavior),), dtype, steps)
    for start in range(0, steps, _ROWS):
        rows = slice(start, min(start + _ROWS, steps))
        for sensor, data in zip(behavior.sensors, seen, strict=True):
            data[rows] = to_stored(sensor, episode.observation(sensor.name, rows))
        done[rows] = join_actions(behavior, {name: episode.action(name, rows) for name in behavior.action_names})
    rewards = episode.reward
    known = np.where(np.isnan(rewards), np.float32(unknown_reward), rewards)
    file.create_dataset(f"rewards_{number}", data=known[:, None])
    file.create_dataset(f"terminated_{number}", data=episode.terminated)


def _write_own(file: Any, number: int, episode: Episode) -> None:
    group = file.create_group(f"understudy/{number}")
    group.create_dataset("provenance", data=provenance_text(episode.provenance))
    group.create_dataset("truncated", data=episode.truncated)
    group.create_dataset("tick", data=episode.tick)
    group.create_dataset("time_ns", data=episode.time_ns)
    words = [json.dumps(each) for each in episode.events]
    group.create_dataset("events", data=words, dtype=require("h5py", "logs").string_dtype("utf-8"))
    final = episode.final_observation()
    if final is None:
        return
    for sensor in episode.behavior.sensors:
        group.create_dataset(f"final_{sensor.name}", data=to_stored(sensor, final[sensor.name][None]))
