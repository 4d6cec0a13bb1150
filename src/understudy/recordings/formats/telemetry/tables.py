"""Reads CSV, JSON lines and Parquet in bounded blocks, whatever is wrong with single rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from understudy.errors import RecordingError, suggest
from understudy.recordings.formats.guards import head
from understudy.recordings.formats.telemetry.tally import Tally

BLOCK_ROWS = 8192
_MAX_LINE = 1024 * 1024
_MAX_DEPTH = 6
_MAX_COLUMNS = 10_000
_MAX_GROUP_BYTES = 4 * 1024**3
_HEAD = 64 * 1024
CSV, JSONL, PARQUET = {".csv", ".tsv"}, {".jsonl", ".ndjson"}, {".parquet", ".pq"}


@dataclass(frozen=True)
class Block:
    """Consecutive rows: `first` is the number of the first one, from 0."""

    columns: Mapping[str, pa.Array]
    first: int

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


def read_blocks(path: Path, columns: Sequence[str], tally: Tally) -> Iterator[Block]:
    """Yield the named columns of a table, at most a few thousand rows at a time.

    Raises:
        RecordingError: If the file is no such table, lacks a column, or (with `tally` not salvaging) has a bad row.
    """
    known = column_names(path)
    for name in columns:
        if name not in known:
            raise RecordingError(f"{path} has no column '{name}'.{suggest(name, known)}")
    reader = {**dict.fromkeys(CSV, _csv), **dict.fromkeys(JSONL, _jsonl)}.get(path.suffix.lower(), _parquet)
    yield from reader(path, list(columns), tally)


def column_names(path: Path) -> tuple[str, ...]:
    """Return the columns of a table; of JSON lines, those of its beginning. Raises `RecordingError`."""
    suffix = path.suffix.lower()
    if suffix in JSONL:
        names = _jsonl_names(path)
    elif suffix in CSV:
        names = _csv_names(path)
    elif suffix in PARQUET:
        names = tuple(parquet_file(path).schema_arrow.names)
    else:
        raise RecordingError(f"{path} is no table; tables end in .csv, .tsv, .jsonl, .ndjson or .parquet.")
    if len(names) > _MAX_COLUMNS:
        raise RecordingError(f"{path} has {len(names):,} columns; at most {_MAX_COLUMNS:,} are read.")
    return tuple(_unique(names, path))


def parquet_file(path: Path) -> pq.ParquetFile:
    """Open a Parquet file; raises `RecordingError` if it is none, cut, or says it is larger than memory."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RecordingError(f"{path} is not a Parquet file, or was cut: its end says what is in it.") from error
    if any(group.total_byte_size > _MAX_GROUP_BYTES for group in groups):
        raise RecordingError(f"{path} has row groups of more than {_MAX_GROUP_BYTES:,} bytes; write smaller ones.")
    return file


def delimiter_of(start: str) -> str:
    """Return the one of comma, tab, semicolon and bar that the first line has most of."""
    line = start.lstrip("\ufeff").split("\n", 1)[0]
    return max(",\t;|", key=line.count)


def _csv(path: Path, columns: list[str], tally: Tally) -> Iterator[Block]:
    rows = _csv_rows(path, tally)
    header = _header(next(rows, []))
    places = [header.index(name) for name in columns]
    cells: list[list[str]] = []
    for number, row in _told(rows, tally):
        fits = len(row) == len(header)
        if row and not fits:
            tally.add(f"it has {len(row)} cells where the header has {len(header)}", number)
        if fits:
            cells.append([row[place] for place in places])
        # A row that is left out ends the block, whose rows are numbered in one go.
        if cells and (len(cells) == BLOCK_ROWS or not fits):
            yield _cells_block(columns, cells, number + fits - len(cells))
            cells = []
    if cells:
        yield _cells_block(columns, cells, number + 1 - len(cells))


def _told(rows: Iterator[list[str]], tally: Tally) -> Iterator[tuple[int, list[str]]]:
    """Yield rows and their numbers until one cannot be read, such as one whose quotes never end."""
    number = 0
    try:
        for row in rows:
            yield number, row
            number += 1
    except csv.Error as error:
        tally.break_off(str(error), number)


def _csv_rows(path: Path, tally: Tally) -> Iterator[list[str]]:
    start = head(path, _HEAD)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise RecordingError(f"{path} is UTF-16 text; save it as UTF-8.")
    delimiter = delimiter_of(start.decode("utf-8", "replace"))
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        yield from csv.reader(_whole_lines(file, tally), delimiter=delimiter)


def _whole_lines(file: TextIO, tally: Tally) -> Iterator[str]:
    """Yield lines that have an end; one that is too long comes in pieces, which are rows of the wrong length."""
    for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), "")):
        if number and len(line) < _MAX_LINE and not line.endswith(("\n", "\r")):
            # 12.5 cut to 12 would be wrong in silence.
            tally.broken = True
            tally.add("the last line has no end and may be cut; it is left out", number - 1)
            return
        yield line


def _header(row: list[str]) -> list[str]:
    return [name.strip() for name in row]


def _csv_names(path: Path) -> tuple[str, ...]:
    try:
        return tuple(dict.fromkeys(_unique(_header(next(_csv_rows(path, Tally(str(path))), [])), path)))
    except csv.Error as error:
        raise RecordingError(f"{path} cannot be read as a table ({error}).") from error


def _unique(names: Sequence[str], path: Path) -> Sequence[str]:
    """Columns without a name may be many; no mapping can mean them."""
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise RecordingError(f"{path} names the column '{twice}' twice; name them apart.")
    return names


def _cells_block(columns: list[str], cells: Sequence[Sequence[str | None]], first: int) -> Block:
    turned = zip(*cells, strict=True)
    return Block({name: pa.array(each, pa.string()) for name, each in zip(columns, turned, strict=True)}, first)


def _parquet(path: Path, columns: list[str], tally: Tally) -> Iterator[Block]:
    row = 0
    try:
        for batch in parquet_file(path).iter_batches(BLOCK_ROWS, columns=columns, use_threads=False):
            yield Block({name: batch.column(name) for name in columns}, row)
            row += batch.num_rows
    except (pa.ArrowException, OSError, MemoryError) as error:
        tally.break_off(_short(error), row)


def _jsonl(path: Path, columns: list[str], tally: Tally) -> Iterator[Block]:
    cells: list[list[str | None]] = []
    for number, line in enumerate(_lines(path)):
        found = _flat(line)
        if found is None:
            tally.broken |= not line.endswith(b"\n") and len(line) < _MAX_LINE
            tally.add("the line is not a JSON object", number)
        else:
            cells.append([found.get(name) for name in columns])
        if cells and (len(cells) == BLOCK_ROWS or found is None):
            yield _cells_block(columns, cells, number + (found is not None) - len(cells))
            cells = []
    if cells:
        yield _cells_block(columns, cells, number + 1 - len(cells))


def _jsonl_names(path: Path) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for number, line in enumerate(_lines(path)):
        names |= dict.fromkeys(_flat(line) or {})
        if number >= 1000 or len(names) > _MAX_COLUMNS:
            break
    return tuple(names)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines that hold something; of one that is too long, its beginning, which is then no JSON."""
    with path.open("rb") as file:
        while line := file.readline(_MAX_LINE):
            if len(line) == _MAX_LINE and not line.endswith(b"\n"):
                while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
            if line.strip():
                yield line


def _flat(line: bytes) -> dict[str, str | None] | None:
    """Return an object with what is nested under names like `pos.x` and `keys.0`, or None if the line is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    flat: dict[str, str | None] = {}
    _flatten(found, "", flat, 0)
    return flat


def _flatten(value: Any, name: str, flat: dict[str, str | None], depth: int) -> None:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is not None and depth < _MAX_DEPTH:
        if isinstance(value, list) and name and all(isinstance(each, str) for each in value):
            flat[name] = "|".join(value)
            return
        for key, each in items:
            _flatten(each, f"{name}.{key}" if name else str(key), flat, depth + 1)
        return
    if len(flat) <= _MAX_COLUMNS:
        text = value if isinstance(value, str) or value is None else json.dumps(value)
        flat[name] = text.encode("utf-8", "replace").decode() if isinstance(text, str) else None


def _short(error: BaseException) -> str:
    return str(error).split("\n", 1)[0].rstrip(".")[:200]
