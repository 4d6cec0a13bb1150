"""A .demo file as messages, each after its length, in the order of `demo.proto`. No length is believed unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from google.protobuf.message import DecodeError, Message

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import head
from understudy.recordings.formats.mlagents import demo_pb2 as pb

META_BYTES = 32
"""Reserved at the beginning for the meta data, after one byte for their length."""

VERSIONS = (0, 1)
"""Of the format, as its own loader knows them."""

_VARINT_BYTES = 10
_MAX_MESSAGE = 64 * 1024 * 1024


class DamageError(RecordingError):
    """Raised where bytes are not what the format wants; the message is a sentence about them, without the file."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        meta: How much it holds.
        raw_meta: The same as bytes, which a closed file repeats at its end.
        brain: What its agents can do.
        start: The offset of the first pair.
    """

    meta: pb.DemonstrationMetaProto
    raw_meta: bytes
    brain: pb.BrainParametersProto
    start: int


class DemoFile:
    """An open .demo file, read a message at a time.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def pair(self, offset: int) -> tuple[pb.AgentInfoActionPairProto, int]:
        """Return the pair at `offset` and the offset of what follows it; raises `DamageError` if there is none."""
        pair = pb.AgentInfoActionPairProto()
        end = self._message(offset, pair)
        if not pair.HasField("agent_info"):
            raise DamageError(f"there is no decision at byte {offset}")
        return pair, end

    def rest(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset` on."""
        self._file.seek(offset)
        return self._file.read(limit)

    def header(self) -> Header:
        """Return what the file says of itself; raises `DamageError` if that is damaged or of another version."""
        meta = pb.DemonstrationMetaProto()
        length = (self.rest(0, 1) or b"\xff")[0]
        if length > META_BYTES:
            raise DamageError("it does not begin like a demonstration")
        raw = self.rest(1, length)
        _parse(raw, meta, 0)
        if meta.api_version not in VERSIONS:
            raise DamageError(f"it is of version {meta.api_version}; versions 0 and 1 are read")
        brain = pb.BrainParametersProto()
        return Header(meta, raw, brain, self._message(META_BYTES + 1, brain))

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _message(self, offset: int, message: Message) -> int:
        length, start = self._length(offset)
        if start + length > self.size:
            raise DamageError(f"it is cut at byte {self.size}, inside what begins at byte {offset}")
        if length > _MAX_MESSAGE:
            raise DamageError(
                f"what begins at byte {offset} says it is {length:,} bytes; at most {_MAX_MESSAGE:,} are read"
            )
        _parse(self.rest(start, length), message, offset)
        return start + length

    def _length(self, offset: int) -> tuple[int, int]:
        """Decode the varint at `offset`; return it and the offset after it."""
        value = 0
        data = self.rest(offset, _VARINT_BYTES)
        for place, byte in enumerate(data):
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value, offset + place + 1
        if len(data) == _VARINT_BYTES:
            raise DamageError(f"there is no length at byte {offset}")
        raise DamageError(f"it is cut at byte {self.size}")


def read_header(path: Path) -> Header:
    """Return what a file says of itself; raises `RecordingError` if it is damaged or of another version."""
    try:
        with DemoFile(path) as file:
            return file.header()
    except DamageError as error:
        raise RecordingError(f"{path} is no Unity ML-Agents demonstration that can be read: {error}.") from error
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error


def looks_like_demo(path: Path) -> bool:
    """Whether a file begins like a demonstration; one called `.demo` may be damaged after its meta data."""
    try:
        start = head(path, META_BYTES + 1)
        if len(start) < 2 or not _is_meta(start[1 : 1 + start[0]], start[0]):
            return False
        if path.suffix.lower() == ".demo":
            return True
        with DemoFile(path) as file:
            brain = file.header().brain
        return bool(brain.brain_name) and (brain.HasField("action_spec") or bool(brain.vector_action_size_deprecated))
    except (DamageError, OSError):
        return False


def _is_meta(raw: bytes, length: int) -> bool:
    """Whether bytes are meta data and nothing else: other bytes seldom survive being read and written again."""
    if not 2 <= length <= META_BYTES or len(raw) != length:
        return False
    meta = pb.DemonstrationMetaProto()
    _parse(raw, meta, 0)
    known = pb.DemonstrationMetaProto(
        api_version=meta.api_version,
        demonstration_name=meta.demonstration_name,
        number_steps=meta.number_steps,
        number_episodes=meta.number_episodes,
        mean_reward=meta.mean_reward,
    )
    return meta.api_version in VERSIONS and known.SerializeToString() == raw


def _parse(data: bytes, message: Message, offset: int) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise DamageError(f"what begins at byte {offset} is damaged") from error
