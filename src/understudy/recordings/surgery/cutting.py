"""Operations that cut: trim, split, shift. Nothing is joined here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Ending, Rows
from understudy.recordings.surgery.history import lineage
from understudy.recordings.surgery.operations import Shift, Split, Trim, Unit
from understudy.recordings.surgery.take import Take
from understudy.spec import Json

STEPS_AT_ONCE = 4096


def cut(take: Take, start: int, stop: int) -> Take:
    """Return the steps from `start` to before `stop`. What is seen next is the final observation."""

    def ending() -> Ending:
        if stop == take.num_steps:
            return take.ending()
        after = take.see(take.behavior.sensor_names, np.array([stop]))
        return Ending(truncated=True, final_observation={name: values[0] for name, values in after.items()})

    return replace(
        take,
        num_steps=stop - start,
        see=lambda names, steps: take.see(names, steps + start),
        act=lambda first, last: take.act(first + start, last + start),
        ending=ending,
    )


def trim(operation: Trim, take: Take) -> list[Take]:
    """Keep ranges; see `Trim`."""
    steps = [_to_steps(take, bound, operation.unit) for bound in operation.keep]
    inside = [(start, min(stop, take.num_steps)) for start, stop in steps if start < min(stop, take.num_steps)]
    return _pieces(take, inside, rename=len(operation.keep) > 1)


def split(operation: Split, take: Take) -> list[Take]:
    """Cut into pieces; see `Split`."""
    if operation.gap_s is not None:
        cuts = list(_gaps(take, operation.gap_s))
    else:
        places = operation.at or _multiples(take, operation.every or 1, operation.unit)
        cuts = sorted({_to_step(take, place, operation.unit) for place in places})
    edges = [0, *(each for each in cuts if 0 < each < take.num_steps), take.num_steps]
    return _pieces(take, list(pairwise(edges)), rename=len(edges) > 2)


def shift(operation: Shift, take: Take) -> list[Take]:
    """Move actions against observations; see `Shift`."""
    by, length = operation.steps, take.num_steps - abs(operation.steps)
    parts = [take.behavior.action(name).name for name in operation.parts] or list(take.behavior.action_names)
    if length < 1:
        raise RecordingError(
            f"'{take.name}' has {take.num_steps} steps; its actions cannot be shifted by {by}. Drop it, or shift less."
        )
    seen = cut(take, max(0, -by), max(0, -by) + length)
    done = cut(take, max(0, by), max(0, by) + length)

    def act(start: int, stop: int) -> Rows:
        rows, moved = seen.act(start, stop), done.act(start, stop)
        return replace(rows, actions={**rows.actions, **{name: moved.actions[name] for name in parts}})

    return [replace(seen, act=act)]


def _pieces(take: Take, ranges: Sequence[tuple[int, int]], *, rename: bool) -> list[Take]:
    of = lineage(take)
    pieces = []
    for number, (start, stop) in enumerate(ranges, 1):
        name = f"{take.name}.{number:03d}" if rename else take.name
        piece: dict[str, Json] = {"of": of, "name": take.name, "start": start, "stop": stop, "steps": take.num_steps}
        pieces.append(replace(cut(take, start, stop), name=name, piece=piece))
    return pieces


def _to_steps(take: Take, bound: tuple[float, float | None], unit: Unit) -> tuple[int, int]:
    start, stop = bound
    return _to_step(take, start, unit), take.num_steps if stop is None else _to_step(take, stop, unit)


def _to_step(take: Take, place: float, unit: Unit) -> int:
    # All that lies past the end is alike, and some of it past what a float can hold.
    near = min(place, take.num_steps + 1 if unit == "steps" else (take.num_steps + 1) / take.behavior.decision_hz)
    return round(near * take.behavior.decision_hz) if unit == "seconds" else int(near)


def _multiples(take: Take, every: float, unit: Unit) -> list[float]:
    length = every * take.behavior.decision_hz if unit == "seconds" else every
    if length < 1:
        raise RecordingError(
            f"A piece of '{take.name}' would be shorter than a step ({1 / take.behavior.decision_hz:g} s); say more."
        )
    return [number * every for number in range(1, math.ceil(take.num_steps / length))]


def _gaps(take: Take, gap_s: float) -> Iterator[int]:
    """The steps whose wall clock is more than a decision and `gap_s` after the step before."""
    allowed_ns = (1 / take.behavior.decision_hz + gap_s) * 1e9
    for start in range(0, take.num_steps, STEPS_AT_ONCE):
        first = max(0, start - 1)
        times = times_of(take, first, min(start + STEPS_AT_ONCE, take.num_steps))
        yield from (np.flatnonzero(np.diff(times) > allowed_ns) + first + 1).tolist()


def times_of(take: Take, start: int, stop: int) -> np.ndarray:
    """The wall clock of some steps, int64 nanoseconds."""
    times = take.act(start, stop).times_ns
    assert times is not None  # a Take always has clocks
    return times
