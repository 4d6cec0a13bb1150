"""Writes recordings as the demonstrations that Godot RL's loader reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, TextIO

import numpy as np
from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats.godot_rl.note import write_note, write_steps
from understudy.recordings.formats.godot_rl.vectors import join_action, join_observation
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.reader import Episode, Recordings
from understudy.spec import BehaviorSpec

_ROWS_AT_ONCE = 256
_EXACT = 2**53
"""Up to here JSON's numbers are exact integers in every reader."""


class GodotRlExportSettings(Settings):
    """How the file is written."""

    note: bool = Field(
        True,
        description="put what the format has no place for (spec, rewards, clocks, events) behind each trajectory's "
        "two lists, where Godot RL's loader does not look; false for readers that want nothing else there",
    )


class GodotRlExporter:
    """Writes one file, named after the behaviour, with a trajectory for each episode.

    Sensors are joined to one vector, and so are the parts of an action; a `Box` is scaled to -1 to 1, as Godot RL's
    policies want it. Where the observation after the last action is not known, the one before is repeated, since the
    loader wants one more than there are actions.
    """

    name: ClassVar[str] = "godot_rl"
    title: ClassVar[str] = "Godot RL expert demonstrations (JSON)"
    Settings: ClassVar[type[Settings]] = GodotRlExportSettings
    keeps: ClassVar[Mapping[str, str]] = EXACT

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:  # noqa: ARG002 - the protocol's
        """Raise `RecordingError` if a sensor is a picture, or empty: demonstrations hold vectors of numbers alone."""
        for sensor in behavior.sensors:
            space = sensor.space
            if space.dtype == np.uint8 and len(space.shape) == 3:
                raise RecordingError(
                    f"Sensor '{sensor.name}' is a picture; Godot RL's demonstrations hold numbers alone. Export "
                    "without it, or as another format: mlagents, minari, lerobot."
                )
            if not np.prod(space.shape):
                raise RecordingError(f"Sensor '{sensor.name}' is empty; export without it.")

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write all episodes to one line of one file; raises `RecordingError` if an integer is too large for JSON."""
        settings = options.settings
        noted = settings.note if isinstance(settings, GodotRlExportSettings) else True
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", recordings.behavior.name).strip("-.") or "demonstrations"
        path = out / f"{name}.json"
        total, done = sum(each.num_steps for each in recordings), 0
        with path.open("w", encoding="ascii") as file:
            file.write("[")
            for episode in filter(lambda each: each.num_steps, recordings):
                file.write("," if done else "")
                _write(file, episode, noted)
                done += episode.num_steps
                progress(episode.name, done, total)
            file.write("]\n")
        return [path]


def _write(file: TextIO, episode: Episode, noted: bool) -> None:
    file.write("[")
    _write_list(file, (each.tolist() for each in _observations(episode)))
    file.write(",")
    _write_list(file, (each.tolist() for each in _actions(episode)))
    if noted:
        file.write(f",{json.dumps(write_note(episode))},")
        steps = write_steps(episode)
        _write_list(file, (steps[rows] for rows in _slices(len(steps))))
    file.write("]")


def _write_list(file: TextIO, parts: Iterator[list[list[float]]]) -> None:
    """Write some lists of lists as one."""
    file.write("[")
    for index, rows in enumerate(parts):
        file.write("," if index else "")
        file.write(json.dumps(rows, separators=(",", ":"), allow_nan=False)[1:-1])
    file.write("]")


def _observations(episode: Episode) -> Iterator[np.ndarray]:
    """Yield all observations and the final one, as vectors."""
    behavior, last = episode.behavior, None
    for rows in _slices(episode.num_steps):
        seen = {name: episode.observation(name, rows) for name in behavior.sensor_names}
        _require_exact(seen)
        last = join_observation(behavior, seen)
        yield last
    final = episode.final_observation()
    if final is not None:
        yield join_observation(behavior, {name: np.asarray(values)[None] for name, values in final.items()})
    elif last is not None:
        yield last[-1:]


def _actions(episode: Episode) -> Iterator[np.ndarray]:
    behavior = episode.behavior
    for rows in _slices(episode.num_steps):
        yield join_action(behavior, {name: episode.action(name, rows) for name in behavior.action_names})


def _slices(steps: int) -> Iterator[slice]:
    for start in range(0, steps, _ROWS_AT_ONCE):
        yield slice(start, min(start + _ROWS_AT_ONCE, steps))


def _require_exact(seen: Mapping[str, np.ndarray]) -> None:
    for name, values in seen.items():
        if values.dtype.itemsize == 8 and values.dtype.kind in "iu" and ((values > _EXACT) | (values < -_EXACT)).any():
            raise RecordingError(
                f"Sensor '{name}' holds integers beyond {_EXACT:,}, which JSON rounds; export without it."
            )
