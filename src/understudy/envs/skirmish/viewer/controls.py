"""From keys and mouse to one action for each decision.

The mouse turns the view at once; what it has turned since the decision began is `pending`, and is the decision's turn
when it ends. Keys are read when a decision begins, so that what is shown while it lasts is what will have been played;
a key that was only tapped counts once. A shot leaves when a decision begins: a click after the view has turned is kept
for the next one, which begins where the player looked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy.envs.skirmish.behavior import ACTS, GAITS, MAX_PITCH_DEGREES, MAX_TURN_DEGREES, MOVES
from understudy.envs.skirmish.viewer.bots import as_action
from understudy.spec import Action

DEGREES_A_PIXEL = 0.11
"""How far a pixel of the mouse turns the view, at a sensitivity of 1."""
_STEADY_DEGREES = 0.5
"""A click after less of a turn than this still belongs to the decision that it falls in."""
_MOVES = {
    (0, 0): "none",
    (1, 0): "forward",
    (1, 1): "forward_right",
    (0, 1): "right",
    (-1, 1): "back_right",
    (-1, 0): "back",
    (-1, -1): "back_left",
    (0, -1): "left",
    (1, -1): "forward_left",
}
WORDS = ("forward", "back", "left", "right", "walk", "crouch", "fire", "use", "ability", "reload")
"""What a key or button can stand for."""


@dataclass
class Controls:
    """What a player's hands do.

    Attributes:
        sensitivity: Of the mouse.
        held: The words whose keys are down.
        turn: Degrees the view has turned since the decision began, positive right.
        pitch: Degrees it has risen since.
        pitch_room: How far down (negative) and up the view may still go.
    """

    sensitivity: float = 1.0
    held: set[str] = field(default_factory=set)
    turn: float = 0.0
    pitch: float = 0.0
    pitch_room: tuple[float, float] = (-MAX_PITCH_DEGREES, MAX_PITCH_DEGREES)
    _tapped: set[str] = field(default_factory=set)
    _latched: set[str] = field(default_factory=set)
    _fires: bool = False
    _fires_next: bool = False

    def press(self, word: str) -> None:
        """Take in that a key or button went down; `word` is one of `WORDS`."""
        self.held.add(word)
        if word != "fire":
            self._tapped.add(word)
        elif abs(self.turn) + abs(self.pitch) <= _STEADY_DEGREES:
            self._fires = True
        else:
            self._fires_next = True

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
        low, high = max(-MAX_PITCH_DEGREES, self.pitch_room[0]), min(MAX_PITCH_DEGREES, self.pitch_room[1])
        self.turn = min(max(self.turn + step * right, -MAX_TURN_DEGREES), MAX_TURN_DEGREES)
        self.pitch = min(max(self.pitch - step * down, low), high)

    def begin(self, pitch: float, pitch_most: float) -> None:
        """Begin a decision: forget what has been turned and read the keys.

        Args:
            pitch: Where the agent looks now, in degrees, positive up.
            pitch_most: How far down and up it can look.
        """
        self.turn = self.pitch = 0.0
        self.pitch_room = (-pitch_most - pitch, pitch_most - pitch)
        self._latched = self.held | self._tapped
        self._fires = self._fires_next or "fire" in self.held
        self._fires_next = False
        self._tapped = set()

    def action(self) -> Action:
        """Return the decision as it is by now; at its end it is what is played and recorded."""
        return as_action(
            move=MOVES.index(self._move()),
            gait=GAITS.index(self._gait()),
            turn=self.turn,
            pitch=self.pitch,
            fire=int(self._fires),
            act=ACTS.index(self._act()),
        )

    def _move(self) -> str:
        down = self._latched
        return _MOVES[("forward" in down) - ("back" in down), ("right" in down) - ("left" in down)]

    def _gait(self) -> str:
        return next((word for word in ("crouch", "walk") if word in self._latched), "run")

    def _act(self) -> str:
        return next((word for word in ("use", "ability", "reload") if word in self._latched), "none")
