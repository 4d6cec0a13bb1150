"""A data set of version 3 as it is written: the table of steps, the videos, the table of episodes, and `info.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from understudy.recordings.formats.lerobot.columns import StepColumns
from understudy.recordings.formats.lerobot.files import (
    DATA_PATH,
    EPISODES_PATH,
    MEGABYTE,
    VIDEO_PATH,
    Limits,
    TableFiles,
    VideoFiles,
)
from understudy.recordings.formats.lerobot.info import INFO, OURS
from understudy.recordings.formats.lerobot.ours import KEPT, kept_row, kept_schema
from understudy.recordings.formats.lerobot.stats import QUANTILES, PictureStats, Stats, TotalStats
from understudy.recordings.formats.lerobot.video import VideoWriter, pixel_format
from understudy.recordings.reader import Episode

if TYPE_CHECKING:
    from understudy.recordings.formats.lerobot.exporter import LerobotExportSettings

_STATS = ("min", "max", "mean", "std", *QUANTILES)
_EPISODES_AT_ONCE = 64
_STEPS_OF_PICTURES, _STEPS = 64, 4096  # at once


class DatasetWriter:
    """Writes episodes one after the other; the data set is whole once the `with` block is left.

    Attributes:
        paths: What was written.
    """

    def __init__(self, out: Path, episodes: Sequence[Episode], settings: LerobotExportSettings, limits: Limits) -> None:
        self.paths: list[Path] = []
        self._out, self._settings, self._limits = out, settings, limits
        self._columns = StepColumns(episodes, settings.pictures == "video", settings.discrete)
        self._behavior = episodes[0].behavior
        self._steps = TableFiles(out, DATA_PATH, limits.data_bytes, limits.files_per_chunk)
        self._entries = TableFiles(out, EPISODES_PATH, limits.data_bytes, limits.files_per_chunk)
        self._videos = {key: self._video_files(key, shape) for key, shape in self._columns.videos.items()}
        self._kept = pq.ParquetWriter(_made(out / KEPT), kept_schema(self._behavior))
        self._tasks: dict[str, int] = {}
        self._totals: dict[str, TotalStats] = {}
        self._rows: list[dict[str, Any]] = []
        self._kept_rows: list[dict[str, Any]] = []
        self._num_episodes = self._num_steps = 0

    def add(self, episode: Episode) -> Iterator[int]:
        """Write an episode, yielding how many steps were written each time some were."""
        stats = self._columns.new_stats(episode.num_steps)
        task = self._tasks.setdefault(self._task(episode), len(self._tasks))
        place = self._steps.begin(self._columns.schema)
        firsts = {key: video.begin() for key, video in self._videos.items()}
        aftermath = self._columns.aftermath(episode, self._num_episodes, self._num_steps, task)
        at_once = _STEPS_OF_PICTURES if PictureStats in self._columns.stats_kinds.values() else _STEPS
        for first in range(0, episode.num_steps, at_once):
            rows = slice(first, min(first + at_once, episode.num_steps))
            table, frames = self._columns.block(episode, rows, aftermath, stats)
            self._steps.write(table)
            for key, pictures in frames.items():
                self._videos[key].write(pictures)
            yield rows.stop - rows.start
        self._end(episode, place, firsts, {key: each.result() for key, each in stats.items()})

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._flush()
        for files in (self._steps, self._entries, *self._videos.values(), self._kept):
            files.close()
        if error is None:
            self._write_meta()

    def _video_files(self, key: str, shape: tuple[int, ...]) -> VideoFiles:
        fps, codec, crf = self._behavior.decision_hz, self._settings.codec, self._settings.crf
        return VideoFiles(
            self._out, key, partial(VideoWriter, fps=fps, shape=shape, codec=codec, crf=crf), self._limits
        )

    def _task(self, episode: Episode) -> str:
        given = episode.provenance
        return self._settings.task or f"{given.game} {given.map}".strip() or "play"

    def _end(
        self,
        episode: Episode,
        place: Mapping[str, int],
        firsts: Mapping[str, tuple[Mapping[str, int], int]],
        stats: Mapping[str, Stats | None],
    ) -> None:
        """Note where the episode lies."""
        start, length, fps = self._num_steps, episode.num_steps, self._behavior.decision_hz
        row: dict[str, Any] = {"episode_index": self._num_episodes, "tasks": [self._task(episode)]}
        row |= {"length": length, "dataset_from_index": start, "dataset_to_index": start + length}
        row |= {f"data/{name}": number for name, number in place.items()}
        for key, (numbers, first) in firsts.items():
            row |= {f"videos/{key}/{name}": number for name, number in numbers.items()}
            row |= {f"videos/{key}/from_timestamp": first / fps, f"videos/{key}/to_timestamp": (first + length) / fps}
        for key, found in stats.items():
            row |= {f"stats/{key}/{name}": values for name, values in (found or {}).items()}
            if found:
                self._totals.setdefault(key, TotalStats()).add(found)
        self._rows.append(row)
        self._kept_rows.append(kept_row(self._num_episodes, episode))
        self._num_episodes += 1
        self._num_steps += length
        if len(self._rows) == _EPISODES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        """Write the episodes noted so far."""
        if not self._rows:
            return
        place = self._entries.begin(self._entry_schema())
        rows = [{**row, **{f"meta/episodes/{name}": number for name, number in place.items()}} for row in self._rows]
        self._entries.write(pa.Table.from_pylist(rows, self._entry_schema()))
        self._kept.write_table(pa.Table.from_pylist(self._kept_rows, kept_schema(self._behavior)))
        self._rows, self._kept_rows = [], []

    def _entry_schema(self) -> pa.Schema:
        whole = pa.int64()
        fields = [("episode_index", whole), ("tasks", pa.list_(pa.string())), ("length", whole)]
        fields += [(f"data/{name}", whole) for name in ("chunk_index", "file_index")]
        fields += [(f"dataset_{name}_index", whole) for name in ("from", "to")]
        for key in self._videos:
            fields += [(f"videos/{key}/{name}", whole) for name in ("chunk_index", "file_index")]
            fields += [(f"videos/{key}/{name}_timestamp", pa.float64()) for name in ("from", "to")]
        for key, kind in self._columns.stats_kinds.items():
            numbers = pa.list_(pa.float64())
            numbers = pa.list_(pa.list_(numbers)) if kind is PictureStats else numbers
            fields += [*((f"stats/{key}/{name}", numbers) for name in _STATS), (f"stats/{key}/count", pa.list_(whole))]
        fields += [(f"meta/episodes/{name}", whole) for name in ("chunk_index", "file_index")]
        return pa.schema(fields)

    def _write_meta(self) -> None:
        stats = {key: total.result() for key, total in self._totals.items()}
        _made(self._out / "meta/stats.json").write_text(json.dumps(stats, indent=4))
        _write_tasks(self._out / "meta/tasks.parquet", list(self._tasks))
        (self._out / INFO).write_text(json.dumps(self._info(), indent=4, ensure_ascii=False))
        files = [*self._steps.paths, *self._entries.paths, *(p for each in self._videos.values() for p in each.paths)]
        self.paths = [*(self._out / name for name in (INFO, "meta/stats.json", "meta/tasks.parquet", KEPT)), *files]

    def _info(self) -> dict[str, Any]:
        settings, fps = self._settings, self._behavior.decision_hz
        features = self._columns.features
        for key in self._videos:
            features[key]["info"] = _video_info(features[key]["shape"], fps, settings.codec)
        return {
            "codebase_version": "v3.0",
            "robot_type": self._behavior.name,
            "total_episodes": self._num_episodes,
            "total_frames": self._num_steps,
            "total_tasks": len(self._tasks),
            "chunks_size": self._limits.files_per_chunk,
            "data_files_size_in_mb": max(1, self._limits.data_bytes // MEGABYTE),
            "video_files_size_in_mb": max(1, self._limits.video_bytes // MEGABYTE),
            "fps": int(fps) if fps == int(fps) else fps,
            "splits": {"train": f"0:{self._num_episodes}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH if self._videos else None,
            "features": features,
            OURS: {"format": 1, "behavior": self._behavior.to_dict(), "discrete": settings.discrete},
        }


def _write_tasks(path: Path, tasks: Sequence[str]) -> None:
    """Write the tasks as pandas writes a frame whose index they are: LeRobot looks them up in it."""
    columns = [
        {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": numpy, "metadata": None}
        for name, kind, numpy in (("task_index", "int64", "int64"), ("task", "unicode", "object"))
    ]
    pandas = {"index_columns": ["task"], "column_indexes": [], "columns": columns, "pandas_version": "2.0.0"}
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(pandas)}), path)


def _video_info(shape: Sequence[int], fps: float, codec: str) -> dict[str, Any]:
    height, width, channels = shape
    return {
        "video.height": height,
        "video.width": width,
        "video.channels": channels,
        "video.codec": codec,
        "video.pix_fmt": pixel_format(shape),
        "video.fps": int(fps) if fps == int(fps) else fps,
        "video.is_depth_map": False,
        "has_audio": False,
    }


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
