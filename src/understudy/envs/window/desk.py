"""The desk a person would sit at: its windows, its keyboard and its mouse, as one interface for every system."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from understudy.errors import GameError

BUTTONS = {"mouse_left": 1, "mouse_middle": 2, "mouse_right": 3, "wheel_up": 4, "wheel_down": 5}
"""The mouse's buttons by name, and their numbers in X11."""


@dataclass(frozen=True)
class Place:
    """Where a window's inside is on the screen, in pixels."""

    left: int
    top: int
    width: int
    height: int


class WindowGoneError(GameError):
    """Raised when the window is not there any more, or cannot be seen."""


class Desk(Protocol):
    """Windows, keyboard and mouse. Keys have X11's names on every system, such as `"Up"`, `"a"` or `"Control_L"`.

    Attributes:
        name: Of the X11 display; empty elsewhere.
    """

    name: str

    def find(self, title: re.Pattern[str] | None, group: int | None) -> int | None:
        """Return the largest visible window with such a title and of that process group, or None."""
        ...

    def title(self, window: int) -> str:
        """Return a window's title."""
        ...

    def place(self, window: int) -> Place:
        """Return where a window is; raises `WindowGoneError` if it is closed, minimised or not wholly on the screen."""
        ...

    def focus(self, window: int) -> None:
        """Bring a window to the front and give it the keyboard."""
        ...

    def has_focus(self, window: int) -> bool:
        """Return whether the keyboard goes to the window."""
        ...

    def require_keys(self, names: Collection[str]) -> None:
        """Raise `GameError`, with a suggestion, if the keyboard has no key of one of these names."""
        ...

    def press(self, name: str) -> None:
        """Press a key or a mouse button, and hold it."""
        ...

    def release(self, name: str) -> None:
        """Let go of a key or a mouse button."""
        ...

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        ...

    def move(self, right: int, down: int) -> None:
        """Move the mouse by so many pixels."""
        ...

    def point(self, left: int, top: int) -> None:
        """Move the mouse to a place on the screen."""
        ...

    def pointer(self) -> tuple[int, int]:
        """Return where on the screen the mouse points, from the left and from the top."""
        ...

    def held(self, names: Collection[str]) -> frozenset[str]:
        """Return which of these keys and buttons are down now, whoever holds them."""
        ...

    def moved(self) -> tuple[float, float]:
        """Return how far the mouse has moved since the last call, in pixels right and down."""
        ...

    def close(self) -> None:
        """Leave the desk."""
        ...


def open_desk(display: str | None = None) -> Desk:
    """Return this system's desk: X11's, or pynput's on Windows and macOS.

    Args:
        display: Of X11, such as `":1"`; None is the environment's.

    Raises:
        GameError: If there is no display.
        MissingExtraError: If the extra `window` is not installed.
    """
    if sys.platform in ("win32", "darwin"):
        from understudy.envs.window.elsewhere import PynputDesk

        return PynputDesk()
    from understudy.envs.window.x11 import X11Desk

    return X11Desk(display)
