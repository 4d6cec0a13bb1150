"""An episode of a Minari data set that is kept as Arrow or Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.formats import guards
from understudy.recordings.formats.arrow_ipc import read_batches
from understudy.recordings.formats.gymspaces import Leaf
from understudy.recordings.formats.minari.pictures import decode_pictures

MAX_PARQUET_BYTES = 2 << 30


class ArrowEpisode:
    """A folder `<i>` with Arrow or Parquet files, whose actions and rewards are padded to the observations' length."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._where = folder, str(folder)
        self._batches, self.problem = _load_batches(folder)
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)])

    def attributes(self) -> Mapping[str, Any]:
        """What the folder's `metadata.json` says."""
        file = guards.inside(self._folder, "metadata.json")
        if not file.is_file():
            return {}
        try:
            found = json.loads(guards.read_text(file))
        except (ValueError, RecursionError) as error:
            raise RecordingError(f"{file} is not JSON.") from error
        return found if isinstance(found, dict) else {}

    def num_rows(self, root: str, leaf: Leaf) -> int:  # noqa: ARG002
        """How many values a leaf has, of actions without the padding."""
        return int(self._starts[-1]) - (root == "actions")

    def num_plain(self, name: str) -> int:  # noqa: ARG002
        """How many there are without the padding."""
        return int(self._starts[-1]) - 1

    def values(self, root: str, leaf: Leaf, start: int, stop: int) -> np.ndarray:
        """A leaf's values, decoded if they are JPEG."""
        where, shape = f"{self._where}, {root} {leaf.names[0]}", tuple(leaf.space.shape or ())
        parts = [_descend(batch, root, leaf, where) for batch in self._slices(start, stop)]
        if parts and pa.types.is_binary(parts[0].type):
            return decode_pictures([each.as_py() or b"" for part in parts for each in part], shape, start, where)
        flat = isinstance(leaf.space, spaces.Discrete)
        found = [_numbers(part, () if flat else shape, where) for part in parts]
        return np.concatenate([np.empty((0, *(() if flat else shape)), found[0].dtype if found else float), *found])

    def is_jpeg(self, leaf: Leaf) -> bool:
        """Whether a leaf is kept as JPEG pictures."""
        kinds = (_descend(batch, "observations", leaf, self._where).type for batch in self._batches[:1])
        return any(pa.types.is_binary(kind) for kind in kinds)

    def plain(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rewards, terminations or truncations."""
        parts = [_column(batch, name, self._where) for batch in self._slices(start, stop)]
        return np.concatenate([np.empty(0), *(_numbers(part, (), f"{self._where}, {name}") for part in parts)])

    def own(self, name: str, start: int, stop: int) -> list[Any] | None:
        """One of our own columns."""
        values: list[Any] = []
        for batch in self._slices(start, stop):
            array = _column(batch, "understudy", self._where) if "understudy" in batch.schema.names else None
            if array is None or not pa.types.is_struct(array.type) or array.type.get_field_index(name) < 0:
                return None
            values += _field(array, name).to_pylist()
        return values

    def _slices(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        for first, batch in zip(self._starts, self._batches, strict=False):
            begin, end = max(start, int(first)), min(stop, int(first) + batch.num_rows)
            if begin < end:
                yield batch.slice(begin - int(first), end - begin)


def _load_batches(folder: Path) -> tuple[list[pa.RecordBatch], str | None]:
    """Map an episode's Arrow files; a Parquet file, which is compressed, is read whole."""
    files = sorted(each for each in folder.iterdir() if re.fullmatch(r"[^._].*\.(arrow|parquet)", each.name))
    batches: list[pa.RecordBatch] = []
    for file in files:
        guards.inside(folder, file.name)
        if file.suffix == ".parquet":
            batches += read_parquet(file)
            continue
        _, found, problem = read_batches(file)
        batches += found
        if problem is not None:
            return batches, f"{file}: {problem}"
    if not batches:
        return [], f"{folder} holds no Arrow or Parquet file with a whole batch"
    return batches, None


def read_parquet(path: Path) -> list[pa.RecordBatch]:
    """Read a Parquet file of bounded size whole; raises `RecordingError` if it says it is larger, or is damaged."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
            size = sum(group.total_byte_size for group in groups)
            if size > MAX_PARQUET_BYTES or file.metadata.num_rows > MAX_PARQUET_BYTES:
                raise RecordingError(f"{path} unpacks to {size:,} bytes; at most {MAX_PARQUET_BYTES:,} are read.")
            batches = file.read().combine_chunks().to_batches()
            for batch in batches:
                batch.validate(full=True)
            return batches
    except (pa.ArrowException, OSError, ValueError, EOFError) as error:
        raise RecordingError(f"{path} is not a whole Parquet file.") from error


def _column(batch: pa.RecordBatch, name: str, where: str) -> pa.Array:
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise RecordingError(f"{where} has no column '{name}'.")
    return batch.column(index)


def _descend(batch: pa.RecordBatch, root: str, leaf: Leaf, where: str) -> pa.Array:
    array = _column(batch, root, where)
    for key in leaf.path:
        if not pa.types.is_struct(array.type) or array.type.get_field_index(str(key)) < 0:
            raise RecordingError(f"{where} has no field '{key}'.")
        array = _field(array, str(key))
    return array


def _field(array: pa.StructArray, key: str) -> pa.Array:
    # `field` would forget that the struct itself is a slice.
    return array.flatten()[array.type.get_field_index(key)]


def _numbers(array: pa.Array, shape: tuple[int, ...], where: str) -> np.ndarray:
    width = int(np.prod(shape))
    lists = _is_list(array.type)
    if array.null_count or lists != bool(shape or lists) or (lists and not _is_wide(array, width)):
        raise RecordingError(f"{where} should hold {width} numbers a step, found {array.type}, or holes.")
    flat = array.flatten() if lists else array
    if not (pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type) or pa.types.is_boolean(flat.type)):
        raise RecordingError(f"{where} should hold numbers, found {flat.type}.")
    if flat.null_count:
        raise RecordingError(f"{where} has holes.")
    return flat.to_numpy(zero_copy_only=False).reshape(len(array), *shape)


def _is_list(kind: pa.DataType) -> bool:
    # Minari before 0.5.4 kept MultiDiscrete and MultiBinary as lists of any length.
    return pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind)


def _is_wide(array: pa.Array, width: int) -> bool:
    """Whether each list has `width` numbers."""
    if pa.types.is_fixed_size_list(array.type):
        return bool(array.type.list_size == width)
    return bool((array.value_lengths().to_numpy(zero_copy_only=False) == width).all())
