"""The reader: memory-mapped, and honest about what a killed writer left."""

from __future__ import annotations

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from understudy.errors import RecordingError, SpecError, suggest
from understudy.recordings.layout import CRC_KEY, SUFFIX, Column, Layout, batch_crc
from understudy.recordings.provenance import Provenance
from understudy.spec import BehaviorSpec

# The end mark of an Arrow IPC stream: a continuation marker and a length of nought.
_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_REWARD = Column("reward", (), np.dtype(np.float32))
_TICK = Column("tick", (), np.dtype(np.int64))
_TIME = Column("time_ns", (), np.dtype(np.int64))


@dataclass(frozen=True)
class Damage:
    """What is wrong with a recording's file, in words, and how many bytes at its end are lost."""

    reason: str
    lost_bytes: int


class Episode:
    """One recorded episode, read from its file as it is asked for.

    A row is one decision: the observation, the action then taken, and the reward, `terminated` and `truncated` that
    followed it. A file cut at any byte gives every whole batch before the cut; `complete` is then False and `damage`
    says what was lost.

    Raises:
        RecordingError: If the file is not a recording, or holds not even its schema.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.layout, self._batches, self._crcs, ends = _read_batches(self.path)
        self.damage = self._find_damage(ends)
        self.complete = self.damage is None
        # Of a batch that was not validated, Arrow may read past the end, or end the process.
        self._validated: set[int] = set()
        self._has_final = bool(
            self._batches and self._batches[-1].num_rows and self._batch(-1).column("final")[-1].as_py()
        )
        # Of each batch, the number of its first row; and the number of rows.
        self._starts = [0, *accumulate(batch.num_rows for batch in self._batches)]
        self.num_steps = self._starts[-1] - self._has_final

    def __repr__(self) -> str:
        state = "" if self.complete else ", incomplete"
        return f"Episode({self.name}: {self.num_steps} steps of '{self.behavior.name}'{state})"

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.name.removesuffix(SUFFIX)

    @property
    def behavior(self) -> BehaviorSpec:
        """What was recorded."""
        return self.layout.behavior

    @property
    def provenance(self) -> Provenance:
        """Where it comes from."""
        return self.layout.provenance

    @property
    def duration_s(self) -> float:
        """Seconds of game time."""
        return self.num_steps / self.behavior.decision_hz

    @property
    def terminated(self) -> bool:
        """Whether the game ended the episode by its own rules."""
        return self._ended("terminated")

    @property
    def truncated(self) -> bool:
        """Whether the episode was ended from outside."""
        return self._ended("truncated")

    def observation(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Return a sensor's values, shape (steps, *sensor shape), decoded if it is a picture."""
        self.behavior.sensor(name)
        return self._values(self.layout.sensors[name], rows)

    def action(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Return an action part's values, shape (steps, *part shape)."""
        self.behavior.action(name)
        return self._values(self.layout.actions[name], rows)

    def extra(self, name: str, rows: slice = slice(None)) -> np.ndarray:
        """Return an extra's values, shape (steps, *extra shape)."""
        columns = self.layout.extra_columns
        if name not in columns:
            raise RecordingError(f"{self.path.name} has no extra '{name}'.{suggest(name, columns)}")
        return self._values(columns[name], rows)

    @property
    def reward(self) -> np.ndarray:
        """The reward that followed each action, float32, shape (steps,), NaN where unknown."""
        return self.rewards()

    @property
    def tick(self) -> np.ndarray:
        """The game's own count at each decision, int64, shape (steps,)."""
        return self.ticks()

    @property
    def time_ns(self) -> np.ndarray:
        """The wall clock of each decision in nanoseconds, int64, shape (steps,)."""
        return self.times_ns()

    @property
    def events(self) -> list[list[str]]:
        """The events of each step."""
        return self.events_in()

    def rewards(self, rows: slice = slice(None)) -> np.ndarray:
        """Return `reward` of some rows."""
        return self._values(_REWARD, rows)

    def ticks(self, rows: slice = slice(None)) -> np.ndarray:
        """Return `tick` of some rows."""
        return self._values(_TICK, rows)

    def times_ns(self, rows: slice = slice(None)) -> np.ndarray:
        """Return `time_ns` of some rows."""
        return self._values(_TIME, rows)

    def steps_with(self, event: str) -> np.ndarray:
        """Return the steps in which an event happened, int64, rising."""
        found = [np.empty(0, np.int64)]
        for index, start in enumerate(self._starts[:-1]):
            column = self._batch(index).column("events")
            words = column.flatten()
            if len(words):
                hits = pc.equal(words, event)
                found.append(start + np.unique(pc.list_parent_indices(column).filter(hits).to_numpy()))
        return np.concatenate(found).astype(np.int64)

    def events_in(self, rows: slice = slice(None)) -> list[list[str]]:
        """Return `events` of some rows."""
        cells, step = self._cells("events", rows)
        return [words for cell in cells for words in cell.to_pylist()][::step]

    def final_observation(self) -> dict[str, np.ndarray] | None:
        """Return what was seen after the last action, if it was recorded."""
        if not self._has_final:
            return None
        last = self._batch(-1)
        last = last.slice(last.num_rows - 1)
        return {name: column.decode(last.column(column.key))[0] for name, column in self.layout.sensors.items()}

    @cached_property
    def digest(self) -> str:
        """The SHA-256 over the schema and the checksums of all batches: changes when anything recorded does."""
        sha = hashlib.sha256(self.layout.arrow_schema.serialize())
        for crc in self._crcs:
            sha.update(crc or b"-")
        return sha.hexdigest()

    def verify(self) -> None:
        """Read every byte and raise `RecordingError` if a batch is not what was written."""
        for index in range(len(self._batches)):
            self._check_crc(index)

    def _find_damage(self, ends: Sequence[int]) -> Damage | None:
        with self.path.open("rb") as file:
            file.seek(ends[-1])
            tail = file.read(len(_END) + 1)
        # The end mark is written once all batches were synced; only `verify` finds what happened to them later.
        if tail == _END:
            return None
        size = self.path.stat().st_size
        if self._batches:
            # A torn write can only be in the newest batch; all the others were synced before it began.
            try:
                self._check_crc(len(self._batches) - 1)
            except RecordingError:
                self._batches.pop()
                self._crcs.pop()
                return Damage("the last batch does not match its checksum", size - ends[-2])
        reason = "cut inside a batch" if tail else "the recorder stopped before the episode ended"
        return Damage(reason, size - ends[-1])

    def _check_crc(self, index: int) -> None:
        if not _is_sound(self._batches[index], self._crcs[index]):
            raise self._mismatch(index)

    def _mismatch(self, index: int) -> RecordingError:
        return RecordingError(
            f"{self.path}: record batch {index + 1} of {len(self._batches)} does not match its checksum; restore the "
            "file from a copy."
        )

    def _ended(self, flag: str) -> bool:
        last_two = range(len(self._batches))[-2:]
        return any(self._batch(index).column(flag).true_count for index in last_two)

    def _values(self, column: Column, rows: slice = slice(None)) -> np.ndarray:
        cells, step = self._cells(column.key, rows)
        parts = [column.decode(cell) for cell in cells]
        values = np.concatenate(parts) if parts else np.empty((0, *column.shape), column.dtype)
        return values[::step]

    def _cells(self, key: str, rows: slice) -> tuple[list[pa.Array], int]:
        """A column's rows from the first to the last that is wanted, a piece per batch; and in which steps of them."""
        wanted = range(self.num_steps)[rows]
        first, last = sorted((wanted[0], wanted[-1])) if wanted else (0, -1)
        pieces = []
        for index in range(bisect_right(self._starts, first) - 1, bisect_right(self._starts, last)):
            start, stop = self._starts[index : index + 2] if index < len(self._batches) else (0, 0)
            inside = range(max(first, start), min(last + 1, stop))
            if inside:
                pieces.append(self._batch(index).column(key).slice(inside.start - start, len(inside)))
        return pieces, wanted.step

    def _batch(self, index: int) -> pa.RecordBatch:
        """A batch whose values may be read."""
        number = index % len(self._batches)
        if number not in self._validated:
            try:
                self._batches[number].validate(full=True)
            except (pa.ArrowException, ValueError) as error:
                raise self._mismatch(number) from error
            self._validated.add(number)
        return self._batches[number]


class Recordings(Sequence[Episode]):
    """The episodes of a folder, in the order of their names."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        self._episodes = list(episodes)

    @overload
    def __getitem__(self, index: int) -> Episode: ...
    @overload
    def __getitem__(self, index: slice) -> Recordings: ...
    def __getitem__(self, index: int | slice) -> Episode | Recordings:
        return Recordings(self._episodes[index]) if isinstance(index, slice) else self._episodes[index]

    def __len__(self) -> int:
        return len(self._episodes)

    def __iter__(self) -> Iterator[Episode]:
        return iter(self._episodes)

    @property
    def behavior(self) -> BehaviorSpec:
        """The one spec of all episodes; raises `SpecMismatchError` where they differ."""
        if not self._episodes:
            raise RecordingError("There is no episode to take a spec from.")
        first = self._episodes[0]
        for each in self._episodes[1:]:
            first.behavior.require_equal(
                each.behavior, expected=f"the recording '{first.name}'", where=f"'{each.name}'"
            )
        return first.behavior


def open_recordings(path: Path | str) -> Recordings:
    """Open a recording, or every recording below a folder but those still without a byte: begun, or killed, just now.

    Hidden folders are left alone: half-written recordings lie there.

    Raises:
        RecordingError: If there is none, or one cannot be read at all (an incomplete one can).
    """
    path = Path(path)
    if path.is_file():
        return Recordings([Episode(path)])
    found = (each for each in path.rglob(f"*{SUFFIX}") if not _is_hidden(each.relative_to(path)))
    files = sorted(each for each in found if each.is_file() and each.stat().st_size)
    if not files:
        what = f"holds no recording (a file ending in {SUFFIX})" if path.is_dir() else "is not there"
        raise RecordingError(f"{path} {what}. Record or import some first: understudy logs import --help")
    return Recordings([Episode(each) for each in files])


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_sound(batch: pa.RecordBatch, crc: bytes | None) -> bool:
    """Whether a batch is what was written: its values by their checksum, their layout by Arrow's own validation."""
    try:
        batch.validate()
    except pa.ArrowInvalid:
        return False
    return crc == str(batch_crc(batch)).encode()


def _read_batches(path: Path) -> tuple[Layout, list[pa.RecordBatch], list[bytes | None], list[int]]:
    """Read the schema and each whole batch; the last value holds the byte after the schema and after each batch."""
    try:
        source = pa.memory_map(os.fsencode(path))
        stream = pa.ipc.open_stream(source)
        layout = Layout.from_schema(stream.schema, str(path))
    except FileNotFoundError as error:
        raise RecordingError(f"{path} is not there.") from error
    except (pa.ArrowException, OSError, KeyError, SpecError, ValueError) as error:
        raise RecordingError(
            f"{path} is not a recording, or was cut before its first step ({path.stat().st_size} bytes)."
        ) from error
    batches: list[pa.RecordBatch] = []
    crcs: list[bytes | None] = []
    ends = [source.tell()]
    while True:
        try:
            batch, metadata = stream.read_next_batch_with_custom_metadata()
        except StopIteration:
            break
        except (pa.ArrowException, OSError):
            break
        batches.append(batch)
        crcs.append((metadata or {}).get(CRC_KEY))
        ends.append(source.tell())
    return layout, batches, crcs, ends
