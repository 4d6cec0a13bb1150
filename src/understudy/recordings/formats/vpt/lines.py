"""The lines of a VPT log: one JSON object for each frame, checked, and read one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from understudy.errors import RecordingError
from understudy.recordings.formats.vpt.behavior import NUM_SLOTS

MAX_LINE_BYTES = 1 << 20
"""A real line is 2 to 10 kB: most of it the inventory and the statistics."""

_MAX_NUMBER = 3e38
_MAX_TICK = 2**62
_MAX_MILLI = _MAX_TICK // 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """What one line says, as far as it is imported.

    Attributes:
        motion: Raw mouse motion to the right and down, in pixels.
        cursor: x and y in the game's window, in pixels.
        buttons: Numbers of the mouse buttons held down.
        new_buttons: Those pressed in this tick.
        keys: Names of the keys held down.
        chars: What was typed.
        gui: Whether a GUI is open.
        slot: The selected slot of the hotbar from 0; None before version 6.11 of the recorder.
        pose: x, y, z, pitch, yaw; None if it is not logged.
        tick: The game's count; None if it is not logged.
        milli: Wall clock in milliseconds; None if it is not logged.
        ours: What an export by Understudy adds: reward, events and time.
    """

    motion: tuple[float, float]
    cursor: tuple[float, float]
    buttons: frozenset[int]
    new_buttons: frozenset[int]
    keys: tuple[str, ...]
    chars: str
    gui: bool
    slot: int | None
    pose: tuple[float, ...] | None
    tick: int | None
    milli: int | None
    ours: dict[str, Any]


def parse_line(text: bytes) -> Line:
    """Parse a line; raises `ValueError`, saying what is wrong with it."""
    if len(text) == MAX_LINE_BYTES:
        raise ValueError(f"it is longer than {MAX_LINE_BYTES:,} bytes")
    form = _object(_json(text), "the line")
    mouse, keyboard = _object(form.get("mouse"), "mouse"), _object(form.get("keyboard"), "keyboard")
    pose = ("xpos", "ypos", "zpos", "pitch", "yaw")
    return Line(
        motion=(_number(mouse, "dx"), _number(mouse, "dy")),
        cursor=(_number(mouse, "x", 0.0), _number(mouse, "y", 0.0)),
        buttons=frozenset(_list(mouse, "buttons", int)),
        new_buttons=frozenset(_list(mouse, "newButtons", int)),
        keys=tuple(_list(keyboard, "keys", str)),
        chars=_text(chars) if isinstance(chars := keyboard.get("chars"), str) else "",
        gui=form.get("isGuiOpen") is True,
        slot=_integer(form, "hotbar", 0, NUM_SLOTS - 1),
        pose=tuple(_number(form, name) for name in pose) if "xpos" in form else None,
        tick=_integer(form, "tick", -_MAX_TICK, _MAX_TICK),
        milli=_integer(form, "milli", 0, _MAX_MILLI),
        ours=_ours(form.get("understudy")),
    )


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no JSON object")
    return value


def _number(form: dict[str, Any], name: str, default: float | None = None) -> float:
    value = form.get(name, default)
    if type(value) is bool or not isinstance(value, int | float) or not abs(value) < _MAX_NUMBER:
        raise ValueError(f"'{name}' is no number")
    return float(value)


def _integer(form: dict[str, Any], name: str, low: int, high: int) -> int | None:
    value = form.get(name)
    if value is not None and (type(value) is not int or not low <= value <= high):
        raise ValueError(f"'{name}' is no count")
    return value


def _list(form: dict[str, Any], name: str, kind: type) -> list[Any]:
    value = form.get(name)
    if not isinstance(value, list) or any(type(each) is not kind for each in value):
        raise ValueError(f"'{name}' is no list of {'numbers' if kind is int else 'names'}")
    return value


def _text(words: str) -> str:
    """Words that can be stored: JSON can spell half characters, which UTF-8 has not."""
    return words.encode("utf-8", "replace").decode()


def _ours(form: Any) -> dict[str, Any]:
    """What our own exporter adds, if it is sound, for anybody may have written it."""
    found: dict[str, Any] = {}
    if not isinstance(form, dict):
        return found
    reward, events, time_ns = form.get("reward"), form.get("events"), form.get("time_ns")
    if type(reward) is float and abs(reward) < _MAX_NUMBER:
        found["reward"] = reward
    if isinstance(events, list) and all(isinstance(each, str) for each in events):
        found["events"] = [_text(each) for each in events]
    if type(time_ns) is int and abs(time_ns) <= _MAX_TICK:
        found["time_ns"] = time_ns
    return found


class LineReader:
    """Reads lines one at a time, in memory bounded by the longest; a context manager.

    Attributes:
        count: Lines read so far that were whole.
        damage: Why there are no more of them, if the file does not simply end.

    Raises:
        RecordingError: If the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
        self.count = 0
        self.damage: str | None = None
        self._logged: tuple[bool, ...] | None = None

    def __iter__(self) -> Iterator[Line]:
        while text := self._file.readline(MAX_LINE_BYTES):
            if not text.strip():
                continue
            try:
                line = parse_line(text)
                self._require_same_fields(line)
            except ValueError as error:
                self.damage = f"line {self.count + 1} is unreadable: {error}"
                return
            self.count += 1
            yield line

    def _require_same_fields(self, line: Line) -> None:
        """A field that is logged on the first line is logged on each: columns have no holes."""
        logged = tuple(value is not None for value in (line.pose, line.tick, line.milli))
        if self._logged not in (None, logged):
            raise ValueError("it has other fields than the first")
        self._logged = logged

    def count_rest(self) -> int:
        """Return how many lines follow, whatever is in them."""
        return sum(1 for _ in iter(lambda: self._file.readline(MAX_LINE_BYTES), b""))

    def __enter__(self) -> LineReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
