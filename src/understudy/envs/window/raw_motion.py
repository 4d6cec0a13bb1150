"""How far the mouse really moved: XInput 2's raw events, which go on where a game holds the pointer still."""

from __future__ import annotations

import struct
from typing import Any

from understudy.errors import GameError

_HEADER = struct.Struct("<HIIHHI4x")
"""Device, time, detail, source, words of the mask, flags; after the ten bytes that python-xlib has taken off."""
_FIXED = struct.Struct("<iI")
_WORD_BITS = 32


class RawMotion:
    """Adds up the raw motion of one display's mouse, on a connection of its own.

    Source:
        The X Input Extension 2, section "RawEvent": a bit mask of axes, then a fixed-point number for each.
    """

    def __init__(self, display: str) -> None:
        from Xlib import display as displays
        from Xlib.ext import xinput

        self._display: Any = displays.Display(display)
        if not self._display.has_extension("XInputExtension"):
            raise GameError(f"The display '{display}' has no XInput 2, so a person's mouse cannot be recorded there.")
        # python-xlib asks for 2.0, where a game that grabs the mouse keeps its motion for itself; 2.1 shows it to all.
        opcode = self._display.display.get_extension_major(xinput.extname)
        xinput.XIQueryVersion(display=self._display.display, opcode=opcode, major_version=2, minor_version=2)
        root = self._display.screen().root
        root.xinput_select_events([(xinput.AllMasterDevices, xinput.RawMotionMask)])
        self._display.sync()
        self._kind = xinput.RawMotion

    def take(self) -> tuple[float, float]:
        """Return how far the mouse has moved since the last call, in pixels right and down."""
        right = down = 0.0
        while self._display.pending_events():
            event = self._display.next_event()
            if getattr(event, "evtype", None) == self._kind:
                by_axis = parse_raw(event.data)
                right, down = right + by_axis.get(0, 0.0), down + by_axis.get(1, 0.0)
        return right, down

    def close(self) -> None:
        """End the connection."""
        self._display.close()


def parse_raw(data: bytes) -> dict[int, float]:
    """Return the value of each axis in a raw event.

    Args:
        data: All after the first ten bytes of the event.
    """
    *_, words, _ = _HEADER.unpack_from(data)
    mask = int.from_bytes(data[_HEADER.size : _HEADER.size + 4 * words], "little")
    axes = [axis for axis in range(_WORD_BITS * words) if mask >> axis & 1]
    start = _HEADER.size + 4 * words
    numbers = (_FIXED.unpack_from(data, start + _FIXED.size * index) for index in range(len(axes)))
    return {axis: whole + part / 2**_WORD_BITS for axis, (whole, part) in zip(axes, numbers, strict=True)}
