"""A bot's memory as bytes: it outlives its stream, its server, or a swap of its bundle.

Layout, little-endian: `UBOT`, format uint8 (1), three zero bytes, the lengths of state and style as uint32, seed and
number of decisions as uint64, the state and the style as float32, and the CRC-32 of all of that.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np

from understudy.errors import ServingError

_HEADER = struct.Struct("<4sB3xIIQQ")
_MAGIC, _FORMAT = b"UBOT", 1


class SavedBot(NamedTuple):
    """What a bot remembers.

    Attributes:
        seed: Of its noise stream.
        decisions: How many it made.
        state: float32, shape (state_size,).
        style: float32, shape (style_size,).
    """

    seed: int
    decisions: int
    state: np.ndarray
    style: np.ndarray

    def copy(self) -> SavedBot:
        """Return one whose arrays are its own."""
        return self._replace(state=self.state.copy(), style=self.style.copy())

    def to_bytes(self) -> bytes:
        """Return the bytes."""
        header = _HEADER.pack(_MAGIC, _FORMAT, len(self.state), len(self.style), self.seed, self.decisions)
        body = header + self.state.astype("<f4").tobytes() + self.style.astype("<f4").tobytes()
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, data: bytes, state_size: int, style_size: int) -> SavedBot:
        """Rebuild it.

        Args:
            data: As `to_bytes` gave them.
            state_size: Of the bundle that shall play on.
            style_size: Of the same.

        Raises:
            ServingError: If the bytes are damaged, or of a bundle whose memory has another size.
        """
        if len(data) < _HEADER.size + 4 or data[:4] != _MAGIC or data[4] != _FORMAT:
            raise ServingError("That is no saved bot; pass the bytes as the server gave them.")
        body, checksum = data[:-4], int.from_bytes(data[-4:], "little")
        *_, states, styles, seed, decisions = _HEADER.unpack_from(body)
        if (states, styles) != (state_size, style_size):
            raise ServingError(
                f"The saved bot remembers {states} numbers and a style of {styles}, but this bundle's bots remember "
                f"{state_size} and a style of {style_size}; resume it with the bundle that saved it."
            )
        if len(body) != _HEADER.size + 4 * (states + styles) or zlib.crc32(body) != checksum:
            raise ServingError("The saved bot is damaged; save it again.")
        numbers = np.frombuffer(body, "<f4", offset=_HEADER.size).astype(np.float32)
        if not np.isfinite(numbers).all():
            raise ServingError("The saved bot holds a number that is not finite; save it again.")
        return cls(seed, decisions, numbers[:states], numbers[states:])
