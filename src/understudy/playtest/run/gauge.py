"""What a worker measures of its game for the oracles that ask for it: memory, the picture, what is printed."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from understudy.playtest.oracles.picture import PictureSpec

_MIB = 1 << 20
_EVERY_DECISIONS = 32
_EVERY_S = 0.1
_LOOKED_AT = 64


class Gauge:
    """Measures what is asked for, as seldom as it can.

    Args:
        needs: Of `"memory"`, `"picture"`, `"log"`.
        sensor: The picture's sensor; None if the game has no picture.
        hz: Decisions a second of game time.
        picture: How to look at the picture.
        log: The file that the game's output goes to.
    """

    def __init__(
        self, needs: frozenset[str], sensor: str | None, hz: float, picture: PictureSpec | None, log: Path
    ) -> None:
        self._memory = "memory" in needs
        self._looker = Looker(sensor, picture, hz) if sensor and picture else None
        self._tail = Tail(log) if "log" in needs else None
        self._sampled = -math.inf

    def read(self, tick: int, seen: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return what is measured at this decision, by the names of `Moment`'s fields."""
        detail: dict[str, Any] = {}
        if self._memory and self._due(tick):
            detail["memory_mb"] = memory_mb()
        if self._looker and tick % self._looker.every == 0:
            detail["picture"] = self._looker.look(seen)
        if self._tail and (lines := self._tail.lines()):
            detail["log"] = lines
        return detail

    def _due(self, tick: int) -> bool:
        now = time.monotonic()
        if tick % _EVERY_DECISIONS and now - self._sampled < _EVERY_S:
            return False
        self._sampled = now
        return True


def memory_mb() -> float:
    """Return what this process and those it started hold in memory, in MiB; the most so far where it is not Linux."""
    page = resource.getpagesize()
    try:
        return sum(_pages(each) for each in _family(os.getpid())) * page / _MIB
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB


def _pages(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except FileNotFoundError:
        if process == os.getpid():
            raise
        return 0  # it has just ended


def _family(process: int) -> Iterator[int]:
    yield process
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = thread.read_text().split()
        except OSError:
            continue
        for each in children:
            yield from _family(int(each))


class Looker:
    """Looks at the picture now and then, at a few thousand of its pixels.

    Attributes:
        every: Decisions from one look to the next.
    """

    def __init__(self, sensor: str, options: PictureSpec, hz: float) -> None:
        self._sensor, self._options = sensor, options
        self.every = max(1, round(options.every * hz))
        self._last: int | None = None

    def look(self, seen: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return the fields of a `Picture`."""
        whole = seen[self._sensor]
        rows, columns = (max(1, -(-side // _LOOKED_AT)) for side in whole.shape[:2])
        picture = whole[::rows, ::columns]
        digest = zlib.crc32(np.ascontiguousarray(whole).data)
        changed, self._last = digest != self._last, digest
        return {
            "mean": round(float(picture.mean()), 2),
            "spread": round(float(picture.std()), 2),
            "changed": changed,
            "missing": self._missing(picture),
            "flat": _flat(picture) if self._options.flat is not None else 0.0,
        }

    def _missing(self, picture: np.ndarray) -> float:
        if picture.shape[2] != 3:
            return 0.0
        shown = np.zeros(picture.shape[:2], bool)
        for colour in self._options.colours:
            off = np.abs(picture.astype(np.int16) - np.array(colour, np.int16))
            shown |= (off <= self._options.tolerance).all(axis=2)
        return round(float(shown.mean()), 4)


def _flat(picture: np.ndarray) -> float:
    """The share of the commonest colour; colours that differ by less than a person sees are one."""
    coarse = (picture >> 3).reshape(-1, picture.shape[2]).astype(np.int32)
    codes = coarse @ (32 ** np.arange(picture.shape[2]))
    return round(float(np.bincount(codes).max() / len(codes)), 4)


class Tail:
    """Reads what was printed since the last time, whole lines only."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._read = 0
        self._rest = b""
        self._c = ctypes.CDLL(None)

    def lines(self) -> list[str]:
        """Return the new lines, also those that Python or a C library still held back."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._c.fflush(None)
        size = os.fstat(self._file.fileno()).st_size
        if size == self._read:
            return []
        *lines, self._rest = (self._rest + self._file.read(size - self._read)).split(b"\n")
        self._read = size
        return [each.decode(errors="replace") for each in lines]
