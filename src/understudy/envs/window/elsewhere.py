"""Keyboard and mouse by pynput, windows by PyWinCtl: the desk of Windows and macOS.

The keyboard and the mouse are tested under X11, which pynput also knows; finding windows on Windows and macOS is not.
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Collection
from typing import Any

from understudy.envs.window.desk import Place, WindowGoneError
from understudy.errors import GameError, require, suggest

_KEYS = {
    "Up": "up",
    "Down": "down",
    "Left": "left",
    "Right": "right",
    "space": "space",
    "Return": "enter",
    "Escape": "esc",
    "Tab": "tab",
    "BackSpace": "backspace",
    "Delete": "delete",
    "Home": "home",
    "End": "end",
    "Page_Up": "page_up",
    "Page_Down": "page_down",
    "Control_L": "ctrl_l",
    "Control_R": "ctrl_r",
    "Shift_L": "shift_l",
    "Shift_R": "shift_r",
    "Alt_L": "alt_l",
    **{f"F{number}": f"f{number}" for number in range(1, 13)},
}
_BUTTONS = {"mouse_left": "left", "mouse_middle": "middle", "mouse_right": "right"}
_WHEEL = {"wheel_up": 1, "wheel_down": -1}


class PynputDesk:
    """The desk of Windows and macOS, which ask a person's leave for it in their privacy settings.

    Keys that are down are known from listening, so one that was down before does not count; and motion is the
    pointer's, so that of games which hold the pointer still is not seen.
    """

    name = ""

    def __init__(self) -> None:
        keyboard: Any = require("pynput.keyboard", "window")
        mouse: Any = require("pynput.mouse", "window")
        self._key, self._code, self._button = keyboard.Key, keyboard.KeyCode, mouse.Button
        self._keyboard, self._mouse = keyboard.Controller(), mouse.Controller()
        self._seen: set[Any] = set()
        self._down: set[str] = set()
        self._last = self._mouse.position
        self._ears = [
            keyboard.Listener(on_press=self._hear, on_release=self._unhear),
            mouse.Listener(on_click=self._hear_click),
        ]
        for each in self._ears:
            each.start()
            each.wait()
        # There is no keeper here: what is down is let go of when Python ends, but not when it is killed.
        atexit.register(self._let_go)

    def find(self, title: re.Pattern[str] | None, group: int | None) -> int | None:
        """Return the largest visible window with such a title, or None; there are no process groups here."""
        del group
        found = [each for each in self._windows() if each.isVisible and (not title or title.search(each.title))]
        largest = max(found, key=lambda each: each.width * each.height, default=None)
        return None if largest is None else int(largest.getHandle())

    def title(self, window: int) -> str:
        """Return a window's title."""
        return str(self._window(window).title)

    def place(self, window: int) -> Place:
        """Return where a window's inside is on the screen."""
        it = self._window(window)
        if it.isMinimized or not it.isVisible:
            raise WindowGoneError(f"The window '{it.title}' is minimised or hidden; leave it open while it is played.")
        frame = it.getClientFrame()
        return Place(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top)

    def focus(self, window: int) -> None:
        """Bring a window to the front and give it the keyboard."""
        self._window(window).activate(wait=True)

    def has_focus(self, window: int) -> bool:
        """Return whether the keyboard goes to the window."""
        return bool(self._window(window).isActive)

    def require_keys(self, names: Collection[str]) -> None:
        """Raise `GameError`, with a suggestion, if there is no key of one of these names."""
        for each in names:
            if each not in (*_KEYS, *_BUTTONS, *_WHEEL) and len(each) != 1:
                raise GameError(f"The keyboard has no key '{each}'.{suggest(each, (*_KEYS, *_BUTTONS, *_WHEEL))}")

    def press(self, name: str) -> None:
        """Press a key or a mouse button, and hold it."""
        if name in _WHEEL:
            self._mouse.scroll(0, _WHEEL[name])
            return
        self._down.add(name)
        (self._mouse if name in _BUTTONS else self._keyboard).press(self._of(name))

    def release(self, name: str) -> None:
        """Let go of a key or a mouse button."""
        if name not in _WHEEL:
            (self._mouse if name in _BUTTONS else self._keyboard).release(self._of(name))
            self._down.discard(name)

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        self._keyboard.type(text)

    def move(self, right: int, down: int) -> None:
        """Move the mouse by so many pixels."""
        self._mouse.move(right, down)

    def point(self, left: int, top: int) -> None:
        """Move the mouse to a place on the screen."""
        self._mouse.position = (left, top)

    def pointer(self) -> tuple[int, int]:
        """Return where on the screen the mouse points, from the left and from the top."""
        left, top = self._mouse.position
        return int(left), int(top)

    def held(self, names: Collection[str]) -> frozenset[str]:
        """Return which of these keys and buttons are down now, whoever holds them."""
        return frozenset(each for each in names if each not in _WHEEL and self._of(each) in self._seen)

    def moved(self) -> tuple[float, float]:
        """Return how far the pointer has moved since the last call, in pixels right and down."""
        (left, top), self._last = self._last, self._mouse.position
        return float(self._last[0] - left), float(self._last[1] - top)

    def close(self) -> None:
        """Leave the desk."""
        self._let_go()
        atexit.unregister(self._let_go)
        for each in self._ears:
            each.stop()

    def _hear(self, key: Any) -> None:
        self._seen.add(key)

    def _unhear(self, key: Any) -> None:
        self._seen.discard(key)

    def _hear_click(self, left: int, top: int, button: Any, pressed: bool) -> None:  # noqa: ARG002 - pynput's
        (self._seen.add if pressed else self._seen.discard)(button)

    def _let_go(self) -> None:
        for each in sorted(self._down):
            self.release(each)

    def _of(self, name: str) -> Any:
        """Return pynput's own key or button of that name."""
        if name in _BUTTONS:
            return getattr(self._button, _BUTTONS[name])
        return getattr(self._key, _KEYS[name]) if name in _KEYS else self._code.from_char(name)

    def _windows(self) -> list[Any]:
        return list(require("pywinctl", "window").getAllWindows())

    def _window(self, window: int) -> Any:
        for each in self._windows():
            if each.getHandle() == window:
                return each
        raise WindowGoneError("The game's window is closed.")
