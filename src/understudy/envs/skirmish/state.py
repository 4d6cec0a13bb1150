"""How the state of a round, and what agents do in a decision, lie in memory: records that kernels work on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.errors import ObservationError

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
        ("bomb_recalled", "u1"),
        ("bomb_seen_at", "f8", (2,)),
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


def idle_actions(num_rounds: int) -> dict[str, np.ndarray]:
    """Return actions with which nobody does anything, shape (B, 4) each, to fill in."""
    shape = (num_rounds, NUM_AGENTS)
    return {
        **{name: np.zeros(shape, np.int64) for name in CHOICES},
        **{name: np.zeros(shape, np.float32) for name in NUMBERS},
    }


def pack_actions(actions: Mapping[str, np.ndarray], num_rounds: int) -> np.ndarray:
    """Check actions as `step` takes them, and return them as records of `ACTION`, shape (B, 4)."""
    packed = np.empty((num_rounds, NUM_AGENTS), ACTION)
    for name in (*CHOICES, *NUMBERS):
        if name not in actions or np.shape(actions[name]) != packed.shape:
            raise ObservationError(f"The actions need '{name}' with shape {packed.shape}, a row for each round.")
        values = np.asarray(actions[name])
        if name in CHOICES and values.dtype.kind not in "biu":
            raise ObservationError(f"The actions' '{name}' must be whole numbers, not {values.dtype}.")
        low, high = (0, CHOICES[name] - 1) if name in CHOICES else (-NUMBERS[name], NUMBERS[name])
        # Written so that NaN, too, is out of range.
        if not (values.min() >= low and values.max() <= high):
            raise ObservationError(f"The actions' '{name}' must lie between {low} and {high}.")
        packed[name] = values
    return packed
