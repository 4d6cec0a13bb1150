"""X11's windows, keyboard and mouse, by python-xlib: input by the XTEST extension, motion by XInput 2's raw events."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from understudy.envs.window.desk import BUTTONS, Place, WindowGoneError
from understudy.envs.window.raw_motion import RawMotion
from understudy.errors import GameError, require, suggest

_TAP_S = 0.03
_USUAL_KEYS = ("Up", "Down", "Left", "Right", "space", "Return", "Escape", "Tab", "Control_L", "Shift_L", "Alt_L", "F1")
_DEEPEST = 3
"""Window managers put a game's window into one or two of their own."""
_CHARACTERS = {" ": "space", "\n": "Return", "\t": "Tab", "-": "minus", ".": "period", ",": "comma", "/": "slash"}


class X11Desk:
    """One X server's desk. Only one environment may use a server at a time, since there is one keyboard.

    Args:
        name: Of the display; None takes `DISPLAY`.

    Raises:
        GameError: If there is no display, or another environment uses it.
    """

    def __init__(self, name: str | None = None) -> None:
        require("Xlib", "window")
        from Xlib import XK, X, error
        from Xlib import display as displays
        from Xlib.ext import xtest

        self._x, self._xk, self._error, self._xtest = X, XK, error, xtest
        try:
            self._display: Any = displays.Display(name)
        except (error.DisplayError, OSError) as failure:
            asked = name or os.environ.get("DISPLAY")
            found = f"the display '{asked}' does not answer" if asked else "there is no display (DISPLAY is not set)"
            raise GameError(
                f"A window needs a display, and {found}; start it as: xvfb-run -a COMMAND, or give the game a screen "
                "of its own with screen: [1280, 720]."
            ) from failure
        self.name: str = self._display.get_display_name()
        self._root = self._display.screen().root
        self._motion: RawMotion | None = None
        self._claim()

    def find(self, title: re.Pattern[str] | None, group: int | None) -> int | None:
        """Return the largest visible window with such a title and of that process group, or None."""
        found = [(self._area(each), each.id) for each in self._windows(self._root) if self._fits(each, title, group)]
        return max(found)[1] if found else None

    def title(self, window: int) -> str:
        """Return a window's title."""
        return self._title(self._window(window))

    def place(self, window: int) -> Place:
        """Return where a window's inside is on the screen."""
        it = self._window(window)
        try:
            shown = it.get_attributes().map_state == self._x.IsViewable
            size, corner = it.get_geometry(), self._root.translate_coords(it, 0, 0)
        except self._error.XError as failure:
            raise WindowGoneError("The game's window is closed.") from failure
        except (self._error.ConnectionClosedError, OSError) as failure:
            raise WindowGoneError("The X server is gone, and the game's window with it.") from failure
        if not shown:
            raise WindowGoneError(
                f"The window '{self._title(it)}' is minimised or hidden; leave it open while it is played."
            )
        place, screen = Place(corner.x, corner.y, size.width, size.height), self._display.screen()
        right, bottom = place.left + place.width, place.top + place.height
        if min(place.left, place.top) < 0 or right > screen.width_in_pixels or bottom > screen.height_in_pixels:
            raise WindowGoneError(
                f"The window '{self._title(it)}', {size.width}x{size.height} at {corner.x}, {corner.y}, is not wholly "
                f"on the screen of {screen.width_in_pixels}x{screen.height_in_pixels}; move it, or make it smaller."
            )
        return place

    def focus(self, window: int) -> None:
        """Bring a window to the front and give it the keyboard."""
        it, x = self._window(window), self._x
        quiet = self._error.CatchError()
        it.configure(stack_mode=x.Above, onerror=quiet)
        if self._managed():
            self._ask_manager(it)
        else:
            it.set_input_focus(x.RevertToPointerRoot, x.CurrentTime, onerror=quiet)
        self._display.sync()

    def has_focus(self, window: int) -> bool:
        """Return whether the keyboard goes to the window or to one inside it."""
        focus = self._display.get_input_focus().focus
        with suppress(self._error.XError, AttributeError):
            while focus.id not in (window, self._root.id):
                focus = focus.query_tree().parent
            return bool(focus.id == window)
        return False

    def require_keys(self, names: Collection[str]) -> None:
        """Raise `GameError`, with a suggestion, if the keyboard has no key of one of these names."""
        for each in names:
            if each not in BUTTONS:
                self._code(each)

    def press(self, name: str) -> None:
        """Press a key or a mouse button, and hold it."""
        self._fake(name, down=True)

    def release(self, name: str) -> None:
        """Let go of a key or a mouse button."""
        self._fake(name, down=False)

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        for each in text:
            name = _CHARACTERS.get(each, each)
            shifted = self._display.keycode_to_keysym(self._code(name), 0) != self._xk.string_to_keysym(name)
            keys = ("Shift_L", name) if shifted else (name,)
            for key in keys:
                self.press(key)
            time.sleep(_TAP_S)
            for key in reversed(keys):
                self.release(key)
            time.sleep(_TAP_S)

    def move(self, right: int, down: int) -> None:
        """Move the mouse by so many pixels."""
        self._xtest.fake_input(self._display, self._x.MotionNotify, detail=True, x=right, y=down)
        self._display.flush()

    def point(self, left: int, top: int) -> None:
        """Move the mouse to a place on the screen."""
        self._xtest.fake_input(self._display, self._x.MotionNotify, detail=False, x=left, y=top)
        self._display.flush()

    def pointer(self) -> tuple[int, int]:
        """Return where on the screen the mouse points, from the left and from the top."""
        at = self._root.query_pointer()
        return at.root_x, at.root_y

    def held(self, names: Collection[str]) -> frozenset[str]:
        """Return which of these keys and buttons are down now, whoever holds them."""
        keymap = self._display.query_keymap()
        mask = self._root.query_pointer().mask
        buttons = {name for name, number in BUTTONS.items() if mask & (self._x.Button1Mask << (number - 1))}
        codes = {each: self._code(each) for each in names if each not in BUTTONS}
        return frozenset(each for each, code in codes.items() if keymap[code // 8] >> code % 8 & 1) | (
            buttons & frozenset(names)
        )

    def moved(self) -> tuple[float, float]:
        """Return how far the mouse has moved since the last call, in pixels right and down."""
        if self._motion is None:
            self._motion = RawMotion(self.name)
        return self._motion.take()

    def close(self) -> None:
        """Leave the desk."""
        if self._motion is not None:
            self._motion.close()
        with suppress(self._error.ConnectionClosedError, OSError):
            self._display.close()

    def _claim(self) -> None:
        """Own a selection, which the server gives back by itself when this process is gone, however it went."""
        atom = self._display.intern_atom("_UNDERSTUDY_HANDS")
        if self._display.get_selection_owner(atom) != self._x.NONE:
            self.close()
            raise GameError(
                f"Another window is played on the display '{self.name}', and there is one keyboard; give each game a "
                "screen of its own with screen: [1280, 720]."
            )
        window = self._root.create_window(0, 0, 1, 1, 0, self._x.CopyFromParent)
        window.set_selection_owner(atom, self._x.CurrentTime)
        self._display.sync()

    def _windows(self, parent: Any, depth: int = 0) -> Iterator[Any]:
        with suppress(self._error.XError):
            for child in parent.query_tree().children:
                yield child
                if depth < _DEEPEST:
                    yield from self._windows(child, depth + 1)

    def _fits(self, window: Any, title: re.Pattern[str] | None, group: int | None) -> bool:
        with suppress(self._error.XError):
            name, owner = self._title(window), self._group(window)
            if not name or window.get_attributes().map_state != self._x.IsViewable:
                return False
            ours = group is None or owner == group or (owner is None and title is not None)
            return ours and (title is None or title.search(name) is not None)
        return False

    def _area(self, window: Any) -> int:
        with suppress(self._error.XError):
            size = window.get_geometry()
            return int(size.width * size.height)
        return 0

    def _title(self, window: Any) -> str:
        with suppress(self._error.XError):
            modern = window.get_full_text_property(self._display.intern_atom("_NET_WM_NAME"))
            return str(modern or window.get_wm_name() or "")
        return ""

    def _group(self, window: Any) -> int | None:
        """The process group of a window's owner: what the window says, else what the server knows."""
        said = window.get_full_property(self._display.intern_atom("_NET_WM_PID"), self._x.AnyPropertyType)
        pid = int(said.value[0]) if said is not None and len(said.value) else self._owner(window)
        try:
            return None if pid is None else os.getpgid(pid)
        except ProcessLookupError:
            return None

    def _owner(self, window: Any) -> int | None:
        """The process of a window, by the X-Resource extension; None if it runs on another machine."""
        if not self._display.has_extension("X-Resource"):
            return None
        from Xlib.ext import res

        asked = [{"client": window.id, "mask": res.LocalClientPIDMask}]
        answers = self._display.res_query_client_ids(asked).ids
        return next((int(each.value[0]) for each in answers if len(each.value)), None)

    def _window(self, window: int) -> Any:
        return self._display.create_resource_object("window", window)

    def _managed(self) -> bool:
        atom = self._display.intern_atom("_NET_SUPPORTING_WM_CHECK")
        return self._root.get_full_property(atom, self._x.AnyPropertyType) is not None

    def _ask_manager(self, window: Any) -> None:
        from Xlib.protocol import event

        atom = self._display.intern_atom("_NET_ACTIVE_WINDOW")
        message = event.ClientMessage(window=window, client_type=atom, data=(32, [2, self._x.CurrentTime, 0, 0, 0]))
        self._root.send_event(message, event_mask=self._x.SubstructureRedirectMask | self._x.SubstructureNotifyMask)

    def _code(self, name: str) -> int:
        code = int(self._display.keysym_to_keycode(self._xk.string_to_keysym(name)))
        if not code:
            known = (*_USUAL_KEYS, *BUTTONS)
            raise GameError(f"The keyboard has no key '{name}'; keys have X11's names.{suggest(name, known)}")
        return code

    def _fake(self, name: str, *, down: bool) -> None:
        x, button = self._x, BUTTONS.get(name)
        kinds = (x.ButtonRelease, x.ButtonPress) if button else (x.KeyRelease, x.KeyPress)
        self._xtest.fake_input(self._display, kinds[down], button or self._code(name))
        self._display.sync()  # whoever looks next, on whatever connection, sees it
