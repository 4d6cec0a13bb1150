"""A pipe in shared memory: bytes go from one process to another without a system call.

What was written stays when the writer dies at any instant, so that the last thing it said is known. One process writes,
one reads. A writer that is a whole ring ahead waits for the reader.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import time
from collections.abc import Callable

CAPACITY = 1 << 20
_WRITTEN, _READ = 0, 1  # index of a 64-bit number
_FLAG = 16
_HEADER = 64
_PAUSE_S = 0.0005


def make_ring_file(capacity: int = CAPACITY) -> int:
    """Return the descriptor of a new file that a ring can lie in; it has no name and is gone once it is closed."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("understudy-ring")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, _HEADER + capacity)
    return descriptor


class Ring:
    """One end of the pipe.

    Args:
        descriptor: Of the file that both ends share.
        gone: Asked while a writer waits; says whether the reader is no longer there.
    """

    def __init__(self, descriptor: int, gone: Callable[[], bool] = lambda: False) -> None:
        size = os.fstat(descriptor).st_size
        self._memory = mmap.mmap(descriptor, size)
        self._bytes = memoryview(self._memory)
        # Numbers of the machine's own width, so that each is stored at once.
        self._counts = self._bytes[:_FLAG].cast("Q")
        self._data = self._bytes[_HEADER:]
        self._capacity = size - _HEADER
        self._gone = gone
        self._written = self._read = 0

    @property
    def flag(self) -> int:
        """A number from 0 to 255 that the writer sets and the reader sees at once."""
        return self._bytes[_FLAG]

    @flag.setter
    def flag(self, value: int) -> None:
        self._bytes[_FLAG] = value

    def write(self, data: bytes) -> None:
        """Append bytes, waiting for the reader where there is no room.

        Raises:
            BrokenPipeError: If there is no room and the reader is gone.
        """
        size = len(data)
        start = self._written % self._capacity
        if self._written + size - self._read > self._capacity or start + size > self._capacity:
            self._write_in_pieces(data)
            return
        self._data[start : start + size] = data
        self._written += size
        self._counts[_WRITTEN] = self._written

    def take(self) -> bytes:
        """Return all bytes that were written and not taken yet."""
        written, start = self._counts[_WRITTEN], self._read % self._capacity
        size = written - self._read
        data = bytes(self._data[start : start + size])
        data += bytes(self._data[: size - len(data)])
        self._read = self._counts[_READ] = written
        return data

    def close(self) -> None:
        """Let go of the memory."""
        for view in (self._counts, self._data, self._bytes):
            view.release()
        self._memory.close()

    def _write_in_pieces(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            start = self._written % self._capacity
            size = min(len(rest), self._room(), self._capacity - start)
            self._data[start : start + size] = rest[:size]
            self._written += size
            self._counts[_WRITTEN] = self._written
            rest = rest[size:]

    def _room(self) -> int:
        """How many bytes fit now; waits until it is at least one."""
        while True:
            self._read = self._counts[_READ]
            room = self._capacity - (self._written - self._read)
            if room:
                return room
            if self._gone():
                raise BrokenPipeError("Nobody reads the reports.")
            time.sleep(_PAUSE_S)
