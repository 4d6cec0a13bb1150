"""One window under the hands of one player: found or started, looked at, played, and let go of whatever happens."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import numpy as np

from understudy.envs.window.desk import Desk, Place, WindowGoneError, open_desk
from understudy.envs.window.eyes import Eyes
from understudy.envs.window.process import Keeper, Program, start_server
from understudy.envs.window.settings import WindowSettings
from understudy.errors import GameError

_SLICE_S = 0.05
_LEAVING_S = 2.0
_STEADY_LOOKS = 6
"""A window must keep its place for so many looks before it counts as open: games move theirs while they start."""


class PanicError(Exception):
    """A person pressed the panic key."""


class WindowGame:
    """A game in a window.

    Args:
        settings: What to start, and how to find its window.
        folder: Where the game's file is, and the command runs.

    Attributes:
        place: Where the window is on the screen.

    Raises:
        GameError: If there is no display, the command does not start, or no window appears.
    """

    def __init__(self, settings: WindowSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self._title = _pattern(settings.title)
        self._down: set[str] = set()
        self._window = 0
        self._rest = (0.0, 0.0)
        self._program: Program | None = None
        self._keeper: Keeper | None = None
        self._server: Program | None = None
        self._desk: Desk | None = None
        self._eyes: Eyes | None = None
        try:
            self._sit_down()
            self.open()
        except BaseException:
            self.close()
            raise

    @property
    def desk(self) -> Desk:
        """The keyboard and the mouse."""
        if self._desk is None:
            raise GameError("This window environment is closed; make a new one.")
        return self._desk

    @property
    def running(self) -> bool:
        """Whether the program that was started is; True for a window that was found."""
        return self._program is None or self._program.running

    def has_left(self) -> bool:
        """Return whether the program is gone, after giving it a moment to go."""
        end = time.monotonic() + _LEAVING_S
        while self._program is not None and self.running and time.monotonic() < end:
            time.sleep(_SLICE_S)
        return not self.running

    def open(self) -> None:
        """Start the command, again if it was started before, and find its window."""
        if self._settings.command:
            if not self.desk.name:
                raise GameError(
                    "A 'command' needs X11; elsewhere start the game yourself, and name its window's 'title'."
                )
            self._end_program()
            variables = {**self._settings.environment, "DISPLAY": self.desk.name}
            self._program = Program(
                self._settings.command, variables, fresh_home=self._settings.fresh_home, folder=self._folder
            )
            if self._keeper is not None:
                self._keeper.add(self._program.group)
        self._window, self.place = self._await_window()
        self._rest = (0.0, 0.0)
        self.desk.focus(self._window)
        self._point_inside()

    def look(self) -> np.ndarray:
        """Return the window's picture, uint8 RGB of shape (height, width, 3); the window may have moved.

        Raises:
            WindowGoneError: If the window is gone, minimised or partly off the screen.
            GameError: If it has another size.
        """
        place = self.desk.place(self._window)
        if (place.width, place.height) != (self.place.width, self.place.height):
            raise GameError(
                f"The window '{self.desk.title(self._window)}' changed its size from {self.place.width}x"
                f"{self.place.height} to {place.width}x{place.height}; a bot that was taught one size cannot play "
                "another, so fix the size in the game's own settings."
            )
        self.place = place
        assert self._eyes is not None
        return self._eyes.look(place)

    def heed_panic(self) -> None:
        """Raise `PanicError`, with all keys released, if the panic key is down."""
        if self.desk.held((self._settings.panic,)):
            self.release()
            raise PanicError

    def require_focus(self) -> None:
        """Raise `GameError` if the keyboard goes to another window: what is played must never be typed there."""
        if not self.desk.has_focus(self._window):
            self.release()
            self.desk.place(self._window)  # gone, or minimised: that is the better word
            raise GameError(
                f"Another window took the keyboard from '{self.desk.title(self._window)}'; leave the game in front "
                "while it is played, or give it a screen of its own with screen: [1280, 720]."
            )

    def hold(self, keys: Collection[str]) -> None:
        """Hold exactly these keys and mouse buttons."""
        for each in sorted(self._down - set(keys)):
            self.desk.release(each)
            self._down.discard(each)
        for each in sorted(set(keys) - self._down):
            self._down.add(each)
            self.desk.press(each)

    def move(self, right: float, down: float) -> None:
        """Move the mouse by pixels; what is left of a pixel is added to the next motion."""
        wanted = right + self._rest[0], down + self._rest[1]
        whole = round(wanted[0]), round(wanted[1])
        self._rest = wanted[0] - whole[0], wanted[1] - whole[1]
        if any(whole):
            self.desk.move(*whole)

    def click(self, left: int, top: int, button: str = "mouse_left") -> None:
        """Click at a pixel of the window."""
        if not (left < self.place.width and top < self.place.height):
            raise GameError(
                f"A click at {left}, {top} misses the window, which is {self.place.width}x{self.place.height} pixels."
            )
        self.desk.point(self.place.left + left, self.place.top + top)
        time.sleep(_SLICE_S)
        self.hold((button,))
        time.sleep(_SLICE_S)
        self.release()

    def release(self) -> None:
        """Let go of every key and button."""
        self.hold(())

    def gone_words(self) -> str:
        """Return how the program ended if that was no proper end, or an empty text."""
        if self._program is None or self._program.left_well:
            return ""
        return self._program.last_words()

    def close(self) -> None:
        """Let go of everything, and end what was started. Calling it twice does no harm."""
        desk, self._desk = self._desk, None
        eyes, self._eyes = self._eyes, None
        keeper, self._keeper = self._keeper, None
        if desk is not None:
            with suppress(Exception):  # the display may be gone; the keeper tries once more
                self._let_go(desk)
        for each in (eyes, desk, self._program, self._server, keeper):
            if each is not None:
                each.close()
        self._program = self._server = None

    def _let_go(self, desk: Desk) -> None:
        for each in sorted(self._down):
            desk.release(each)
        self._down.clear()

    def _sit_down(self) -> None:
        name = None
        if self._settings.screen is not None:
            self._server, name = start_server(*self._settings.screen)
        self._desk = open_desk(name)
        bound = self._settings.bindings().keys
        self._desk.require_keys((*bound, self._settings.panic))
        if self._desk.name:
            self._keeper = Keeper(self._desk.name)
            if self._server is not None:
                self._keeper.add(self._server.group)
        self._eyes = Eyes(self._desk.name)

    def _await_window(self) -> tuple[int, Place]:
        end = time.monotonic() + self._settings.start_seconds
        group = self._program.group if self._program else None
        seen: list[tuple[int, Place] | None] = []
        while time.monotonic() < end:
            seen.append(self._find(group))
            if seen[-1] is not None and seen[-_STEADY_LOOKS:] == [seen[-1]] * _STEADY_LOOKS:
                return seen[-1]
            if self._program and not self._program.running:
                raise GameError(f"The game was over before it opened a window: {self._program.last_words()}.")
            time.sleep(_SLICE_S)
        wanted = f"a title like '{self._settings.title}'" if self._title else "the game's processes"
        raise GameError(f"No window of {wanted} was open within {self._settings.start_seconds:g} s; see start_seconds.")

    def _find(self, group: int | None) -> tuple[int, Place] | None:
        window = self.desk.find(self._title, group)
        try:
            return None if window is None else (window, self.desk.place(window))
        except WindowGoneError:
            return None

    def _point_inside(self) -> None:
        """Without a window manager, some games only hear keys while the mouse is over them."""
        left, top = self.desk.pointer()
        inside = 0 <= left - self.place.left < self.place.width and 0 <= top - self.place.top < self.place.height
        if not inside:  # moving it would turn a player who aims by mouse
            self.desk.point(self.place.left + self.place.width // 2, self.place.top + self.place.height // 2)

    def _end_program(self) -> None:
        self.release()
        program, self._program = self._program, None
        if program is not None:
            program.close()
            if self._keeper is not None:
                self._keeper.forget(program.group)


def _pattern(title: str | None) -> re.Pattern[str] | None:
    try:
        return None if title is None else re.compile(title)
    except re.error as error:
        raise GameError(f"The title '{title}' is not a regular expression: {error}.") from error
