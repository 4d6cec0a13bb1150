"""The body of a player and how fast it goes: what the physics moves, and what the walkable grid is made for."""

from __future__ import annotations

RADIUS = 0.3
"""Of the upright capsule, metres."""
STANDING, CROUCHING = 1.8, 1.1
"""Its height, metres."""
EYES = 0.15
"""How far the eyes are below the top of the head, metres."""
STEP = 0.35
"""The highest ledge that is walked up without a jump, metres."""
MAX_SLOPE = 45.0
"""The steepest ground that is walked up, degrees."""
JUMP = 0.6
"""How high a jump lifts the feet, metres."""
SPEEDS = {"walk": 2.5, "run": 6.0, "crouch": 1.2}
"""Metres per second on the level."""
WADING = 0.6
"""The share of the speed that is left in water deeper than a step."""
REACH = 2.5
"""How far from the eyes `interact` finds a prop or a door, metres, in the direction of the look."""
