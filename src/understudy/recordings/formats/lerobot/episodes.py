"""Which episodes a data set has, and where the steps and pictures of each lie."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import inside, read_text
from understudy.recordings.formats.lerobot.info import Info

EPISODES_V2 = "meta/episodes.jsonl"
EPISODES_V3 = "meta/episodes"
_ROWS_AT_ONCE = 256
_MAX_LENGTH = 1 << 40
_MAX_SECONDS = 1e9


@dataclass(frozen=True)
class Entry:
    """One episode.

    Attributes:
        index: Its number.
        length: Its steps.
        data: The Parquet file that holds them, perhaps among others'.
        videos: By feature, the file and the second at which it begins in there.
        tasks: What the player was asked to do.
    """

    index: int
    length: int
    data: Path
    videos: Mapping[str, tuple[Path, float]] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()


def iter_entries(info: Info) -> Iterator[Entry]:
    """Yield the episodes in order of their place in the files; raises `RecordingError`."""
    yield from _entries_v3(info) if info.version[0] == 3 else _entries_v2(info)


def _entries_v3(info: Info) -> Iterator[Entry]:
    folder = inside(info.root, EPISODES_V3)
    files = sorted(folder.glob("*/*.parquet"))
    if not files:
        raise RecordingError(f"{folder} holds no table of episodes; the recorder was stopped before it wrote one.")
    for file in files:
        for row in _table_rows(inside(info.root, str(file.relative_to(info.root)))):
            yield _entry_v3(info, row, file)


def _table_rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        table = pq.ParquetFile(file)
        # The statistics of each episode are most of the file, and no use here.
        columns = [name for name in table.schema_arrow.names if not name.startswith("stats/")]
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=columns):
            yield from batch.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RecordingError(f"{file} is damaged ({error}); restore it from a copy.") from error


def _entry_v3(info: Info, row: Mapping[str, Any], file: Path) -> Entry:
    try:
        data = info.path(
            "data_path", chunk_index=_number(row, "data/chunk_index"), file_index=_number(row, "data/file_index")
        )
        videos = {}
        for key, feature in info.features.items():
            if feature.dtype == "video":
                numbers = {part: _number(row, f"videos/{key}/{part}") for part in ("chunk_index", "file_index")}
                path = info.path("video_path", video_key=key, **numbers)
                videos[key] = (path, _seconds(row, f"videos/{key}/from_timestamp"))
        tasks = row.get("tasks") or []
        return Entry(
            _number(row, "episode_index"),
            _number(row, "length"),
            data,
            videos,
            tuple(str(each) for each in (tasks if isinstance(tasks, list) else [tasks])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{file} does not say where an episode lies ({type(error).__name__}: {error}).") from error


def _entries_v2(info: Info) -> Iterator[Entry]:
    file = info.root / EPISODES_V2
    if not file.is_file():
        raise RecordingError(f"{file} is not there; the recorder was stopped before it wrote it.")
    size = info.form.get("chunks_size")
    per_chunk = size if isinstance(size, int) and size > 0 else 1000
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if line.strip():
            yield _entry_v2(info, line, per_chunk, f"{file}, line {number},")


def _entry_v2(info: Info, line: str, per_chunk: int, where: str) -> Entry:
    try:
        row = json.loads(line)
        index = _number(row, "episode_index")
        place = {"episode_chunk": index // per_chunk, "episode_index": index}
        cameras = [key for key, feature in info.features.items() if feature.dtype == "video"]
        videos = {key: (info.path("video_path", video_key=key, **place), 0.0) for key in cameras}
        tasks = row.get("tasks") or []
        return Entry(
            index,
            _number(row, "length"),
            info.path("data_path", **place),
            videos,
            tuple(str(each) for each in (tasks if isinstance(tasks, list) else [tasks])),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RecordingError(f"{where} does not describe an episode ({type(error).__name__}: {error}).") from error


def _seconds(row: Mapping[str, Any], key: str) -> float:
    value = float(row[key])
    if not 0 <= value <= _MAX_SECONDS:
        raise ValueError(f"'{key}' is {value}")
    return value


def _number(row: Mapping[str, Any], key: str) -> int:
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_LENGTH:
        raise ValueError(f"'{key}' is {str(value)[:40]!r}")
    return value
