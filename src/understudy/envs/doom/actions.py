"""A demo's commands as decisions, and back.

A decision spans `TICS_PER_DECISION` tics. What people press is held for many tics, so direction is read from the first
of them; a turn adds up; a button counts if it was down in any. The exact bytes stay in the recording beside the
decision, so the demo can be rebuilt whole.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from understudy.envs.doom.behavior import (
    FORWARD_UNITS,
    MAX_TURN_DEGREES,
    NUM_WEAPONS,
    SIDE_UNITS,
    TICS_PER_DECISION,
    TURN_UNIT_DEGREES,
)
from understudy.envs.doom.lmp import BUTTONS, FORWARD, SIDE, TURN, Demo
from understudy.errors import RecordingError
from understudy.recordings import Episode

FIRE_BIT, USE_BIT, CHANGE_BIT, SPECIAL_BIT = 1, 2, 4, 128
WEAPON_SHIFT, WEAPON_MASK = 3, 7
FORWARD_THRESHOLD = FORWARD_UNITS // 2
"""At least the forward move of a walking player: 25 of a runner's 50."""
SIDE_THRESHOLD = SIDE_UNITS // 2


def decisions_from_tics(tics: np.ndarray) -> dict[str, np.ndarray]:
    """Return the action part columns of one player's commands.

    Args:
        tics: One player's commands, uint8, shape (tics, 4).

    Returns:
        One array per part of `doom_actions`, in its dtype, of length ceil(tics / 2): `move`, `strafe`, `fire`, `use`
        and `weapon` int64 of shape (decisions,), `turn` float32 of shape (decisions, 1) in degrees, positive to the
        right, clipped to ±90. A single last tic is a decision of its own.
    """
    pairs = pair_tics(tics)
    signed = pairs[..., :BUTTONS].view(np.int8).astype(np.int64)
    # A special command is a pause or a saved game; its other bits are no buttons.
    buttons = np.where(pairs[..., BUTTONS] & SPECIAL_BIT, 0, pairs[..., BUTTONS]).astype(np.int64)
    turn = -signed[..., TURN].sum(axis=1, keepdims=True) * TURN_UNIT_DEGREES
    return {
        "move": _direction(signed[:, 0, FORWARD], FORWARD_THRESHOLD),
        "strafe": _direction(signed[:, 0, SIDE], SIDE_THRESHOLD),
        "turn": np.clip(turn, -MAX_TURN_DEGREES, MAX_TURN_DEGREES).astype(np.float32),
        "fire": ((buttons & FIRE_BIT) != 0).any(axis=1).astype(np.int64),
        "use": ((buttons & USE_BIT) != 0).any(axis=1).astype(np.int64),
        "weapon": _weapon(buttons),
    }


def pair_tics(tics: np.ndarray) -> np.ndarray:
    """Return `tics`, shape (tics, ...), as (decisions, 2, ...); zeros fill the second row of a single last tic."""
    missing = -len(tics) % TICS_PER_DECISION
    blank = np.zeros((missing, *tics.shape[1:]), tics.dtype)
    return np.concatenate([tics, blank]).reshape(-1, TICS_PER_DECISION, *tics.shape[1:])


def demo_from_recording(episode: Episode) -> bytes:
    """Rebuild the demo that a recording was imported from, byte for byte.

    Of an incomplete recording it holds the tics that are there.

    Raises:
        RecordingError: If the recording was not imported from a demo.
    """
    header, footer, num_tics = _origin(episode.name, episode.provenance.notes)
    viewer = episode.extra("ticcmd").astype(np.uint8).reshape(-1, 4)[:num_tics]
    tics = viewer[:, None]
    demo = Demo(header, tics, footer, episode.name)
    if demo.num_players > 1:
        others = episode.extra("others").astype(np.uint8)
        others = others.reshape(-1, demo.num_players - 1, 4)[:num_tics]
        at = demo.player_numbers.index(demo.viewer)
        tics = np.insert(others, at, viewer, axis=1)
    return Demo(header, tics, footer, episode.name).to_bytes()


def _origin(name: str, notes: Mapping[str, object]) -> tuple[bytes, bytes, int]:
    header, footer, num_tics = (notes.get(key) for key in ("header", "footer", "tics"))
    if not (isinstance(header, str) and isinstance(footer, str) and isinstance(num_tics, int)):
        raise RecordingError(f"The recording '{name}' keeps no demo header, so it was not imported from a Doom demo.")
    return bytes.fromhex(header), bytes.fromhex(footer), num_tics


def _direction(values: np.ndarray, threshold: int) -> np.ndarray:
    """0 where a value is at most -threshold, 2 where it is at least the threshold, else 1."""
    return 1 + (values >= threshold).astype(np.int64) - (values <= -threshold).astype(np.int64)


def _weapon(buttons: np.ndarray) -> np.ndarray:
    """Return the slot of the first weapon change in each decision, or 0; a chainsaw (7) shares the fist's slot 1."""
    changes = (buttons & CHANGE_BIT) != 0
    first = changes.argmax(axis=1)
    slots = (buttons >> WEAPON_SHIFT & WEAPON_MASK) % NUM_WEAPONS + 1
    return np.where(changes.any(axis=1), np.take_along_axis(slots, first[:, None], axis=1)[:, 0], 0)
