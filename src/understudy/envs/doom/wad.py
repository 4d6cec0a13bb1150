"""WAD archives: the directory of named lumps that a Doom game keeps its maps, pictures and demos in."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from understudy.errors import RecordingError, suggest

_HEADER = struct.Struct("<4sii")
_ENTRY = struct.Struct("<ii8s")
_KINDS = {b"IWAD": "IWAD", b"PWAD": "PWAD"}
DEMO_NAME = re.compile(r"DEMO\d+")
_MAP = re.compile(r"E\dM\d|MAP\d\d")

MAX_LUMPS = 200_000
"""More than any game has; what a damaged header says may be anything."""
MAX_LUMP_BYTES = 256 * 1024 * 1024

_THING_BYTES = 10  # x, y, angle, type, flags: five int16


@dataclass(frozen=True)
class Lump:
    """One entry of a WAD's directory: `size` bytes from byte `offset` on, under an upper-case name."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True)
class Wad:
    """The directory of a WAD file; lumps are read from the file when asked for.

    Attributes:
        path: Of the file.
        kind: `"IWAD"`, a game of its own, or `"PWAD"`, an addition to one.
        lumps: In the order of the directory; a name may occur more than once.
    """

    path: Path
    kind: str
    lumps: tuple[Lump, ...] = field(repr=False)

    @classmethod
    def open(cls, path: Path | str) -> Wad:
        """Read the directory and check that everything it names lies inside the file.

        Raises:
            RecordingError: If the file is not there, not a WAD, truncated or inconsistent.
        """
        path = Path(path)
        if not path.is_file():
            raise RecordingError(f"{path} is not a file; give the path of a WAD, such as freedoom1.wad.")
        size = path.stat().st_size
        with path.open("rb") as file:
            kind, count, start = _read_header(file, path, size)
            if count > MAX_LUMPS:
                raise RecordingError(f"{path} says it has {count:,} lumps; at most {MAX_LUMPS:,} are read.")
            file.seek(start)
            directory = file.read(count * _ENTRY.size)
        lumps = tuple(
            _checked_lump(path, index, *entry, file_size=size)
            for index, entry in enumerate(_ENTRY.iter_unpack(directory))
        )
        return cls(path, kind, lumps)

    def read(self, name: str) -> bytes:
        """Return the bytes of the lump called `name`; of several, the last, as the game itself does.

        Raises:
            RecordingError: If there is none, or the file became shorter since it was opened.
        """
        lump = self._by_name.get(name.upper())
        if lump is None:
            raise RecordingError(f"{self.path.name} has no lump '{name}'.{suggest(name, self._of_kind(name))}")
        if lump.size > MAX_LUMP_BYTES:
            raise RecordingError(f"{self.path} says that lump '{name}' has {lump.size:,} bytes; none is that large.")
        with self.path.open("rb") as file:
            file.seek(lump.offset)
            data = file.read(lump.size)
        if len(data) != lump.size:
            raise RecordingError(f"{self.path} became shorter while it was read; get the file again.")
        return data

    def demos(self) -> list[tuple[str, bytes]]:
        """Return (name, bytes) of each attract-mode demo, the lumps `DEMO1`, `DEMO2` and so on."""
        names = sorted((name for name in self._by_name if DEMO_NAME.fullmatch(name)), key=lambda name: int(name[4:]))
        return [(name, self.read(name)) for name in names]

    def __contains__(self, name: str) -> bool:
        return name.upper() in self._by_name

    @property
    def maps(self) -> tuple[str, ...]:
        """The names of the maps, such as `"E1M1"` or `"MAP01"`, in the order of the directory."""
        return tuple(name for name in self._by_name if _MAP.fullmatch(name))

    def things(self, map_name: str) -> np.ndarray:
        """Return where a map's monsters, items and other things stand, int16 map units, shape (things, 2).

        Raises:
            RecordingError: If there is no such map, or it is not in vanilla Doom's format.
        """
        numbers = [index for index, lump in enumerate(self.lumps) if lump.name == map_name.upper()]
        parts = self.lumps[numbers[-1] + 1 : numbers[-1] + 12] if numbers else ()
        names = [lump.name for lump in parts]
        if "THINGS" not in names or "BEHAVIOR" in names:
            raise RecordingError(f"{self.path.name} has no map '{map_name}' in vanilla Doom's format.")
        lump = parts[names.index("THINGS")]
        with self.path.open("rb") as file:
            file.seek(lump.offset)
            data = file.read(lump.size)
        things = np.frombuffer(data[: len(data) // _THING_BYTES * _THING_BYTES], "<i2").reshape(-1, _THING_BYTES // 2)
        return things[:, :2]

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the whole file in hexadecimal: what tells one build of a game from another."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _by_name(self) -> dict[str, Lump]:
        return {lump.name: lump for lump in self.lumps}

    def _of_kind(self, name: str) -> tuple[str, ...]:
        """Return what may have been meant by `name`: a WAD has thousands of lumps, too many to list."""
        return tuple(each for each in self._by_name if each[:3] == name.upper()[:3])


def _read_header(file: BinaryIO, path: Path, size: int) -> tuple[str, int, int]:
    """Return (kind, number of lumps, byte where the directory starts), all of it checked against the file's size."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise RecordingError(
            f"{path} has {size} bytes, fewer than a WAD's header of {_HEADER.size}; get the file again."
        )
    magic, count, start = _HEADER.unpack(header)
    if magic not in _KINDS:
        raise RecordingError(f"{path} starts with {magic!r}, not with IWAD or PWAD; give the path of a WAD.")
    if count < 0 or start < _HEADER.size or start + count * _ENTRY.size > size:
        raise RecordingError(
            f"{path} says that its directory of {count} lumps starts at byte {start}, which does not fit its {size} "
            "bytes; the file is truncated or damaged, get it again."
        )
    return _KINDS[magic], count, start


def _checked_lump(path: Path, index: int, offset: int, size: int, raw: bytes, *, file_size: int) -> Lump:
    name = raw.split(b"\0")[0].decode("latin-1").upper()
    # Markers such as map names have no bytes, and any offset.
    if size < 0 or (size > 0 and (offset < 0 or offset + size > file_size)):
        raise RecordingError(
            f"{path} says that lump {index} '{name}' has {size} bytes from byte {offset} on, which do not fit its "
            f"{file_size} bytes; the file is truncated or damaged, get it again."
        )
    return Lump(name, offset, size)
