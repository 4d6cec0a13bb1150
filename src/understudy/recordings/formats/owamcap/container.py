"""Reads the messages of an MCAP file from its beginning on, so that one cut anywhere gives what is before the cut.

Neither the footer nor the summary is needed. Chunks are unpacked here and not by the `mcap` package, which would
allocate whatever a damaged or hostile chunk says it unpacks to. Source: the MCAP specification, mcap.dev/spec.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from understudy.errors import require
from understudy.recordings.formats.guards import head

MAGIC = b"\x89MCAP0\r\n"
MAX_CHUNK = 128 * 1024 * 1024
_MAX_WINDOW = 128 * 1024 * 1024
_PROFILE = b"owa"
_NAMES = (b"desktop/", b"owa.env.", b"owa_env_")
_HEAD = 64 * 1024


@dataclass(frozen=True)
class Message:
    """One message: the name of its schema, when it was logged (nanoseconds), its bytes."""

    schema: str
    time: int
    data: bytes


@dataclass
class Container:
    """An MCAP file being read.

    Attributes:
        path: The file.
        library: What wrote it.
        problem: Why reading stopped before the end, one sentence without a full stop; empty if it did not.
    """

    path: Path
    library: str = ""
    problem: str = ""
    _schemas: dict[int, str] = field(default_factory=dict)
    _channels: dict[int, str] = field(default_factory=dict)

    def messages(self) -> Iterator[Message]:
        """Yield the messages in the file's order, as far as they are whole."""
        require("mcap", "owamcap")
        from mcap.exceptions import McapError

        try:
            with self.path.open("rb") as file:
                yield from self._read(file)
        except McapError as error:
            self.problem = self.problem or _explain(error)
        except (struct.error, ValueError, OSError, MemoryError, EOFError, OverflowError) as error:
            self.problem = self.problem or f"it is damaged ({str(error)[:120] or type(error).__name__})"

    def _read(self, file: io.BufferedReader) -> Iterator[Message]:
        from mcap.records import Chunk
        from mcap.stream_reader import StreamReader, breakup_chunk

        reader = StreamReader(file, emit_chunks=True, record_size_limit=MAX_CHUNK)
        for record in reader.records:
            if not isinstance(record, Chunk):
                yield from self._take(record)
                continue
            data = self._unpacked(record)
            # The package reads the records of a chunk that is not compressed without unpacking anything.
            for inner in _whole_records(replace(record, compression="", data=data), breakup_chunk):
                yield from self._take(inner)
            if self.problem:
                return

    def _take(self, record: Any) -> Iterator[Message]:
        from mcap import records

        if isinstance(record, records.Header):
            self.library = record.library[:200]
        elif isinstance(record, records.Schema):
            self._schemas[record.id] = record.name
        elif isinstance(record, records.Channel):
            plain = record.message_encoding == "json"
            self._channels[record.id] = self._schemas.get(record.schema_id, "") if plain else ""
        elif isinstance(record, records.Message):
            name = self._channels.get(record.channel_id, "")
            if name and 0 <= record.log_time < 2**62:
                yield Message(name, record.log_time, record.data)

    def _unpacked(self, chunk: Any) -> bytes:
        """Return a chunk's bytes, those before the damage if it has any."""
        if chunk.uncompressed_size > MAX_CHUNK:
            self.problem = (
                f"a chunk says it unpacks to {chunk.uncompressed_size:,} bytes; at most {MAX_CHUNK:,} are read"
            )
            return b""
        unpackers: dict[str, Callable[[bytes], bytes]] = {"": bytes, "zstd": _unzstd, "lz4": _unlz4}
        unpack = unpackers.get(chunk.compression)
        if unpack is None:
            self.problem = f"a chunk is packed with '{chunk.compression[:20]}', which is not known"
            return b""
        data = unpack(chunk.data)
        if len(data) > chunk.uncompressed_size:
            self.problem = "a chunk unpacks to more than it says"
            return b""
        if len(data) < chunk.uncompressed_size:
            self.problem = "it is cut, or damaged, inside a chunk"
        elif chunk.uncompressed_crc and zlib.crc32(data) != chunk.uncompressed_crc:
            self.problem = "a chunk does not match its checksum"
            return b""
        return data


def looks_like_owamcap(path: Path) -> bool:
    """Whether a file is MCAP with the profile of OWA, or with schemas of its names."""
    if not path.is_file():
        return False
    start = head(path, _HEAD)
    if not start.startswith(MAGIC) or len(start) < 24:
        return False
    # The first record is the header: an opcode, a length, then the profile with its own length.
    size = int.from_bytes(start[17:21], "little")
    return (start[8] == 1 and start[21 : 21 + size] == _PROFILE) or any(name in start for name in _NAMES)


def _whole_records(chunk: Any, breakup: Callable[[Any], list[Any]]) -> list[Any]:
    """The records of a chunk before any that is cut."""
    data, place = chunk.data, 0
    while place + 9 <= len(data):
        stop = place + 9 + int.from_bytes(data[place + 1 : place + 9], "little")
        if stop > len(data):
            break
        place = stop
    return breakup(replace(chunk, data=data[:place]))


def _unzstd(data: bytes) -> bytes:
    zstandard = require("zstandard", "owamcap")
    unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
    parts, total = [], 0
    # A little at a time, so that a bomb is stopped and what comes before damage is kept.
    for place in range(0, len(data), 1024):
        try:
            parts.append(unpacker.decompress(data[place : place + 1024]))
        except zstandard.ZstdError:
            break
        total += len(parts[-1])
        if unpacker.eof or total > MAX_CHUNK:
            break
    return b"".join(parts)


def _unlz4(data: bytes) -> bytes:
    frame = require("lz4.frame", "owamcap")
    unpacker = frame.LZ4FrameDecompressor()
    parts, total, left = [], 0, data
    while not unpacker.eof and total <= MAX_CHUNK:
        try:
            parts.append(unpacker.decompress(left, max_length=1 << 20))
        except (RuntimeError, EOFError):
            break
        if not parts[-1] and unpacker.needs_input:
            break
        total, left = total + len(parts[-1]), b""
    return b"".join(parts)


def _explain(error: Exception) -> str:
    kind = type(error).__name__
    if kind == "EndOfFile":
        return "it stops before its end, as when a recorder is killed"
    return f"it is damaged ({str(error)[:120]})"
