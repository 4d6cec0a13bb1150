"""Rows of one episode as numbers: what the mapping makes of a block of cells."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa

from understudy.recordings.formats.telemetry import cells
from understudy.recordings.formats.telemetry.fields import ButtonsMap, ChoiceMap, EventMap
from understudy.recordings.formats.telemetry.mapping import Mapping
from understudy.recordings.formats.telemetry.tables import Block
from understudy.recordings.formats.telemetry.tally import Tally


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of one episode; n is their number.

    Attributes:
        row: int64, shape (n,): their numbers in the table.
        time: int64, shape (n,): nanoseconds; noughts without a clock.
        values: By the key of a sensor or action part, shape (n, columns), int64 or float64; 0 where unknown.
        known: Likewise, bool.
        reward: float64, shape (n,), NaN where unknown.
        tick: int64, shape (n,).
        map: object, shape (n,): the level's name, or nothing.
        events: object, shape (n,): a tuple of words each.
        terminated, truncated, final: bool, shape (n,).
    """

    row: np.ndarray
    time: np.ndarray
    values: Dict[str, np.ndarray]
    known: Dict[str, np.ndarray]
    reward: np.ndarray
    tick: np.ndarray
    map: np.ndarray
    events: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, rows: slice | np.ndarray) -> Chunk:
        return self._map(lambda arrays: arrays[0][rows], [self])

    def join(self, other: Chunk) -> Chunk:
        """Return these rows with those of `other` after them."""
        return self._map(np.concatenate, [self, other])

    def _map(self, make: Any, chunks: Sequence[Chunk]) -> Chunk:
        made: dict[str, Any] = {}
        for field in fields(self):
            parts = [getattr(each, field.name) for each in chunks]
            if isinstance(parts[0], np.ndarray):
                made[field.name] = make(parts)
            else:
                made[field.name] = {name: make([part[name] for part in parts]) for name in parts[0]}
        return replace(self, **made)


class Converter:
    """Makes chunks of blocks, noting every cell that is not what the mapping says."""

    def __init__(self, mapping: Mapping, tally: Tally, *, keep_text: bool) -> None:
        self._mapping, self._tally = mapping, tally
        self._text = mapping.text if keep_text else ()

    def __call__(self, block: Block) -> Chunk:
        """Convert a block."""
        mapping, size = self._mapping, len(block)
        rows = block.first + np.arange(size)
        values: dict[str, np.ndarray] = {}
        known: dict[str, np.ndarray] = {}
        for field in (*mapping.sensors, *mapping.actions):
            values[field.key], known[field.key] = self._field(field, block)
        tick = self._numbers(block, mapping.tick)[0] if mapping.tick else rows
        chunk = Chunk(
            row=rows,
            time=np.zeros(size, np.int64),
            values=values,
            known=known,
            reward=self._reward(block),
            tick=tick.astype(np.int64),
            map=self._map(block),
            events=self._events(block),
            terminated=self._flag(block, mapping.terminated),
            truncated=self._flag(block, mapping.truncated),
            final=self._flag(block, mapping.final),
        )
        return self._with_time(chunk, block)

    def _map(self, block: Block) -> np.ndarray:
        words = np.full(len(block), "", object)
        if self._mapping.map:
            words[:] = [each or "" for each in cells.texts(block.columns[self._mapping.map]).to_pylist()]
        return words

    def _field(self, field: Any, block: Block) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(field, ChoiceMap):
            values, known = self._choice(field, block)
            return values[:, None], known[:, None]
        columns = [self._numbers(block, name) for name in field.inputs]
        values = np.stack([each for each, _ in columns], axis=1)
        known = np.stack([each for _, each in columns], axis=1)
        if isinstance(field, ButtonsMap):
            return (values != 0).astype(np.int64), known
        return values, known & self._fits(field, values, known, block)

    def _fits(self, field: Any, values: np.ndarray, known: np.ndarray, block: Block) -> np.ndarray:
        """Whether numbers are within what the dtype can hold."""
        dtype = np.dtype(getattr(field, "dtype", "float32"))
        info: Any = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
        fits = (values >= info.min) & (values <= info.max)
        far = np.flatnonzero((known & ~fits).any(axis=1))
        self._note(f"'{field.name}' holds a number too large for {dtype}; it is taken as missing", far, block)
        return fits

    def _choice(self, field: ChoiceMap, block: Block) -> tuple[np.ndarray, np.ndarray]:
        words = cells.texts(block.columns[field.column], field.values).dictionary_encode("encode")
        place = {word: index for index, word in enumerate(field.values)}
        different, ids = words.dictionary.to_pylist(), words.indices.to_numpy(zero_copy_only=False)
        found = np.array([-1 if each is None else place.get(each, -1) for each in different], np.int64)
        index = found[ids] if different else np.zeros(0, np.int64)
        for strange, word in enumerate(different[:1000]):
            if word is not None and word not in place:
                what = f"'{field.column}' is '{word[:40]}', which the mapping's values do not list"
                self._note(what, np.flatnonzero(ids == strange), block)
        return np.maximum(index, 0), index >= 0

    def _numbers(self, block: Block, name: str) -> tuple[np.ndarray, np.ndarray]:
        values, known, bad = cells.numbers(block.columns[name])
        self._note(f"'{name}' is not a finite number; it is taken as missing", np.flatnonzero(bad), block)
        return values, known

    def _reward(self, block: Block) -> np.ndarray:
        if self._mapping.reward is None:
            return np.full(len(block), np.nan)
        values, known = self._numbers(block, self._mapping.reward.column)
        return np.where(known & (np.abs(values) < np.finfo(np.float32).max), values, np.nan)

    def _events(self, block: Block) -> np.ndarray:
        words: list[tuple[str, ...]] = [()] * len(block)
        for event in self._mapping.events:
            for row, found in enumerate(_event_words(event, block.columns[event.column])):
                words[row] += found
        for name in self._text:
            for row, text in enumerate(cells.texts(block.columns[name]).to_pylist()):
                words[row] += (f"{name}: {text}",) if text else ()
        column = np.empty(len(block), object)
        column[:] = words
        return column

    def _flag(self, block: Block, name: str | None) -> np.ndarray:
        return cells.truths(block.columns[name]) if name else np.zeros(len(block), bool)

    def _with_time(self, chunk: Chunk, block: Block) -> Chunk:
        """Add the clock; rows without a time are dropped, for nobody can say when they were."""
        clock = self._mapping.clock
        if clock is None:
            return chunk
        time, known, _ = cells.times_ns(block.columns[clock.column], clock.unit, clock.timezone)
        self._note(f"'{clock.column}' holds no time; the row is dropped", np.flatnonzero(~known), block)
        return replace(chunk, time=time)[known]

    def _note(self, what: str, rows: np.ndarray, block: Block) -> None:
        if len(rows):
            self._tally.add(what, block.first + int(rows[0]), len(rows))


def _event_words(event: EventMap, column: pa.Array) -> list[tuple[str, ...]]:
    if event.word is not None:
        return [(event.word,) if each else () for each in cells.truths(column)]
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [tuple(map(str, each or ())) for each in column.to_pylist()]
    split = (each.split(event.separator) if each else () for each in cells.texts(column).to_pylist())
    return [tuple(word.strip() for word in each if word.strip()) for each in split]
