"""Exports recordings as Parquet with a column for each number, and the mapping that brings them back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.formats.telemetry.layout import (
    FORMAT,
    KEY,
    action_columns,
    choice_words,
    mapping_form,
    mapping_of,
    sensor_columns,
)
from understudy.recordings.reader import Episode, Recordings
from understudy.spec import BehaviorSpec

_MAX_VALUES = 2048
_ROWS = 4096
_DTYPES = "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64"


class TelemetryExportSettings(Settings):
    """How the tables are written."""

    steps_per_file: int = Field(0, ge=0, description="begin a new file after this many steps; 0 for one file")


class TelemetryExporter:
    """Writes `steps.parquet` (or `steps-0000.parquet` and so on) and `mapping.yaml`."""

    name: ClassVar[str] = "telemetry"
    title: ClassVar[str] = "a table with a column for each number (Parquet)"
    Settings: ClassVar[type[Settings]] = TelemetryExportSettings
    keeps: ClassVar[Mapping[str, str]] = EXACT

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:  # noqa: ARG002
        """Raise `RecordingError` if a sensor has too many numbers for columns, or numbers of a kind Parquet lacks."""
        for sensor in behavior.sensors:
            count = int(np.prod(sensor.space.shape))
            if count > _MAX_VALUES:
                raise RecordingError(
                    f"Sensor '{sensor.name}' has {count:,} numbers, and a table at most {_MAX_VALUES:,} for a sensor. "
                    "Mask it out first, or export to a format with pictures: lerobot, minari."
                )
            if np.dtype(sensor.space.dtype).name not in _DTYPES.split():
                raise RecordingError(f"Sensor '{sensor.name}' is {sensor.space.dtype}; a table holds {_DTYPES}.")
        mapping_of(behavior)

    def write(
        self,
        recordings: Recordings,
        out: Path,
        options: ExportOptions,
        progress: Progress,
    ) -> Sequence[Path]:
        """Write the tables and the mapping."""
        settings = (
            options.settings if isinstance(options.settings, TelemetryExportSettings) else TelemetryExportSettings()
        )
        total, done, files = sum(each.num_steps for each in recordings), 0, []
        for number, episodes in enumerate(_shared_out(recordings, settings.steps_per_file)):
            name = f"steps-{number:04d}.parquet" if settings.steps_per_file else "steps.parquet"
            files.append(out / name)
            with pq.ParquetWriter(files[-1], _schema(recordings.behavior, episodes), **_WRITER) as writer:
                for episode in episodes:
                    for table in _tables(episode, writer.schema):
                        writer.write_table(table)
                    done += episode.num_steps
                    progress(name, done, total)
        mapping = out / "mapping.yaml"
        mapping.write_text(
            yaml.safe_dump(mapping_form(recordings.behavior), sort_keys=False, allow_unicode=True), "utf-8"
        )
        return [*files, mapping]


_WRITER: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}


def _shared_out(recordings: Recordings, steps_per_file: int) -> Iterator[list[Episode]]:
    """Yield the episodes of each file; an episode is never cut in two."""
    held: list[Episode] = []
    for episode in recordings:
        held.append(episode)
        if steps_per_file and sum(each.num_steps for each in held) >= steps_per_file:
            yield held
            held = []
    if held:
        yield held


def _schema(behavior: BehaviorSpec, episodes: Sequence[Episode]) -> pa.Schema:
    fields = [pa.field(name, pa.string()) for name in ("episode", "map")]
    fields += [pa.field("tick", pa.int64()), pa.field("time_ns", pa.int64())]
    for sensor in behavior.sensors:
        fields += [pa.field(name, pa.from_numpy_dtype(sensor.space.dtype)) for name in sensor_columns(sensor)]
    for part in behavior.actions:
        kind = pa.string() if isinstance(part.space, spaces.Discrete) else pa.from_numpy_dtype(part.dtype)
        fields += [pa.field(name, kind) for name in action_columns(part)]
    fields += [pa.field("reward", pa.float32()), pa.field("events", pa.list_(pa.string()))]
    fields += [pa.field(name, pa.bool_()) for name in ("terminated", "truncated", "final")]
    form = {
        "format": FORMAT,
        "behavior": behavior.to_dict(),
        "episodes": {each.name: asdict(each.provenance) for each in episodes},
    }
    return pa.schema(fields, metadata={KEY: json.dumps(form).encode()})


def _tables(episode: Episode, schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield the steps a few thousand at a time, then the row of the last observation."""
    tick, time_ns, reward, events = episode.tick, episode.time_ns, episode.reward, episode.events
    for start in range(0, episode.num_steps, _ROWS):
        rows = slice(start, min(start + _ROWS, episode.num_steps))
        columns = _common(episode, tick[rows], time_ns[rows], reward[rows], events[rows])
        columns |= _values(episode.behavior, episode, rows)
        last = np.arange(rows.start, rows.stop) == episode.num_steps - 1
        columns |= {"terminated": last & episode.terminated, "truncated": last & episode.truncated}
        yield pa.table({"final": np.zeros(len(last), bool), **columns}).select(schema.names).cast(schema)
    final = episode.final_observation()
    if final is not None:
        yield _final_table(episode, final, schema)


def _common(
    episode: Episode, tick: np.ndarray, time_ns: np.ndarray, reward: np.ndarray, events: list[list[str]]
) -> dict[str, Any]:
    return {
        "episode": [episode.name] * len(tick),
        "map": [episode.provenance.map] * len(tick),
        "tick": tick,
        "time_ns": time_ns,
        "reward": pa.array(reward, pa.float32(), from_pandas=True),
        "events": pa.array(events, pa.list_(pa.string())),
    }


def _values(behavior: BehaviorSpec, episode: Episode, rows: slice) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for sensor in behavior.sensors:
        flat = episode.observation(sensor.name, rows).reshape(rows.stop - rows.start, -1)
        columns |= dict(zip(sensor_columns(sensor), flat.T, strict=True))
    for part in behavior.actions:
        values = episode.action(part.name, rows)
        if isinstance(part.space, spaces.Discrete):
            words = choice_words(part)
            columns[f"action.{part.name}"] = [words[index] for index in values.tolist()]
        else:
            columns |= dict(zip(action_columns(part), values.reshape(len(values), -1).T, strict=True))
    return columns


def _final_table(episode: Episode, final: Mapping[str, np.ndarray], schema: pa.Schema) -> pa.Table:
    columns = _common(episode, episode.tick[-1:] + 1, episode.time_ns[-1:], np.array([np.nan], np.float32), [[]])
    for sensor in episode.behavior.sensors:
        columns |= dict(zip(sensor_columns(sensor), final[sensor.name].reshape(-1, 1), strict=True))
    columns |= {"final": [True], "terminated": [False], "truncated": [False]}
    return pa.table({name: columns.get(name, pa.nulls(1)) for name in schema.names}).cast(schema)
