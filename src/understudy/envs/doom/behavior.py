"""Doom as people play it: what a player sees, can do, and how often a decision is made.

Shared by the ViZDoom environment and by the importer of people's demos, so that a bot trained on the one plays in the
other.
"""

from __future__ import annotations

import numpy as np
from gymnasium import spaces

from understudy.sensors import Pixels, RayFan
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

TIC_HZ = 35
TICS_PER_DECISION = 2
DECISION_HZ = TIC_HZ / TICS_PER_DECISION

FORWARD_UNITS = 50
"""Vanilla `forwardmove` of a running player, forward positive."""
SIDE_UNITS = 40
"""Vanilla `sidemove` of a running player, right positive."""
TURN_UNIT_DEGREES = 360 / 256
"""Degrees of one unit of a vanilla demo's turn byte, which is positive to the left."""
MAX_TURN_DEGREES = 90.0
NUM_WEAPONS = 7

FRAME = Pixels(source=(200, 320, 3), size=(100, 160))
"""The 320×200 picture with the status bar, as the vanilla engine draws it, halved."""
RAYS = RayFan.foveated(31, 90, power=1.5, reach=2048, types=("wall", "monster", "item", "other"))
"""Rays over the picture's field of view, closest together around the crosshair."""


def doom_actions() -> tuple[ActionSpec, ...]:
    """Return the parts of a Doom action.

    `turn` is the whole turn of a decision in degrees, positive to the right; over `TICS_PER_DECISION` tics it is spread
    evenly. `fire` and `use` hold their button for the decision; `weapon` selects a weapon slot.
    """
    weapons = tuple(str(slot) for slot in range(1, NUM_WEAPONS + 1))
    return (
        ActionSpec("move", spaces.Discrete(3), labels=("back", "none", "forward")),
        ActionSpec("strafe", spaces.Discrete(3), labels=("left", "none", "right")),
        ActionSpec(
            "turn",
            spaces.Box(-MAX_TURN_DEGREES, MAX_TURN_DEGREES, (1,), np.float32),
            units="degrees per decision",
            labels=("right",),
        ),
        ActionSpec("fire", spaces.Discrete(2), labels=("no", "yes")),
        ActionSpec("use", spaces.Discrete(2), labels=("no", "yes")),
        ActionSpec("weapon", spaces.Discrete(NUM_WEAPONS + 1), labels=("keep", *weapons)),
    )


def doom_behavior(*sensors: SensorSpec) -> BehaviorSpec:
    """Return the behaviour `"doom"` with these sensors, such as `FRAME.spec()`, and `doom_actions()`."""
    return BehaviorSpec("doom", sensors, doom_actions(), DECISION_HZ)
