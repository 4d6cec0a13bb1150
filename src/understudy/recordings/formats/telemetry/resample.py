"""From rows to decisions: each row one, or by the clock.

By the clock, decision k is at t_k = t_0 + k / rate, where t_0 is the part's first row. What a sensor shows at t_k
comes from rows up to t_k: the last one, or the mean, sum or "any" of those in (t_(k-1), t_k]. What was done in
decision k comes from rows in [t_k, t_(k+1)): the last one, their mean or sum, or (for buttons) whether it was held at
t_k or in any of them. Where an interval has no row, the last value is held, and a sum is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Dict
from typing import Any

import numpy as np

from understudy.recordings.formats.protocol import Rows
from understudy.recordings.formats.telemetry.chunk import Chunk
from understudy.recordings.formats.telemetry.fields import action_key, sensor_key
from understudy.recordings.formats.telemetry.mapping import Mapping
from understudy.spec import BehaviorSpec

_ROWS = 512
# A row this share of a decision early counts as in time: clocks are rounded.
_EARLY = 1e-6


class RowSteps:
    """Every row is a decision."""

    def __init__(self, mapping: Mapping, behavior: BehaviorSpec) -> None:
        self._mapping, self._behavior = mapping, behavior

    def push(self, chunk: Chunk) -> Iterator[Rows]:
        """Yield the decisions of further rows."""
        for start in range(0, len(chunk), _ROWS):
            part = chunk[start : start + _ROWS]
            yield Rows(
                observe(self._behavior, part.values),
                act(self._behavior, part.values),
                rewards=part.reward.astype(np.float32) if self._mapping.reward else None,
                events=list(part.events),
                ticks=part.tick if self._mapping.tick else None,
                times_ns=part.time if self._mapping.clock else None,
            )

    def finish(self) -> Iterator[Rows]:
        """Nothing is held back."""
        return iter(())


class ClockSteps:
    """Decisions at a steady rate, whatever the rows' times."""

    def __init__(self, mapping: Mapping, behavior: BehaviorSpec) -> None:
        self._mapping, self._behavior = mapping, behavior
        self._kept: Chunk | None = None
        self._start = self._next = 0

    def push(self, chunk: Chunk) -> Iterator[Rows]:
        """Yield the decisions that further rows complete."""
        if not len(chunk):
            return
        if self._kept is None:
            self._start = int(chunk.time[0])
        rows = chunk if self._kept is None else self._kept.join(chunk)
        seen, done = self._places(rows)
        stop = int(done[-1])
        yield from self._emit(rows, seen, done, stop)
        self._next = max(self._next, stop)
        self._kept = rows[max(0, int(np.searchsorted(seen, self._next)) - 1) :]

    def finish(self) -> Iterator[Rows]:
        """Yield the last decision."""
        if self._kept is not None:
            seen, done = self._places(self._kept)
            yield from self._emit(self._kept, seen, done, int(done[-1]) + 1)

    def _places(self, rows: Chunk) -> tuple[np.ndarray, np.ndarray]:
        """The first decision that sees each row, and the decision in which its action was done."""
        place = (rows.time - self._start) * (self._mapping.rate_hz / 1e9)
        return np.ceil(place - _EARLY).astype(np.int64), np.floor(place + _EARLY).astype(np.int64)

    def _emit(self, rows: Chunk, seen: np.ndarray, done: np.ndarray, stop: int) -> Iterator[Rows]:
        for first in range(self._next, stop, _ROWS):
            steps = np.arange(first, min(first + _ROWS, stop))
            sensors = {each.key: _gather(rows.values[each.key], seen, steps, each) for each in self._mapping.sensors}
            actions = {each.key: _gather(rows.values[each.key], done, steps, each) for each in self._mapping.actions}
            for each in self._mapping.actions:
                if each.resample == "any":
                    actions[each.key] |= _last(rows.values[each.key], seen, steps)
            yield Rows(
                observe(self._behavior, sensors),
                act(self._behavior, actions),
                rewards=self._rewards(rows.reward, done, steps),
                events=_events(rows.events, done, steps),
                times_ns=self._start + np.rint(steps * (1e9 / self._mapping.rate_hz)).astype(np.int64),
            )

    def _rewards(self, reward: np.ndarray, done: np.ndarray, steps: np.ndarray) -> np.ndarray | None:
        if self._mapping.reward is None:
            return None
        known = ~np.isnan(reward)
        if self._mapping.reward.resample == "last":
            return _last(reward[:, None], done, steps)[:, 0].astype(np.float32)
        total = _bins(np.where(known, reward, 0.0), done, steps)
        unknown = (_bins(1.0, done, steps) > 0) & (_bins(known.astype(float), done, steps) == 0)
        return np.where(unknown, np.nan, total).astype(np.float32)


def observe(behavior: BehaviorSpec, values: Dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give values, shape (n, columns), the sensors' shapes and dtypes."""
    return {
        each.name: _shaped(values[sensor_key(each.name)], each.space.shape, each.space.dtype)
        for each in behavior.sensors
    }


def act(behavior: BehaviorSpec, values: Dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give values, shape (n, columns), the action parts' shapes and dtypes."""
    return {each.name: _shaped(values[action_key(each.name)], each.shape, each.dtype) for each in behavior.actions}


def _shaped(values: np.ndarray, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    if np.dtype(dtype).kind in "iu" and values.dtype.kind == "f":
        values = np.rint(values)
    return values.reshape(len(values), *shape).astype(dtype)


def _gather(values: np.ndarray, place: np.ndarray, steps: np.ndarray, field: Any) -> np.ndarray:
    """Bring rows to decisions, as the field's `resample` says; shape (steps, columns)."""
    if field.resample == "last":
        return _last(values, place, steps)
    if field.resample == "any":
        values = values != 0
    sums = np.stack([_bins(values[:, column], place, steps) for column in range(values.shape[1])], axis=1)
    if field.resample == "any":
        return (sums > 0).astype(np.int64)
    if field.resample == "sum":
        return sums
    counts = _bins(1.0, place, steps)[:, None]
    return np.where(counts > 0, sums / np.maximum(counts, 1), _last(values, place, steps))


def _last(values: np.ndarray, place: np.ndarray, steps: np.ndarray) -> np.ndarray:
    return values[np.maximum(np.searchsorted(place, steps, "right") - 1, 0)]


def _bins(weights: np.ndarray | float, place: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sum what falls on each decision."""
    inside = (place >= steps[0]) & (place <= steps[-1])
    weights = np.broadcast_to(np.asarray(weights, np.float64), place.shape)[inside]
    return np.bincount(place[inside] - steps[0], weights, len(steps))


def _events(events: np.ndarray, done: np.ndarray, steps: np.ndarray) -> list[list[str]]:
    words: list[list[str]] = [[] for _ in steps]
    for row in np.flatnonzero((done >= steps[0]) & (done <= steps[-1])):
        words[int(done[row] - steps[0])] += events[row]
    return words
