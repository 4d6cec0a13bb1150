"""From keys and mouse to one action for each decision."""

from __future__ import annotations

import numpy as np

from understudy.envs.display import PlayerInput
from understudy.envs.parkland.behavior import GAITS, MAX_PITCH_DEGREES, MAX_TURN_DEGREES, MOVES
from understudy.spec import Action


class Controls(PlayerInput):
    """What a player does; besides directions it knows the words run, crouch, jump and interact.

    Args:
        sensitivity: Of the mouse.
    """

    def __init__(self, sensitivity: float = 1.0) -> None:
        super().__init__(MAX_TURN_DEGREES, MAX_PITCH_DEGREES, sensitivity)

    def action(self) -> Action:
        """Return the decision as it is by now; at its end it is what is played and recorded."""
        gait = self.first_of("crouch", "run", otherwise="walk")
        return {
            "move": np.array(MOVES.index(self.move()), np.int64),
            "gait": np.array(GAITS.index(gait), np.int64),
            "turn": np.array(self.turn, np.float32),
            "pitch": np.array(self.pitch, np.float32),
            "jump": np.array(self.is_down("jump"), np.int64),
            "interact": np.array(self.is_down("interact"), np.int64),
        }
