"""What is compared between people's and bots' play in Doom."""

from __future__ import annotations

from understudy.evaluation.likeness import Measure

# Degrees per decision: a nudge, a small, a usual and a fast turn, to either side, and none.
TURN_EDGES = (-19.7, -9.8, -4.9, -0.7, 0.7, 4.9, 9.8, 19.7)
TURN_SIDES = (-0.7, 0.7)

MEASURES = {
    "turn": [Measure("turn", ("turn",), TURN_EDGES)],
    "move": [Measure("move and strafe", ("move", "strafe"))],
    "fire": [Measure("fire", ("fire",))],
    "hold": [
        Measure("move held", ("move",), holds=True),
        Measure("strafe held", ("strafe",), holds=True),
        Measure("turn held", ("turn",), TURN_SIDES, holds=True),
        Measure("fire held", ("fire",), holds=True),
    ],
}
