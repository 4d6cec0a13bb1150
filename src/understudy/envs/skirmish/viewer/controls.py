"""From keys and mouse to one action for each decision.

A shot leaves when a decision begins: a click after the view has turned is kept for the next one, which begins where the
player looked.
"""

from __future__ import annotations

import math

from understudy.envs.display import PlayerInput
from understudy.envs.skirmish.behavior import ACTS, GAITS, MAX_PITCH_DEGREES, MAX_TURN_DEGREES, MOVES
from understudy.envs.skirmish.viewer.bots import as_action
from understudy.spec import Action

_STEADY_DEGREES = 0.5
"""A click after less of a turn than this still belongs to the decision that it falls in."""


class Controls(PlayerInput):
    """What a player does; besides directions it knows the words walk, crouch, fire, use, ability and reload.

    Args:
        sensitivity: Of the mouse.
    """

    def __init__(self, sensitivity: float = 1.0) -> None:
        super().__init__(MAX_TURN_DEGREES, MAX_PITCH_DEGREES, sensitivity)
        self._fires = self._fires_next = False

    def press(self, word: str) -> None:
        """Take in that a key or button went down."""
        super().press(word)
        if word == "fire":
            steady = abs(self.turn) + abs(self.pitch) <= _STEADY_DEGREES
            self._fires, self._fires_next = self._fires or steady, self._fires_next or not steady

    def begin(self, pitch: float = 0.0, steepest: float = math.inf) -> None:
        """Begin a decision; see `PlayerInput.begin`."""
        super().begin(pitch, steepest)
        self._fires, self._fires_next = self._fires_next or "fire" in self._held, False

    def action(self) -> Action:
        """Return the decision as it is by now; at its end it is what is played and recorded."""
        return as_action(
            move=MOVES.index(self.move()),
            gait=GAITS.index(self.first_of("crouch", "walk", otherwise="run")),
            turn=self.turn,
            pitch=self.pitch,
            fire=int(self._fires),
            act=ACTS.index(self.first_of("use", "ability", "reload", otherwise="none")),
        )
