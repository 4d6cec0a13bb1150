"""The window onto a park: its screens and keys."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from understudy.envs.display import MOVING_KEYS, GameWindow
from understudy.envs.parkland.viewer.controls import Controls
from understudy.envs.parkland.viewer.game import Game
from understudy.errors import require

pygame: Any = require("pygame", "play")

KEYS = (
    "WASD walk, Shift runs, Ctrl or C crouches, Space jumps",
    "the mouse looks, E or a click opens doors and inspects things",
    "F12 saves a picture, Esc pauses; then Q ends the walk",
)
_WORDS = {**MOVING_KEYS, "left shift": "run", "right shift": "run", "space": "jump", "e": "interact"}
_WHITE, _DARK = (255, 255, 255), (20, 24, 28)


class Phase(Enum):
    """What the window shows."""

    START = auto()
    PLAY = auto()
    PAUSE = auto()


class Window(GameWindow):
    """Shows a park and takes a person's hands.

    Args:
        game: To play.
        about: Lines for the first screen.
        sensitivity: Of the mouse.

    Attributes:
        phase: What is shown now.

    Raises:
        GameError: If there is no display.
    """

    def __init__(self, game: Game, about: Sequence[str] = (), sensitivity: float = 1.0) -> None:
        super().__init__("parkland", (game.size[1], game.size[0]))
        self._game, self._about, self.phase = game, tuple(about), Phase.START
        self._controls, self._elapsed = Controls(sensitivity), 0.0
        self._step_s = 1 / game.env.behavior.decision_hz
        pygame.font.init()
        self._font = pygame.font.Font(None, 22)
        game.begin()
        self._controls.begin()

    def advance(self, passed_s: float) -> None:
        """Let so many seconds go by."""
        if self.phase is not Phase.PLAY:
            return
        self._elapsed += passed_s
        while self._elapsed >= self._step_s and self.phase is Phase.PLAY and not self.closed:
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

    def _take_key(self, key: str, *, down: bool) -> None:
        if self.phase is not Phase.PLAY:
            self._leave_screen(key, down=down)
        elif down and key == "escape":
            self._change(Phase.PAUSE)
        elif key in _WORDS:
            self._controls.take(_WORDS[key], down=down)

    def _take_button(self, button: int, *, down: bool) -> None:
        if self.phase is not Phase.PLAY:
            self._leave_screen("", down=down)
        elif button == 1:
            self._controls.take("interact", down=down)

    def _take_motion(self, right: float, down: float) -> None:
        if self.phase is Phase.PLAY:
            self._controls.move_mouse(right, down)

    def _lose_keyboard(self) -> None:
        if self.phase is Phase.PLAY:
            self._change(Phase.PAUSE)

    def _leave_screen(self, key: str, *, down: bool) -> None:
        if down and key == "q":
            self.closed = True
        elif down:
            self._change(Phase.PLAY)

    def _change(self, phase: Phase) -> None:
        """Show another screen; the mouse is held while one plays."""
        self.phase = phase
        self._controls.release_all()
        self._hold_mouse(phase is Phase.PLAY)

    def _write(self, lines: Sequence[str], top: int) -> None:
        for row, line in enumerate(lines):
            for colour, shift in ((_DARK, 1), (_WHITE, 0)):
                text = self._font.render(line, True, colour)
                left = (self.surface.get_width() - text.get_width()) // 2
                self.surface.blit(text, (left + shift, top + 26 * row + shift))
