"""From a column's cells, of whatever type, to numbers, truths, times and words, each with what is known of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from understudy.errors import RecordingError

_NOTHING = ("", "na", "n/a", "nan", "null", "none", "nil", "-", "#n/a")
_TRUTHS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "on": 1.0, "off": 0.0}
UNIT_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_MAX_NS = 2**62


def is_text(kind: pa.DataType) -> bool:
    """Whether cells are text of some kind."""
    return any(
        check(kind)
        for check in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )


def texts(array: pa.Array, keep: Sequence[str] = ()) -> pa.Array:
    """Return cells as trimmed words, null where there is nothing; words to `keep`, such as `none`, are something."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_floating(array.type):
        return pa.array([_number_word(each) for each in array.to_pylist()], pa.string())
    if not is_text(array.type):
        return pc.cast(array, pa.string()) if not pa.types.is_nested(array.type) else _joined(array)
    words = pc.utf8_trim_whitespace(_utf8(array))
    lower = pc.utf8_lower(words)
    words = pc.if_else(pc.is_in(lower, pa.array(["true", "false"])), lower, words)
    nothing = pc.is_in(lower, pa.array(_NOTHING))
    if keep:
        nothing = pc.and_not(nothing, pc.is_in(words, pa.array(keep, pa.string())))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), words)


def numbers(array: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cells as numbers.

    Returns:
        The values (int64 where all are whole, else float64), 0 where unknown; which are known, bool; which cells hold
        something that is no number, bool.
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if is_text(array.type):
        return _parsed(array, _number)
    if pa.types.is_boolean(array.type):
        array = pc.cast(array, pa.int8())
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        array = _cast_or_none(array, pa.float64())
    known = pc.is_valid(array).to_numpy(zero_copy_only=False)
    values = pc.fill_null(array, pa.scalar(0, array.type)).to_numpy(zero_copy_only=False)
    return _finite(values, known)


def truths(array: pa.Array) -> np.ndarray:
    """Return cells as bool: false where unknown or 0."""
    values, known, _ = numbers(array)
    return (values != 0) & known


def times_ns(array: pa.Array, unit: str, timezone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a clock's cells in nanoseconds, int64; which are known; which are no time.

    Raises:
        RecordingError: If there is no such time zone.
    """
    if pa.types.is_timestamp(array.type):
        stamps = pc.cast(array, pa.timestamp("ns", array.type.tz), safe=False)
        if array.type.tz is None:
            zone = str(_zone(timezone))
            stamps = pc.assume_timezone(stamps, zone, ambiguous="earliest", nonexistent="earliest")
        return numbers(pc.cast(stamps, pa.int64()))
    if unit == "iso":
        zone = _zone(timezone)
        return _parsed(array, lambda text: _date_ns(text, zone))
    values, known, bad = numbers(array)
    far = known & (np.abs(values.astype(np.float64)) > _MAX_NS / UNIT_NS[unit])
    values = np.where(far, 0, values)
    whole = values * UNIT_NS[unit] if values.dtype.kind == "i" else np.rint(values * UNIT_NS[unit])
    return whole.astype(np.int64), known & ~far, bad | far


def _utf8(array: pa.Array) -> pa.Array:
    try:
        return pc.cast(array, pa.string())
    except pa.ArrowInvalid:
        cells = (
            each if each is None or isinstance(each, str) else each.decode("utf-8", "replace")
            for each in array.to_pylist()
        )
        return pa.array(cells, pa.string())


def _joined(array: pa.Array) -> pa.Array:
    """Lists as their items with a bar between."""
    cells = array.to_pylist()
    return pa.array(["|".join(map(str, each)) if isinstance(each, list) else None for each in cells], pa.string())


def _number_word(value: float | None) -> str | None:
    """A table program writes whole numbers as 3.0 as soon as one of the column is missing."""
    if value is None or math.isnan(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _cast_or_none(array: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return pc.cast(array, kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(array), kind)


def _parsed(array: pa.Array, parse: Callable[[str], float | int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    words = texts(array)
    if parse is _number:
        for kind in (pa.int64(), pa.float64()):
            try:
                return numbers(pc.cast(words, kind))
            except pa.ArrowInvalid:
                continue
    return _slowly(words.to_pylist(), parse)


def _slowly(cells: list[str | None], parse: Callable[[str], float | int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parse cell by cell, where some cell is not as the others."""
    values: list[float | int] = [0] * len(cells)
    known, bad = np.zeros(len(cells), bool), np.zeros(len(cells), bool)
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        try:
            values[row] = parse(cell)
            known[row] = True
        except (ValueError, OverflowError):
            bad[row] = True
    whole = all(isinstance(each, int) and abs(each) < _MAX_NS for each in values)
    found, fine, far = _finite(np.array(values, np.int64 if whole else np.float64), known)
    return found, fine, bad | far


def _number(text: str) -> float:
    lower = text.lower()
    if "_" in text:  # Python's own way of writing numbers, and nobody else's
        raise ValueError
    return _TRUTHS[lower] if lower in _TRUTHS else float(text)


def _finite(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """NaN is how tables write that nothing is known; an infinity is a mistake."""
    if values.dtype.kind != "f":
        return values.astype(np.int64) if values.dtype != np.uint64 else values, known, np.zeros(len(values), bool)
    infinite = known & np.isinf(values)
    fine = known & np.isfinite(values)
    return np.where(fine, values, 0).astype(np.float64), fine, infinite


def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RecordingError(f"There is no time zone '{name}'; name one such as UTC or Europe/Berlin.") from error


def _date_ns(text: str, zone: Any) -> int:
    """Nanoseconds since 1970 of a date; digits beyond microseconds are kept."""
    # ISO 8601 allows a comma too, and Python's own log writes one.
    whole, _, rest = text.replace("/", "-").replace(",", ".").partition(".")
    digits = rest[: next((i for i, each in enumerate(rest) if not each.isdigit()), len(rest))]
    moment = datetime.fromisoformat(whole + rest[len(digits) :])
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int((digits + "0" * 9)[:9])
