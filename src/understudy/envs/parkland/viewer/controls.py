"""From keys and mouse to one action for each decision.

The mouse turns the view at once; what it has turned since the decision began is the decision's turn when it ends. Keys
are read when a decision begins, so that what is shown while it lasts is what will have been played; a key that was only
tapped counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from understudy.envs.parkland.behavior import GAITS, MAX_PITCH_DEGREES, MAX_TURN_DEGREES, MOVES
from understudy.spec import Action

DEGREES_A_PIXEL = 0.11
"""How far a pixel of the mouse turns the view, at a sensitivity of 1."""
WORDS = ("forward", "back", "left", "right", "run", "crouch", "jump", "interact")
"""What a key or button can stand for."""


@dataclass
class Controls:
    """What a player's hands do.

    Attributes:
        sensitivity: Of the mouse.
        held: The words whose keys are down.
        turn: Degrees the view has turned since the decision began, positive right.
        pitch: Degrees it has risen since.
    """

    sensitivity: float = 1.0
    held: set[str] = field(default_factory=set)
    turn: float = 0.0
    pitch: float = 0.0
    _tapped: set[str] = field(default_factory=set)
    _latched: set[str] = field(default_factory=set)

    def press(self, word: str) -> None:
        """Take in that a key or button went down; `word` is one of `WORDS`."""
        self.held.add(word)
        self._tapped.add(word)

    def release(self, word: str) -> None:
        """Take in that it went up."""
        self.held.discard(word)

    def release_all(self) -> None:
        """Take in that the window has lost the keyboard."""
        self.held.clear()
        self._tapped.clear()

    def move_mouse(self, right: float, down: float) -> None:
        """Turn the view by so many pixels of the mouse, as far as a decision allows."""
        step = DEGREES_A_PIXEL * self.sensitivity
        self.turn = min(max(self.turn + step * right, -MAX_TURN_DEGREES), MAX_TURN_DEGREES)
        self.pitch = min(max(self.pitch - step * down, -MAX_PITCH_DEGREES), MAX_PITCH_DEGREES)

    def begin(self) -> None:
        """Begin a decision: forget what has been turned and read the keys."""
        self.turn = self.pitch = 0.0
        self._latched = self.held | self._tapped
        self._tapped = set()

    def action(self) -> Action:
        """Return the decision as it is by now; at its end it is what is played and recorded."""
        down = self._latched
        ahead, aside = ("forward" in down) - ("back" in down), ("right" in down) - ("left" in down)
        gait = next((word for word in ("crouch", "run") if word in down), "walk")
        choices = {"move": _move(ahead, aside), "gait": GAITS.index(gait)}
        taps = {word: int(word in down) for word in ("jump", "interact")}
        return {
            **{name: np.array(value, np.int64) for name, value in {**choices, **taps}.items()},
            "turn": np.array(self.turn, np.float32),
            "pitch": np.array(self.pitch, np.float32),
        }


def _move(ahead: int, aside: int) -> int:
    words = ("", "forward", "back")[ahead], ("", "right", "left")[aside]
    return MOVES.index("_".join(filter(None, words)) or "none")
