"""How the state of a round, and what agents do in a decision, lie in memory: records that kernels work on."""

from __future__ import annotations

import numpy as np

NUM_AGENTS = 4
ROUND = np.dtype(
    [
        ("seed", "u8"),
        ("tick", "i8"),
        ("clock", "f8"),
        ("level", "i4"),
        ("position", "f8", (4, 2)),
        ("velocity", "f8", (4, 2)),
        ("heading", "f8", (4,)),
        ("pitch", "f8", (4,)),
        ("health", "f4", (4,)),
        ("reload_left", "f4", (4,)),
        ("fire_left", "f4", (4,)),
        ("recoil", "f4", (4,)),
        ("spread", "f4", (4,)),
        ("plant_left", "f4", (4,)),
        ("defuse_left", "f4", (4,)),
        ("stride", "f4", (4,)),
        ("hurt", "f4", (4,)),
        ("hurt_from", "f4", (4, 2)),
        ("wounds", "f4", (4, 4)),
        ("events", "u4", (4,)),
        ("magazine", "i2", (4,)),
        ("crouched", "u1", (4,)),
        ("alive", "u1", (4,)),
        ("present", "u1", (4,)),
        ("busy", "u1", (4,)),
        ("revealed", "u1", (4,)),
        ("visible", "u1", (4, 4)),
        ("weapon", "i1", (4,)),
        ("charges", "i1", (4,)),
        ("kills", "i1", (4,)),
        ("bomb_position", "f8", (2,)),
        ("bomb_left", "f4"),
        ("carrier", "i1"),
        ("planter", "i1"),
        ("bomb_state", "i1"),
        ("bomb_was", "i1"),
        ("bomb_known", "u1", (2,)),
        ("winner", "i1"),
        ("ending", "i1"),
        ("smokes", "f4", (4, 4)),
        ("devices", "f4", (4, 4)),
        ("sounds", "f4", (4, 4)),
        ("sound_position", "f8", (4, 4, 2)),
        ("known_position", "f8", (2, 2, 2)),
        ("known_clock", "f8", (2, 2)),
    ],
    align=True,
)
"""The whole state of a round; two rounds are the same if their bytes are."""
ACTION = np.dtype(
    [("turn", "f4"), ("pitch", "f4"), ("move", "i1"), ("gait", "i1"), ("fire", "i1"), ("act", "i1")], align=True
)
"""What one agent does in a decision."""
CHOICES = {"move": 9, "gait": 3, "fire": 2, "act": 4}
NUMBERS = {"turn": 60.0, "pitch": 30.0}
"""The action's parts: how many choices, and the largest number in degrees."""
