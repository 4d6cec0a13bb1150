"""What the things in the picture are, and how wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

KINDS = {
    **dict.fromkeys(("Monster",), "monster"),
    **dict.fromkeys(("Ammo", "Armor", "Artifact", "Health", "Key", "Power", "Powerup", "Weapon"), "item"),
    **dict.fromkeys(("Breakable", "Decoration", "Explosive", "Hazard", "LightSource", "Player", "Vegetation"), "other"),
}
"""The ray type of each of the engine's categories. Others, such as corpses, blood and the player, stop no ray."""
SMOKE = frozenset(("BulletPuff", "TeleportFog"))
"""Things of those categories that have no body."""

DEFAULT_RADIUS = 16.0
RADII = {
    "Arachnotron": 64.0,
    "Archvile": 20.0,
    "BaronOfHell": 24.0,
    "Cacodemon": 31.0,
    "ChaingunGuy": 20.0,
    "Cyberdemon": 40.0,
    "Demon": 30.0,
    "DoomImp": 20.0,
    "ExplosiveBarrel": 10.0,
    "Fatso": 48.0,
    "HellKnight": 24.0,
    "LostSoul": 16.0,
    "MarineChainsaw": 16.0,
    "PainElemental": 31.0,
    "Revenant": 20.0,
    "ShotgunGuy": 20.0,
    "Spectre": 30.0,
    "SpiderMastermind": 128.0,
    "WolfensteinSS": 20.0,
    "Zombieman": 20.0,
}
"""Collision radii in map units, as in the vanilla game's table of things; the engine does not tell them."""


def visible_discs(labels: Sequence[Any], types: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the things in the picture as discs: only what is drawn, so nothing behind a wall or outside the view.

    Args:
        labels: The labels of the engine's state: the things it has just drawn.
        types: The ray fan's types; things of other kinds are left out.

    Returns:
        x, y and radius in map units, float64, shape (discs, 3); and each disc's index in `types`, int64.
    """
    discs, indices = [], []
    for label in labels:
        kind = KINDS.get(label.object_category)
        if kind in types and label.object_name not in SMOKE:
            radius = RADII.get(label.object_name, DEFAULT_RADIUS)
            discs.append((label.object_position_x, label.object_position_y, radius))
            indices.append(types.index(kind))
    return np.array(discs, np.float64).reshape(-1, 3), np.array(indices, np.int64)
