"""The file: a little-endian header, then the LZMA-compressed text of cursor and keys.

Source: the osu! wiki, "Client/File formats/osr (file format)"; the rules for negative times and for the two frames that
the game puts before the play are those of ppy/osu, `LegacyScoreDecoder` (MIT).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.osu.frames import Frames, read_frames

# The longest songs that are ranked give replays of about a megabyte.
_MAX_FILE_BYTES = 32 * 1024 * 1024
_MAX_STRING_BYTES = 8 * 1024 * 1024
_TICKS_PER_SECOND = 10_000_000
_COUNTS = ("300s", "100s", "50s", "gekis", "katus", "misses")
MODES = ("osu!", "osu!taiko", "osu!catch", "osu!mania")
_MODS = (
    *("NoFail", "Easy", "TouchDevice", "Hidden", "HardRock", "SuddenDeath", "DoubleTime", "Relax", "HalfTime"),
    *("Nightcore", "Flashlight", "Autoplay", "SpunOut", "Autopilot", "Perfect"),
)


@dataclass
class Replay:
    """One play of one beatmap.

    Attributes:
        mode: Index into `MODES`.
        version: Of the game, a date such as 20131216; lazer's are 30000000 and above.
        beatmap: MD5 of the beatmap's file.
        player: As the file has it.
        scores: The numbers of the score screen.
        mods: Names of the modifiers played with.
        started: ISO 8601 in UTC; empty if the file has no sensible date.
        digest: SHA-256 of the compressed frames: tells replays apart without the player's name.
        frames: Cursor and keys.
        problems: What could not be read, one sentence without a full stop each.
    """

    mode: int
    version: int
    beatmap: str
    player: str
    scores: dict[str, int]
    mods: tuple[str, ...]
    started: str
    digest: str
    frames: Frames
    problems: list[str] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """Seconds of the song in a second of the player's."""
        if {"DoubleTime", "Nightcore"} & set(self.mods):
            return 1.5
        return 0.75 if "HalfTime" in self.mods else 1.0

    @property
    def scripted(self) -> bool:
        """Whether the game itself moved the cursor."""
        return bool({"Autoplay", "Autopilot"} & set(self.mods))


def looks_like_replay(start: bytes) -> bool:
    """Whether bytes begin like a replay: a mode, a version that is a date, and the MD5 of a beatmap."""
    reader = _Reader(start, "the file")
    try:
        mode, version, beatmap = reader.number("B"), reader.number("i"), reader.text()
    except RecordingError:
        return False
    return mode < len(MODES) and 20_070_000 <= version < 40_000_000 and _is_md5(beatmap)


def read_replay(path: Path) -> Replay:
    """Read a replay as far as it is whole.

    Raises:
        RecordingError: If its header is not that of a replay, or the file is larger than a replay can be.
    """
    size = path.stat().st_size
    if size > _MAX_FILE_BYTES:
        raise RecordingError(f"{path} is {size:,} bytes; a replay has at most {_MAX_FILE_BYTES:,}.")
    data = path.read_bytes()
    if not looks_like_replay(data):
        raise RecordingError(f"{path} is not an osu! replay, or is damaged in its first bytes.")
    return _read(_Reader(data, str(path)))


def _read(reader: _Reader) -> Replay:
    mode, version = reader.number("B"), reader.number("i")
    beatmap, player, _checksum = reader.text(), reader.text(), reader.text()
    scores = {name: reader.number("H") for name in _COUNTS}
    scores |= {"score": reader.number("i"), "max combo": reader.number("H"), "perfect": reader.number("B")}
    mods = reader.number("i")
    reader.text()  # the life bar
    started = _date(reader.number("q"))
    length = reader.number("i")
    body = reader.rest()[: max(0, length)]
    frames, problems = read_frames(body)
    if len(body) < length:
        problems.insert(0, f"the file stops {length - len(body):,} bytes before the end of its frames")
    names = tuple(name for bit, name in enumerate(_MODS) if mods >> bit & 1)
    digest = hashlib.sha256(body).hexdigest()
    return Replay(mode, version, beatmap, player, scores, names, started, digest, frames, problems)


def _date(ticks: int) -> str:
    """Windows ticks, tenths of microseconds since the year 1, as ISO 8601."""
    try:
        moment = datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=ticks // _TICKS_PER_SECOND)
    except OverflowError:
        return ""
    return moment.isoformat(timespec="seconds") if moment.year >= 2007 else ""


def _is_md5(text: str) -> bool:
    return len(text) == 32 and np.isin(list(text.lower()), list("0123456789abcdef")).all().item()


class _Reader:
    """Reads the header's fields one after the other."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data, self._where, self._place = data, where, 0

    def number(self, code: str) -> int:
        """Read a little-endian integer of a `struct` code."""
        return int(struct.unpack(f"<{code}", self._take(struct.calcsize(code)))[0])

    def text(self) -> str:
        """Read a string: a mark, a length in ULEB128, UTF-8."""
        mark = self.number("B")
        if mark == 0:
            return ""
        if mark != 0x0B:
            raise RecordingError(f"{self._where} is damaged at byte {self._place - 1}, where a text should begin.")
        return self._take(self._length()).decode("utf-8", "replace")

    def rest(self) -> bytes:
        """What follows."""
        return self._data[self._place :]

    def _length(self) -> int:
        length = 0
        for shift in range(0, 35, 7):
            byte = self.number("B")
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        if length > _MAX_STRING_BYTES:
            raise RecordingError(f"{self._where} says a text is {length:,} bytes long; it is damaged there.")
        return length

    def _take(self, size: int) -> bytes:
        data = self._data[self._place : self._place + size]
        if len(data) < size:
            raise RecordingError(f"{self._where} is cut at byte {len(self._data)}, inside its header.")
        self._place += size
        return data
