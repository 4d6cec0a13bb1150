"""Somebody else at the keyboard, for tests: presses keys, moves the mouse, and sees which keys are down."""

from __future__ import annotations

import time
from collections.abc import Callable

from Xlib import XK, X
from Xlib import display as displays
from Xlib.ext import xtest


class Person:
    """Hands on the keyboard and the mouse of a display."""

    def __init__(self, name: str) -> None:
        self._display = displays.Display(name)

    def press(self, *keys: str) -> None:
        """Press keys, and hold them."""
        self._fake(X.KeyPress, keys)

    def release(self, *keys: str) -> None:
        """Let go of keys."""
        self._fake(X.KeyRelease, keys)

    def slide(self, right: int) -> None:
        """Move the mouse to the right."""
        xtest.fake_input(self._display, X.MotionNotify, detail=True, x=right, y=0)
        self._display.sync()

    def num_down(self) -> int:
        """Return how many keys are down, whoever holds them."""
        return sum(each.bit_count() for each in self._display.query_keymap())

    def leave(self) -> None:
        """Take the hands away."""
        self._display.close()

    def _fake(self, kind: int, keys: tuple[str, ...]) -> None:
        for each in keys:
            xtest.fake_input(self._display, kind, self._display.keysym_to_keycode(XK.string_to_keysym(each)))
        self._display.sync()


def wait_until(happens: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something happens; fail if it does not."""
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
