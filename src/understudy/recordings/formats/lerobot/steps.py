"""The steps of an episode, read from a Parquet file that may hold many episodes, as columns of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from understudy.errors import RecordingError
from understudy.recordings.formats.lerobot.info import Feature

EPISODE = "episode_index"
# Of one step in the file; a 4K picture as PNG is some 10 MB.
_MAX_STEP_BYTES = 64 * 1024 * 1024
_ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, OverflowError)


class StepTable:
    """One Parquet file, read forwards as far as it goes: episodes lie in it one after the other.

    Args:
        path: The file.
        columns: Those to read; others are left alone. What the file lacks is not there in the batches.
        rows_at_once: Steps in a batch.

    Raises:
        RecordingError: If it is not there, damaged, or says that a step is larger than any can be.
    """

    def __init__(self, path: Path, columns: Sequence[str], rows_at_once: int) -> None:
        self.path = path
        self._columns, self._rows_at_once = columns, rows_at_once
        self._seen: set[int] = set()
        self._all_seen = False
        self._open()

    def episode(self, index: int) -> Iterator[pa.RecordBatch]:
        """Yield the steps of an episode; nothing if the file has none of it. They need not be read to their end."""
        found = False
        for batch in self._forward(index):
            found = True
            yield batch
        if not found and not (self._all_seen and index not in self._seen):
            self._open()
            yield from self._forward(index)

    def _open(self) -> None:
        if not self.path.is_file():
            raise RecordingError(f"{self.path} is not there.")
        try:
            self._file = pq.ParquetFile(self.path, memory_map=True)
            names = set(self._file.schema_arrow.names)
            _require_sane(self._file.metadata, self.path)
            if EPISODE not in names:
                raise RecordingError(f"{self.path} has no column '{EPISODE}', so its episodes cannot be told apart.")
            wanted = [EPISODE, *(name for name in self._columns if name in names and name != EPISODE)]
            self._batches = self._file.iter_batches(self._rows_at_once, columns=wanted)
        except _ERRORS as error:
            raise RecordingError(f"{self.path} is damaged ({_short(error)}).") from error
        self._rest: pa.RecordBatch | None = None

    def _next(self) -> pa.RecordBatch | None:
        if self._rest is not None:
            rest, self._rest = self._rest, None
            return rest
        try:
            return next(self._batches, None)
        except _ERRORS as error:
            raise RecordingError(f"{self.path} is damaged ({_short(error)}).") from error

    def _forward(self, index: int) -> Iterator[pa.RecordBatch]:
        inside = False
        while (batch := self._next()) is not None:
            numbers = batch.column(EPISODE).to_numpy(zero_copy_only=False)
            self._seen.update(np.unique(numbers).tolist())
            of_it = numbers == index
            if not of_it.any() or (inside and not of_it[0]):
                if inside:
                    self._rest = batch
                    return
                continue
            first = int(of_it.argmax())
            stop = first + (int(np.argmin(of_it[first:])) or len(of_it) - first)
            self._rest = batch.slice(stop) if stop < len(batch) else None
            ended, inside = self._rest is not None, True
            yield batch.slice(first, stop - first)
            if ended:
                return
        self._all_seen = True


def numbers(batch: pa.RecordBatch, feature: Feature, dtype: np.dtype[Any]) -> np.ndarray:
    """Return a column as an array of shape (n, *feature shape).

    Raises:
        RecordingError: If the batch lacks it, or it holds anything but that many numbers a step.
    """
    if batch.schema.get_field_index(feature.key) < 0:
        raise RecordingError(f"there is no column '{feature.key}'")
    flat = batch.column(feature.key)
    sides = list(feature.shape)
    while _is_list(flat.type) and sides:
        if flat.null_count or not pc.all(pc.equal(pc.list_value_length(flat), sides.pop(0))).as_py():
            raise RecordingError(f"'{feature.key}' holds other than {feature.shape} numbers in a step")
        flat = flat.flatten()
    if _is_list(flat.type) or len(flat) != len(batch) * int(np.prod(feature.shape)):
        raise RecordingError(f"'{feature.key}' holds other than {feature.shape} numbers in a step")
    try:
        values = flat.to_numpy(zero_copy_only=False)
        with np.errstate(all="ignore"):  # what does not fit is found by comparing, or is not finite
            whole = values.astype(dtype)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise RecordingError(f"'{feature.key}' does not hold numbers ({_short(error)})") from error
    if dtype.kind in "iub" and not np.array_equal(whole, values):
        raise RecordingError(f"'{feature.key}' holds what is no {dtype}")
    return whole.reshape(len(batch), *feature.shape)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _require_sane(metadata: pq.FileMetaData, path: Path) -> None:
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for column in range(rows.num_columns):
            chunk = rows.column(column)
            if chunk.total_uncompressed_size > _MAX_STEP_BYTES * max(1, rows.num_rows):
                raise RecordingError(
                    f"{path} says that its column '{chunk.path_in_schema}' unpacks to "
                    f"{chunk.total_uncompressed_size:,} bytes in {rows.num_rows:,} steps; that is not read."
                )


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
