"""The stream inside a replay: `time|x|y|keys,` over and over, compressed with LZMA."""

from __future__ import annotations

import lzma
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

KEYS = ("M1", "M2", "K1", "K2", "smoke")
_SEED = -12345
_BEFORE_PLAY = (256.0, -500.0)
# Bounds that the game itself keeps, or far beyond what a play can hold.
_MAX_COORDINATE = 131_072.0
_MAX_DELTA_MS = 24 * 3600 * 1000.0
# Six hours at sixty frames a second.
_MAX_TEXT_BYTES = 32 * 1024 * 1024
_MAX_MEMORY = 128 * 1024 * 1024
# Small, for what was unpacked in the block that turns out to be damaged is lost.
_BLOCK = 4096
_MAX_FRAME = 256


@dataclass(frozen=True)
class Frames:
    """What the game noted of the player.

    Attributes:
        times_ms: float64, shape (n,), ascending: song time.
        cursor: float64, shape (n, 2), osu!pixels: (0, 0) to (512, 384) is the playfield.
        keys: uint8, shape (n, 5), of `KEYS`: held from this frame to the next.
        seed: Of the beatmap's random numbers, if noted.
    """

    times_ms: np.ndarray
    cursor: np.ndarray
    keys: np.ndarray
    seed: int | None = None


def read_frames(body: bytes) -> tuple[Frames, list[str]]:
    """Decompress and parse, as far as it is whole; also return what was wrong."""
    problems: list[str] = []
    walk = _Walk()
    for number, text in enumerate(_texts(body, problems)):
        what = walk.take(number, text)
        if what:
            problems.append(f"frame {number + 1} {what}; the frames from there on are lost")
            break
    if walk.rewound:
        problems.append(f"{walk.rewound} frames lie back in time, after a pause, and are left out, as the game does")
    return walk.frames(), problems


def _texts(body: bytes, problems: list[str]) -> Iterator[bytes]:
    """Yield the text of each frame."""
    left = b""
    for block in _decompressed(body, problems):
        *whole, left = (left + block).split(b",")
        yield from whole
        if len(left) > _MAX_FRAME:
            problems.append(f"a frame of more than {_MAX_FRAME} bytes; the frames from there on are lost")
            return
    # Lazer leaves out the last comma.
    if left.strip() and not problems:
        yield left


def _decompressed(body: bytes, problems: list[str]) -> Iterator[bytes]:
    if not body:
        return
    total = 0
    try:
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_MAX_MEMORY)
        block = unpacker.decompress(body, _BLOCK)
        while block:
            total += len(block)
            if total > _MAX_TEXT_BYTES:
                problems.append(f"the frames unpack to more than {_MAX_TEXT_BYTES:,} bytes; no play is that long")
                return
            yield block
            block = b"" if unpacker.eof else unpacker.decompress(b"", _BLOCK)
        if not unpacker.eof:
            problems.append("the compressed frames have no end; the last ones are lost")
    except (lzma.LZMAError, EOFError, MemoryError) as error:
        problems.append(f"the compressed frames are damaged ({error}); those from there on are lost")


class _Walk:
    """Turns time differences into times, and leaves out what was not play."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float, float, int]] = []
        self._time = self._deficit = 0.0
        self._seed: int | None = None
        self.rewound = 0

    def take(self, number: int, text: bytes) -> str:
        """Take the text of a frame; return what is wrong with it, or nothing."""
        if not text.strip():
            return ""
        try:
            delta, x, y, keys = (float(part) for part in text.split(b"|"))
        except ValueError:
            return f"is not of the form time|x|y|keys ({text[:40].decode('ascii', 'replace')!r})"
        if delta == _SEED:
            self._seed = int(keys) if math.isfinite(keys) else None
            return ""
        if not (abs(delta) <= _MAX_DELTA_MS and max(abs(x), abs(y)) <= _MAX_COORDINATE and 0 <= keys < 2**31):
            return "is out of every range"
        self._time += delta
        if number < 2 and (x, y) == _BEFORE_PLAY:
            return ""
        # After a jump back the game shows nothing until the lost time is caught up. The first frame's is none: the game
        # writes where the intro could be skipped to before it, and goes back from there to where the play began.
        self._deficit = min(0.0, self._deficit + delta) if self._rows else 0.0
        if self._deficit < 0:
            self.rewound += 1
        else:
            self._rows.append((self._time, x, y, int(keys)))
        return ""

    def frames(self) -> Frames:
        """What was taken."""
        table = np.array([row[:3] for row in self._rows], np.float64).reshape(-1, 3)
        bits = np.array([row[3] for row in self._rows], np.int64)
        keys = (bits[:, None] >> np.arange(len(KEYS)) & 1).astype(np.uint8)
        # The first frame may come before an earlier one of the two that were left out.
        times = np.maximum.accumulate(table[:, 0]) if len(table) else table[:, 0]
        return Frames(times, table[:, 1:], keys, self._seed)
