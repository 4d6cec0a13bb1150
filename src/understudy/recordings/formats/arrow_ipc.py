"""Arrow IPC from strangers, memory-mapped: batch by batch, up to the cut if it is cut, and nothing compressed."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from understudy.errors import RecordingError

_FILE_MAGIC = b"ARROW1\0\0"
# Slot of `compression` in the table RecordBatch of Arrow's Message.fbs, and of `header` in Message.
_COMPRESSION, _HEADER = 3, 2


def read_batches(path: Path) -> tuple[pa.Schema, list[pa.RecordBatch], str | None]:
    """Map an IPC file or stream: its schema, its whole batches, and what is wrong after them if anything is.

    The batches are views of the file and take no memory of their own.

    Raises:
        RecordingError: If not even the schema can be read.
    """
    try:
        with pa.memory_map(os.fsencode(path)) as source:
            if source.read(8) != _FILE_MAGIC:
                source.seek(0)
            messages = pa.ipc.MessageReader.open_stream(source)
            schema = _read_schema(messages.read_next_message())
            batches: list[pa.RecordBatch] = []
            problem = _collect(messages, schema, batches)
            return schema, batches, problem
    except FileNotFoundError as error:
        raise RecordingError(f"{path} is not there.") from error
    except (pa.ArrowException, OSError, StopIteration, ValueError, EOFError) as error:
        raise RecordingError(f"{path} is not an Arrow file, or is damaged in its first bytes.") from error


def _read_schema(message: pa.Message) -> pa.Schema:
    if message.type != "schema":
        # Arrow would crash on it.
        raise ValueError(f"it begins with a message of type {message.type}")
    schema = pa.ipc.read_schema(message)
    for field in schema:
        _check_names(field)
    return schema


def _check_names(field: pa.Field) -> None:
    """Raise UnicodeDecodeError over a name that is not UTF-8, which else would come up anywhere."""
    _ = field.name
    for index in range(field.type.num_fields):
        _check_names(field.type.field(index))


def _collect(messages: pa.ipc.MessageReader, schema: pa.Schema, batches: list[pa.RecordBatch]) -> str | None:
    try:
        for message in _record_batches(messages):
            if _is_compressed(message):
                return "it holds compressed batches, which could unpack to any size; write it without compression"
            batch = pa.ipc.read_record_batch(message, schema)
            # Arrow trusts offsets and lengths unless it is asked to check them.
            batch.validate(full=True)
            batches.append(batch)
    except (pa.ArrowException, OSError, ValueError, EOFError, struct.error, IndexError) as error:
        return f"cut or damaged after {len(batches)} record batches ({str(error).splitlines()[0] or 'no reason'})"
    return None


def _record_batches(messages: pa.ipc.MessageReader) -> Iterator[pa.Message]:
    while True:
        try:
            message = messages.read_next_message()
        except StopIteration:
            return
        if message.type != "record batch":
            raise ValueError(f"a message of type {message.type}, which such a log does not have")
        yield message


def _is_compressed(message: pa.Message) -> bool:
    """Read one field of the message's flatbuffer: Arrow itself would unpack the buffers without asking."""
    data = memoryview(message.metadata)
    header = _field(data, struct.unpack_from("<I", data, 0)[0], _HEADER)
    if header is None:
        return False
    batch = header + struct.unpack_from("<I", data, header)[0]
    return _field(data, batch, _COMPRESSION) is not None


def _field(data: memoryview, table: int, slot: int) -> int | None:
    """The place of a table's field, or None if it is left out (flatbuffers' internals, "Tables")."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    place = 4 + 2 * slot
    offset = struct.unpack_from("<H", data, vtable + place)[0] if place + 2 <= size else 0
    return table + offset if offset else None
