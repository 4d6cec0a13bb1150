"""Frames on the wire: four bytes of length, little-endian, then that many bytes of UTF-8 JSON."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any

from understudy.errors import ServingError

_LENGTH = struct.Struct("<I")
BODY_SECONDS = 30.0
"""How long the rest of a frame may take once its length has come."""
MAX_VALUES = 1_000_000
"""Of one message: what JSON builds in memory is many times its text, most of all for `[[[[`."""


async def read_message(reader: asyncio.StreamReader, kind: str, limit: int) -> dict[str, Any] | None:
    """Wait for the game's next message.

    Args:
        reader: Of the connection.
        kind: Of message that the protocol allows now, such as `"step"`.
        limit: Bytes a frame may have.

    Returns:
        The message, or None if the game closed the connection between two frames.

    Raises:
        ServingError: If the frame is too long, cut short or late, is no JSON, or another message than `kind`.
    """
    data = await _read_frame(reader, limit)
    if data is None:
        return None
    message = parse_json(data)
    if not isinstance(message, dict) or message.get("type") != kind:
        found = message.get("type") if isinstance(message, dict) else type(message).__name__
        raise ServingError(f"A message of type '{kind}' is due now, but the game sent {_short(found)}.")
    return message


def to_frame(message: Mapping[str, Any]) -> bytes:
    """Return a frame; its JSON is ASCII, since one end of this protocol counts characters instead of bytes."""
    data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")
    return _LENGTH.pack(len(data)) + data


def parse_json(data: bytes) -> Any:
    """Return what JSON text says, refusing what would take far more memory than its text.

    Raises:
        ServingError: If it is no JSON, holds a number that is not finite, or nests too deeply or too much.
    """
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MAX_VALUES:
        raise ServingError(f"A message holds more than {MAX_VALUES} values; send fewer agents or smaller observations.")
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ServingError("A message nests too many lists in each other.") from None
    except ValueError as error:
        raise ServingError(f"A message is not JSON ({_short(str(error), 120)}).") from None


async def _read_frame(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    try:
        header = await reader.readexactly(_LENGTH.size)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise ServingError("The game closed the connection within the length of a message.") from None
    (length,) = _LENGTH.unpack(header)
    if not 1 <= length <= limit:
        raise ServingError(f"A message announces {length} bytes; it may have from 1 to {limit}.")
    return await _read_body(reader, length)


async def _read_body(reader: asyncio.StreamReader, length: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise ServingError(f"The game closed the connection {len(error.partial)} bytes into {length}.") from None
    except TimeoutError:
        raise ServingError(f"A message of {length} bytes was not complete after {BODY_SECONDS:g} seconds.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"it holds {name}, and every number must be finite")


def _short(value: Any, width: int = 40) -> str:
    text = value if isinstance(value, str) and width > 40 else repr(value)
    return text if len(text) <= width else f"{text[: width - 1]}…"
