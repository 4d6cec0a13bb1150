"""What games that a person plays in a window share: the window with its frames, and input by keys and mouse.

A game draws sixty pictures a second and decides less often. The mouse turns the view at once; what it has turned since
a decision began is that decision's turn when it ends. Keys are read when a decision begins, so that what is shown while
it lasts is what will have been played; a key that was only tapped counts once.
"""

from __future__ import annotations

import math
import os
import signal
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from understudy.errors import GameError, require

pygame: Any = require("pygame", "play")

FRAMES_A_SECOND = 60
DEGREES_A_PIXEL = 0.11
"""How far a pixel of the mouse turns the view, at a sensitivity of 1."""
MOVING_KEYS: Mapping[str, str] = {
    "w": "forward", "s": "back", "a": "left", "d": "right", "up": "forward", "down": "back", "left ctrl": "crouch",
    "c": "crouch",
}  # fmt: skip
"""The words that the names of pygame's keys stand for in every game."""
_LONGEST_FRAME_S = 0.2
"""A game that was held up for longer goes on where it was."""
_UNSEEN = ("dummy", "offscreen")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def open_display(game: str, size: tuple[int, int]) -> Any:
    """Open the window of a game, (width, height) pixels, and return its surface.

    Raises:
        GameError: If there is no display.
    """
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        # Without a display SDL draws where nobody looks; only who asks for that gets it.
        if driver in _UNSEEN and os.environ.get("SDL_VIDEODRIVER") != driver:
            pygame.display.quit()
            raise pygame.error("none is there")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of machines that scale without a graphics card
            surface = pygame.display.set_mode(size, pygame.SCALED | pygame.RESIZABLE)
    except pygame.error as error:
        raise GameError(
            f"The game found no display to open its window on ({error}). Start it on a desktop, or under a virtual "
            f"display: xvfb-run -a understudy play {game}"
        ) from None
    pygame.display.set_caption(f"Understudy: {game}")
    return surface


class GameWindow(ABC):
    """A game in a window: turns seconds, keys and mouse into pictures and decisions.

    Args:
        game: Its name, as `understudy play` knows it.
        size: Of the picture: (width, height), pixels.

    Attributes:
        surface: What is drawn on.
        closed: Whether the game is to end.

    Raises:
        GameError: If there is no display.
    """

    def __init__(self, game: str, size: tuple[int, int]) -> None:
        self._name, self.surface, self.closed = game, open_display(game, size), False

    def run(self, most_frames: int | None = None) -> None:
        """Play until the window is closed; `most_frames` ends it earlier, for tests.

        Raises:
            UnderstudyError: If a bot fails, or the game cannot be recorded.
        """
        ticking, shown = pygame.time.Clock(), 0
        handlers = [signal.signal(each, self._stop) for each in _SIGNALS]
        try:
            while shown != most_frames:
                passed_s = min(ticking.tick(FRAMES_A_SECOND) / 1000, _LONGEST_FRAME_S)
                for event in pygame.event.get():
                    self.take(event)
                if self.closed:
                    break
                self.advance(passed_s)
                self.draw()
                pygame.display.flip()
                shown += 1
        finally:
            for each, handler in zip(_SIGNALS, handlers, strict=True):
                signal.signal(each, handler or signal.SIG_DFL)
            self.close()

    def close(self) -> None:
        """Close the window and let go of the mouse; the game stays as it is. Calling it twice does no harm."""
        self._hold_mouse(False)
        pygame.display.quit()

    def take(self, event: Any) -> None:
        """Take in an event of pygame's."""
        if event.type == pygame.QUIT:
            self.closed = True
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._lose_keyboard()
        elif event.type == pygame.MOUSEMOTION:
            self._take_motion(*event.rel)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
            self._take_button(event.button, down=event.type == pygame.MOUSEBUTTONDOWN)
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_F12:
            pygame.image.save(self.surface, f"{self._name}-{datetime.now():%Y%m%d-%H%M%S-%f}.png")
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_F11:
            pygame.display.toggle_fullscreen()
        elif event.type in (pygame.KEYDOWN, pygame.KEYUP):
            self._take_key(pygame.key.name(event.key), down=event.type == pygame.KEYDOWN)

    @abstractmethod
    def advance(self, passed_s: float) -> None:
        """Let so many seconds go by."""

    @abstractmethod
    def draw(self) -> None:
        """Draw what is to be seen now; the caller shows it."""

    @abstractmethod
    def _take_key(self, key: str, *, down: bool) -> None:
        """Take in that a key went down or up, by pygame's name of it."""

    @abstractmethod
    def _take_button(self, button: int, *, down: bool) -> None:
        """Take in that a button of the mouse went down or up."""

    @abstractmethod
    def _take_motion(self, right: float, down: float) -> None:
        """Take in that the mouse has moved by so many pixels."""

    @abstractmethod
    def _lose_keyboard(self) -> None:
        """Take in that another window has the keyboard."""

    def _hold_mouse(self, hold: bool) -> None:
        if pygame.display.get_init():
            pygame.mouse.set_visible(not hold)
            pygame.event.set_grab(hold)
            pygame.mouse.get_rel()

    def _stop(self, *_: object) -> None:
        """A signal ends the game after a whole decision, as the window's own button does."""
        self.closed = True


class PlayerInput:
    """What a player does at keys and mouse, one decision after another.

    Keys and buttons go by what they stand for, words such as `"forward"`.

    Args:
        most_turn: How far a decision turns the view at most, degrees.
        most_pitch: How far it raises or lowers it at most, degrees.
        sensitivity: Of the mouse.

    Attributes:
        turn: Degrees the view has turned since the decision began, positive right.
        pitch: Degrees it has risen since.
    """

    def __init__(self, most_turn: float, most_pitch: float, sensitivity: float = 1.0) -> None:
        self.turn = self.pitch = 0.0
        self._most_turn, self._most_pitch, self._pitch_room = most_turn, most_pitch, (-most_pitch, most_pitch)
        self._degrees_a_pixel = DEGREES_A_PIXEL * sensitivity
        self._held: set[str] = set()
        self._tapped: set[str] = set()
        self._latched: set[str] = set()

    def take(self, word: str, *, down: bool) -> None:
        """Take in that a key or button went down or up."""
        if down:
            self.press(word)
        else:
            self.release(word)

    def press(self, word: str) -> None:
        """Take in that a key or button went down."""
        self._held.add(word)
        self._tapped.add(word)

    def release(self, word: str) -> None:
        """Take in that it went up."""
        self._held.discard(word)

    def release_all(self) -> None:
        """Take in that the window has lost the keyboard."""
        self._held.clear()
        self._tapped.clear()

    def move_mouse(self, right: float, down: float) -> None:
        """Turn the view by so many pixels of the mouse, as far as a decision allows."""
        low, high = self._pitch_room
        self.turn = min(max(self.turn + self._degrees_a_pixel * right, -self._most_turn), self._most_turn)
        self.pitch = min(max(self.pitch - self._degrees_a_pixel * down, low), high)

    def begin(self, pitch: float = 0.0, steepest: float = math.inf) -> None:
        """Begin a decision: forget what has been turned and read the keys.

        Args:
            pitch: Where the player looks now, in degrees, positive up.
            steepest: How far down and up one can look, degrees.
        """
        self.turn = self.pitch = 0.0
        self._pitch_room = max(-self._most_pitch, -steepest - pitch), min(self._most_pitch, steepest - pitch)
        self._latched = self._held | self._tapped
        self._tapped = set()

    def is_down(self, word: str) -> bool:
        """Whether a key is down in this decision."""
        return word in self._latched

    def move(self) -> str:
        """Return the direction that the keys ask for, such as `"forward_right"`, else `"none"`; opposites cancel."""
        ahead = ("", "forward", "back")[self.is_down("forward") - self.is_down("back")]
        aside = ("", "right", "left")[self.is_down("right") - self.is_down("left")]
        return "_".join(filter(None, (ahead, aside))) or "none"

    def first_of(self, *words: str, otherwise: str) -> str:
        """Return the first of some words whose key is down."""
        return next(filter(self.is_down, words), otherwise)
