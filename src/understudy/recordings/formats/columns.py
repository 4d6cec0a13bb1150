"""An episode that lies in columns, streamed a slice at a time, and ended where it is no longer whole."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, RecordingError
from understudy.recordings.fitting import fit_rewards
from understudy.recordings.formats.protocol import Ending, Loss, Rows
from understudy.spec import BehaviorSpec

_ROWS = 256
_PICTURE_ROWS = 64
_SLICE_BYTES = 16 << 20


@dataclass(frozen=True)
class Columns:
    """An episode of which any slice can be read.

    Attributes:
        where: The file and the episode, for messages.
        behavior: What was logged.
        num_steps: How many rows `read` can be asked for.
        read: Rows from one step up to another; raises `RecordingError` where they are damaged.
        ending: How the episode ended; raises `RecordingError` if that is damaged.
    """

    where: str
    behavior: BehaviorSpec
    num_steps: int
    read: Callable[[int, int], Rows]
    ending: Callable[[], Ending]


def stream(columns: Columns, losses: list[Loss], *, salvage: bool) -> Iterator[Rows]:
    """Yield an episode's rows, the last with its ending.

    Damage ends the episode after what is whole, as truncated, and is added to `losses`; without `salvage` it raises
    `RecordingError`.
    """
    held: Rows | None = None
    start, size = 0, _rows_at_once(columns.behavior)
    problem: str | None = None
    while start < columns.num_steps and problem is None:
        rows, problem = _read_whole(columns, start, min(start + size, columns.num_steps), salvage=salvage)
        start += len(rows) if rows is not None else 0
        if rows is not None:
            if held is not None:
                yield held
            held = rows
    if problem is not None:
        losses.append(Loss(columns.where, problem, columns.num_steps - start))
    if held is not None:
        ending = Ending(truncated=True) if problem else _ending(columns, losses, salvage=salvage)
        yield dataclasses.replace(held, ending=ending)


def _rows_at_once(behavior: BehaviorSpec) -> int:
    row = sum(math.prod(each.space.shape) * np.dtype(each.space.dtype).itemsize for each in behavior.sensors)
    pictures = any(len(each.space.shape) == 3 and each.space.dtype == np.uint8 for each in behavior.sensors)
    return max(1, min(_PICTURE_ROWS if pictures else _ROWS, _SLICE_BYTES // max(row, 1)))


def _read_whole(columns: Columns, start: int, stop: int, *, salvage: bool) -> tuple[Rows | None, str | None]:
    """Read a slice up to its first damage: the rows that are whole, if any, and what is wrong with the next."""
    try:
        rows = columns.read(start, stop)
        bad = first_unfit(columns.behavior, rows)
    except RecordingError as error:
        if not salvage:
            raise
        if stop - start == 1:
            return None, str(error).rstrip(".")
        middle = (start + stop) // 2
        first, problem = _read_whole(columns, start, middle, salvage=salvage)
        if problem is not None or first is None:
            return first, problem
        # The rows after these come with the next slice; damage among them is met again there.
        return first, None
    if bad is None:
        return rows, None
    row, what = bad
    if not salvage:
        raise RecordingError(f"{columns.where}, step {start + row}: {what}")
    return (cut(rows, row) if row else None), f"step {start + row}: {what.rstrip('.')}"


def _ending(columns: Columns, losses: list[Loss], *, salvage: bool) -> Ending:
    try:
        ending = columns.ending()
        if ending.final_observation is not None:
            columns.behavior.check_observation(ending.final_observation)
    except (RecordingError, ObservationError) as error:
        if not salvage:
            raise RecordingError(f"{columns.where}, final observation: {error}") from error
        losses.append(Loss(columns.where, f"the end of the episode cannot be read: {str(error).rstrip('.')}"))
        return Ending(truncated=True)
    return ending


def cut(rows: Rows, stop: int) -> Rows:
    """Return the first `stop` rows."""
    return Rows(
        {name: values[:stop] for name, values in rows.observations.items()},
        {name: values[:stop] for name, values in rows.actions.items()},
        rewards=None if rows.rewards is None else rows.rewards[:stop],
        events=None if rows.events is None else rows.events[:stop],
        ticks=None if rows.ticks is None else rows.ticks[:stop],
        times_ns=None if rows.times_ns is None else rows.times_ns[:stop],
        extras={name: values[:stop] for name, values in rows.extras.items()},
    )


def first_unfit(behavior: BehaviorSpec, rows: Rows) -> tuple[int, str] | None:
    """Return the first row that no recording may hold, and why: a number that is not finite, a choice that is none."""
    found = [_first_infinite(f"sensor '{name}'", values) for name, values in rows.observations.items()]
    for part in behavior.actions:
        values = rows.actions[part.name]
        if isinstance(part.space, spaces.Box):
            found.append(_first_infinite(f"action part '{part.name}'", values))
        else:
            top = 1 if isinstance(part.space, spaces.MultiBinary) else int(part.space.n) - 1
            outside = np.logical_or(values < 0, values > top).reshape(len(values), -1)
            found.append(_first(outside, f"action part '{part.name}' is outside of {part.space}"))
    return min((each for each in found if each is not None), default=None)


def _first_infinite(what: str, values: np.ndarray) -> tuple[int, str] | None:
    if values.dtype.kind != "f":
        return None
    return _first(~np.isfinite(values).reshape(len(values), -1), f"{what} holds a number that is not finite")


def _first(bad: np.ndarray, what: str) -> tuple[int, str] | None:
    """The first row of `bad`, shape (n, numbers), that has any."""
    rows = np.flatnonzero(bad.any(axis=1))
    return (int(rows[0]), f"{what}.") if len(rows) else None


def as_rewards(values: np.ndarray) -> np.ndarray:
    """Return rewards as float32, shape (n,); raises `RecordingError` if one is too large for that."""
    try:
        return fit_rewards(np.ravel(values), np.size(values))
    except ObservationError as error:
        raise RecordingError(str(error)) from error
