"""The window: the loop that turns seconds and keys into decisions, and shows sixty pictures a second."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any

from understudy.envs.parkland.viewer.controls import Controls
from understudy.envs.parkland.viewer.game import Game
from understudy.errors import GameError, require

pygame: Any = require("pygame", "play")

FRAMES_A_SECOND = 60
KEYS = (
    "WASD walk, Shift runs, Ctrl or C crouches, Space jumps",
    "the mouse looks, E or a click opens doors and inspects things",
    "F12 saves a picture, Esc pauses; then Q ends the walk",
)
_LONGEST_FRAME_S = 0.2
"""A game that was held up for longer goes on where it was."""
_UNSEEN = ("dummy", "offscreen")
_WORDS = {
    "w": "forward", "s": "back", "a": "left", "d": "right", "up": "forward", "down": "back", "left shift": "run",
    "right shift": "run", "left ctrl": "crouch", "c": "crouch", "space": "jump", "e": "interact",
}  # fmt: skip
_WHITE, _DARK = (255, 255, 255), (20, 24, 28)


class Phase(Enum):
    """What the window shows."""

    START = auto()
    PLAY = auto()
    PAUSE = auto()
    CLOSED = auto()


class Window:
    """Shows a park and takes a person's hands.

    Args:
        game: To play.
        about: Lines for the first screen.
        sensitivity: Of the mouse.

    Attributes:
        phase: What is shown now.
        surface: What is drawn on.

    Raises:
        GameError: If there is no display.
    """

    def __init__(self, game: Game, about: Sequence[str] = (), sensitivity: float = 1.0) -> None:
        self.surface = _open_display(game.size)
        self._game, self._about, self.phase = game, tuple(about), Phase.START
        self._controls, self._elapsed = Controls(sensitivity), 0.0
        self._step_s = 1 / game.env.behavior.decision_hz
        pygame.font.init()
        self._font = pygame.font.Font(None, 22)
        game.begin()
        self._controls.begin()

    def run(self, most_frames: int | None = None) -> None:
        """Play until the window is closed; `most_frames` ends it earlier, for tests.

        Raises:
            RecordingError: If the walk cannot be recorded.
        """
        ticking, shown = pygame.time.Clock(), 0
        try:
            while self.phase is not Phase.CLOSED and shown != most_frames:
                passed = min(ticking.tick(FRAMES_A_SECOND) / 1000, _LONGEST_FRAME_S)
                for event in pygame.event.get():
                    self.take(event)
                self.advance(passed)
                self.draw()
                pygame.display.flip()
                shown += 1
        finally:
            self._hold_mouse(False)
            pygame.display.quit()

    def take(self, event: Any) -> None:
        """Take in an event of pygame's."""
        if event.type == pygame.QUIT:
            self.phase = Phase.CLOSED
        elif event.type == pygame.WINDOWFOCUSLOST and self.phase is Phase.PLAY:
            self._change(Phase.PAUSE)
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_F12:
            pygame.image.save(self.surface, f"parkland-{datetime.now():%Y%m%d-%H%M%S-%f}.png")
        elif self.phase is Phase.PLAY:
            self._take_in_play(event)
        elif event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN):
            leaves = event.type == pygame.KEYDOWN and event.key == pygame.K_q
            self._change(Phase.CLOSED if leaves else Phase.PLAY)

    def advance(self, passed_s: float) -> None:
        """Let so many seconds go by."""
        if self.phase is not Phase.PLAY:
            return
        self._elapsed += passed_s
        while self._elapsed >= self._step_s:
            self._elapsed -= self._step_s
            self._game.decide(self._controls.action())
            self._controls.begin()
            if self._game.over:
                self._game.begin()
                self._change(Phase.PAUSE)

    def draw(self) -> None:
        """Draw what is to be seen now; the caller shows it."""
        picture = self._game.picture(self._elapsed / self._step_s, self._controls.action())
        height, width = picture.shape[:2]
        self.surface.blit(pygame.image.frombuffer(picture.tobytes(), (width, height), "RGB"), (0, 0))
        if self.phase is Phase.PLAY:
            info = self._game.info
            self._write([f"{info['game_seconds']:.0f} s    stages of tasks {sum(info['quest'])}"], 8)
        elif self.phase is Phase.START:
            self._write([*self._about, *KEYS, "Any key begins"], 150)
        else:
            self._write(["Paused", *KEYS, "Any other key goes on"], 150)

    def _take_in_play(self, event: Any) -> None:
        if event.type == pygame.MOUSEMOTION:
            self._controls.move_mouse(*event.rel)
        elif event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP) and event.button == 1:
            self._take_word("interact", down=event.type == pygame.MOUSEBUTTONDOWN)
        elif event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self._change(Phase.PAUSE)
        elif event.type in (pygame.KEYDOWN, pygame.KEYUP):
            word = _WORDS.get(pygame.key.name(event.key))
            if word:
                self._take_word(word, down=event.type == pygame.KEYDOWN)

    def _take_word(self, word: str, *, down: bool) -> None:
        if down:
            self._controls.press(word)
        else:
            self._controls.release(word)

    def _change(self, phase: Phase) -> None:
        """Show another screen; the mouse is held while one plays."""
        self.phase = phase
        self._controls.release_all()
        self._hold_mouse(phase is Phase.PLAY)

    def _hold_mouse(self, hold: bool) -> None:
        if pygame.display.get_init():
            pygame.mouse.set_visible(not hold)
            pygame.event.set_grab(hold)
            pygame.mouse.get_rel()

    def _write(self, lines: Sequence[str], top: int) -> None:
        for row, line in enumerate(lines):
            for colour, shift in ((_DARK, 1), (_WHITE, 0)):
                text = self._font.render(line, True, colour)
                left = (self.surface.get_width() - text.get_width()) // 2
                self.surface.blit(text, (left + shift, top + 26 * row + shift))


def _open_display(size: tuple[int, int]) -> Any:
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        # Without a display SDL draws where nobody looks; only who asks for that gets it.
        if driver in _UNSEEN and os.environ.get("SDL_VIDEODRIVER") != driver:
            pygame.display.quit()
            raise pygame.error("none is there")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of machines that scale without a graphics card
            surface = pygame.display.set_mode((size[1], size[0]), pygame.SCALED | pygame.RESIZABLE)
    except pygame.error as error:
        raise GameError(
            f"The game found no display to open its window on ({error}). Start it on a desktop, or under a virtual "
            "display: xvfb-run -a understudy play parkland"
        ) from None
    pygame.display.set_caption("Understudy: parkland")
    return surface
