"""The JSON of demonstrations, read piece by piece: a file may be one line of gigabytes.

    [ [ observations, actions ], ... ]

A trajectory has T actions and T + 1 observations, the last one of the terminal state; both are lists of flat lists of
numbers. The loader of Godot RL looks at nothing beyond these two: what follows them is left to others, and our exporter
puts a text and a third such list there (`note`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import numpy as np

from understudy.errors import RecordingError

MAX_PIECE = 4 * 1024 * 1024
"""Bytes of one observation, action or text; a game's vectors are a few hundred."""

_BLOCK = 64 * 1024
_OPEN = re.compile(rb"[ \t\r\n]*\[")
_NEXT = re.compile(rb"[ \t\r\n]*([,\]])")
_LIST = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*(\]|(?=\[))")  # of lists; the group is empty unless the list is
_VECTOR = re.compile(rb"[ \t\r\n]*\[([^\[\]]*)\]")
_STRING = re.compile(rb'[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*")', re.DOTALL)
_ANYTHING = re.compile(rb"[ \t\r\n]*[^ \t\r\n]")


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)


# As `json.loads` with that argument, but made once.
_DECODER = json.JSONDecoder(parse_constant=_refuse)


class DamageError(RecordingError):
    """Raised where the text is not what the format wants; the message is a sentence about it, without the file."""


class Text:
    """A file's text, matched piece by piece from an offset on.

    Args:
        path: Of the file.
        offset: Where to begin.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._file = path.open("rb")
        self._file.seek(offset)
        self._start, self._data, self._at = offset, b"", 0
        self._ended = False

    @property
    def offset(self) -> int:
        """Of the next byte."""
        return self._start + self._at

    def take(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Return the match that begins here and go behind it; None if there is none."""
        while (found := pattern.match(self._data, self._at)) is None:
            if self._ended or len(self._data) - self._at > MAX_PIECE:
                return None
            self._read_on()
        self._at = found.end()
        return found

    def need(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Return the match that begins here; raises `DamageError` if there is none."""
        found = self.take(pattern)
        if found is None:
            if self._ended and self._at_end():
                raise DamageError(f"it is cut at byte {self._start + len(self._data)}")
            raise DamageError(f"at byte {self.offset} there should be {what}")
        return found

    def is_over(self) -> bool:
        """Whether only blanks follow."""
        return self.take(_ANYTHING) is None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_on(self) -> None:
        block = self._file.read(_BLOCK)
        self._ended = not block
        self._data = self._data[self._at :] + block
        self._start += self._at
        self._at = 0

    def _at_end(self) -> bool:
        """Whether what is left could be the beginning of a piece that was cut."""
        left = self._data[self._at :].strip()
        return re.fullmatch(rb'(\[[^\[\]]*|".*)?', left, re.DOTALL) is not None


@dataclass
class Vectors:
    """Where lists of numbers lie: the byte after the bracket that opens them, and how many whole ones there are."""

    offset: int = 0
    number: int = 0


@dataclass
class Trajectory:
    """Where the parts of a trajectory lie.

    Attributes:
        observations: As far as they are whole.
        actions: Likewise; none if the text ends before them.
        note: The text that follows them; empty if none does.
        steps: The list that follows the text, if any.
        problem: What is wrong with it, and with it the rest of the file; empty if nothing is.
    """

    observations: Vectors = field(default_factory=Vectors)
    actions: Vectors = field(default_factory=Vectors)
    note: str = ""
    steps: Vectors = field(default_factory=Vectors)
    problem: str = ""


def trajectories(path: Path) -> Iterator[Trajectory]:
    """Yield the trajectories of a file, the last with what is wrong with the file, if anything is.

    Raises:
        RecordingError: If the file does not begin like one, or cannot be read.
    """
    try:
        text = Text(path)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
    with text:
        opened = text.take(_LIST)
        if opened is None:
            raise RecordingError(f"{path} is no list of demonstrations.")
        going_on = not opened[1]
        while going_on:
            found, going_on = _trajectory(text)
            yield found


def vectors(path: Path, where: Vectors) -> Iterator[np.ndarray]:
    """Yield the lists of numbers that lie somewhere, float64.

    Raises:
        DamageError: If one holds anything but finite numbers.
    """
    with Text(path, where.offset) as text:
        for _ in range(where.number):
            place = text.offset
            yield _numbers(text.need(_VECTOR, "a list of numbers")[1], place)
            text.take(_NEXT)


def _trajectory(text: Text) -> tuple[Trajectory, bool]:
    """Walk over a trajectory; also return whether another one follows."""
    found = Trajectory()
    try:
        text.need(_OPEN, "a trajectory, [observations, actions]")
        _walk(text, found.observations)
        if text.need(_NEXT, "a comma and the actions")[1] == b"]":
            raise DamageError(f"the trajectory before byte {text.offset} has no actions")
        _walk(text, found.actions)
        if text.need(_NEXT, "the end of a trajectory")[1] == b",":
            _walk_ours(text, found)
        going_on = text.need(_NEXT, "a comma, or the end of the list")[1] == b","
        if not going_on and not text.is_over():
            raise DamageError(f"something follows the list's end, before byte {text.offset}")
    except DamageError as error:
        found.problem = str(error)
        return found, False
    return found, going_on


def _walk_ours(text: Text, found: Trajectory) -> None:
    """Walk over what follows the two lists."""
    found.note = _note(text.need(_STRING, "a text, or nothing")[1])
    if text.need(_NEXT, "the end of a trajectory")[1] == b",":
        _walk(text, found.steps)
        if text.need(_NEXT, "the end of a trajectory")[1] == b",":
            raise DamageError(f"the trajectory before byte {text.offset} does not end there")


def _walk(text: Text, found: Vectors) -> None:
    """Count the vectors of a list."""
    going_on = not text.need(_LIST, "a list of lists of numbers")[1]
    found.offset = text.offset
    while going_on:
        text.need(_VECTOR, "a flat list of numbers")
        found.number += 1
        going_on = text.need(_NEXT, "a comma, or the end of a list")[1] == b","


def _note(text: bytes) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return ""


def _numbers(body: bytes, place: int) -> np.ndarray:
    try:
        found = _DECODER.decode(f"[{body.decode('ascii')}]")
        if not all(isinstance(each, (int, float)) for each in found):
            raise ValueError
        values = np.array([float(each) for each in found], np.float64)
    except (ValueError, OverflowError, RecursionError):
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        shown = body[:40].decode("utf-8", "replace").strip()
        raise DamageError(f"the list at byte {place} holds something else than finite numbers: {shown}")
    return values
