"""Rollouts in a folder of Hugging Face `datasets`: a trajectory for each row of its Arrow files, memory-mapped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from understudy.errors import RecordingError
from understudy.recordings.formats import guards
from understudy.recordings.formats.arrow_ipc import read_batches
from understudy.recordings.formats.imitation.trajectories import Kind

INFO, STATE = "dataset_info.json", "state.json"
_MAX_FILES = 10_000
_MAX_DIMENSIONS = 8
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)


class FolderTrajectories:
    """The trajectories of a folder.

    Attributes:
        problem: What is wrong with a file after the trajectories that are whole, None if nothing is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problem: str | None = None
        self._rows: list[tuple[pa.RecordBatch, int]] = []
        for name in _data_files(folder):
            self._take(name)
        if not self._rows:
            raise RecordingError(f"{folder} holds no whole trajectory{f': {self.problem}' if self.problem else ''}.")
        self.source, self.has_rewards = "imitation datasets", self._has("rews")
        self.notes: tuple[str, ...] = (
            ("'infos' can run code when they are decoded and are left out",) if self._has("infos") else ()
        )
        self.observations, self.actions = (self._kind(name) for name in ("obs", "acts"))

    def __len__(self) -> int:
        return len(self._rows)

    def num_steps(self, number: int) -> int:
        """How many actions a trajectory has; raises `RecordingError` if its observations do not go with them."""
        steps, seen = len(self._cell("acts", number)), len(self._cell("obs", number))
        if seen != steps + 1 or (self.has_rewards and len(self._cell("rews", number)) != steps):
            raise RecordingError(f"{self._folder}, trajectory {number}: {steps} actions and {seen} observations.")
        return steps

    def is_terminal(self, number: int) -> bool:
        """Whether the game ended it."""
        batch, row = self._rows[number]
        return self._has("terminal") and bool(batch.column("terminal")[row].as_py())

    def has_final(self, number: int) -> bool:
        """Whether it has an observation after its last action: `number_steps` makes sure of it."""
        return number >= 0

    def read(self, name: str, number: int, start: int, stop: int) -> np.ndarray:
        """Rows of an array of a trajectory."""
        where = f"{self._folder}, trajectory {number}, {name}"
        found = dense(self._cell(name, number).slice(start, stop - start), where)
        if len(found) != stop - start:
            raise RecordingError(f"{where} ends before step {stop}.")
        return found

    def _take(self, name: str) -> None:
        path = guards.inside(self._folder, name)
        schema, batches, problem = read_batches(path)
        if not {"obs", "acts"} <= set(schema.names) or (self._rows and schema != self._rows[0][0].schema):
            raise RecordingError(f"{path} has no columns 'obs' and 'acts', or others than the file before it.")
        if problem is not None:
            self.problem = f"{path}: {problem}"
        for batch in batches:
            self._rows += [(batch, row) for row in range(batch.num_rows)]

    def _has(self, name: str) -> bool:
        return name in self._rows[0][0].schema.names

    def _kind(self, name: str) -> Kind:
        first = dense(self._cell(name, 0).slice(0, 1), f"{self._folder}, {name}")
        return Kind(first.shape[1:], first.dtype)

    def _cell(self, name: str, number: int) -> pa.Array:
        batch, row = self._rows[number]
        index = batch.schema.get_field_index(name)
        cell = batch.column(index)[row] if index >= 0 else None
        if cell is None or not _is_list(cell.type) or not cell.is_valid:
            raise RecordingError(f"{self._folder}, trajectory {number} has no '{name}'.")
        return cell.values


def _left_out() -> tuple[str, ...]:
    return ("'infos' are jsonpickle, which can run code, and are left out",)


def _data_files(folder: Path) -> list[str]:
    try:
        state = json.loads(guards.read_text(guards.inside(folder, STATE)))
        names = [each["filename"] for each in state["_data_files"]]
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise RecordingError(f"{folder / STATE} does not list the data files as `datasets` does.") from error
    if not all(isinstance(each, str) for each in names) or len(names) > _MAX_FILES:
        raise RecordingError(f"{folder / STATE} lists {len(names)} data files, or what are no names.")
    return names


def looks_right(folder: Path) -> bool:
    """Whether a folder is one that `datasets` saved, with columns `obs` and `acts`."""
    text = guards.head(folder / INFO, 64 << 10)
    return (folder / STATE).is_file() and all(name in text for name in (b'"features"', b'"obs"', b'"acts"'))


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def dense(array: pa.Array, where: str) -> np.ndarray:
    """Turn nested lists of equal lengths into an array; raises `RecordingError` if they are not, or have holes."""
    shape = [len(array)]
    while _is_list(array.type) and len(shape) <= _MAX_DIMENSIONS:
        lengths = np.unique(array.value_lengths().to_numpy(zero_copy_only=False)) if len(array) else np.zeros(1)
        if array.null_count or len(lengths) != 1:
            raise RecordingError(f"{where} has holes, or rows of different lengths.")
        shape.append(int(lengths[0]))
        array = array.flatten()
    if not any(kind(array.type) for kind in _NUMBERS) or array.null_count:
        raise RecordingError(f"{where} should hold numbers, found {array.type}, or holes.")
    return array.to_numpy(zero_copy_only=False).reshape(shape)
