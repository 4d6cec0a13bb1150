"""How people write lengths and ranges of play: `120`, `30s`, `1.5m`, `10s..2m`, `..50`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from understudy.errors import RecordingError

Length = tuple[int | float, str]
Range = tuple[int | float, int | float | None]

_LENGTH = re.compile(r"(\d+)|(\d+(?:\.\d+)?)(s|m)")
_SECONDS = {"s": 1, "m": 60}


def parse_length(text: str) -> Length:
    """Return a number and its unit, `"steps"` or `"seconds"`; raises `RecordingError` if it is none."""
    match = _LENGTH.fullmatch(text.strip())
    if not match:
        raise RecordingError(f"'{text}' is no length; write steps as 120, seconds as 30s, minutes as 1.5m.")
    steps, number, unit = match.groups()
    return (int(steps), "steps") if steps else (float(number) * _SECONDS[unit], "seconds")


def parse_ranges(texts: Sequence[str]) -> tuple[list[Range], str]:
    """Return ranges in order and their one unit; raises `RecordingError` if one is no range, or units mix."""
    parsed = [_parse_range(text) for text in texts]
    units = {unit for _, found in parsed for unit in found}
    if len(units) > 1:
        raise RecordingError("Give all ranges in steps, or all in seconds and minutes.")
    return sorted((bounds for bounds, _ in parsed), key=lambda bounds: bounds[0]), units.pop()


def outside(ranges: Sequence[Range]) -> list[Range]:
    """Return what lies before, between and after ranges in order; raises `RecordingError` if they overlap."""
    kept: list[Range] = []
    start: int | float | None = 0
    for first, last in ranges:
        if start is None or first < start:
            raise RecordingError("The ranges to cut out overlap; join them to one.")
        if first > start:
            kept.append((start, first))
        start = last
    return kept if start is None else [*kept, (start, None)]


def _parse_range(text: str) -> tuple[Range, set[str]]:
    first, dots, last = text.partition("..")
    if not dots or not (first or last):
        raise RecordingError(f"'{text}' is no range; write START..STOP, as 10s..2m, ..50 or 30s.. to the end.")
    start = parse_length(first) if first else None
    stop = parse_length(last) if last else None
    units = {each[1] for each in (start, stop) if each}
    return (start[0] if start else 0, stop[0] if stop else None), units
