"""The body of a player: its size and speeds, which the walkable grid is made for too, and its state in the physics."""

from __future__ import annotations

from typing import NamedTuple

from understudy.envs.parkland.layout import Point

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


class Walker(NamedTuple):
    """The state of a player's body; all of it.

    Attributes:
        x: Of the feet, metres; so are `y` and `z`.
        velocity: Metres per second.
        grounded: Whether it stands on something.
        crouched: Whether it is as low as `CROUCHING`.
        abyss: Whether it fell where there is no bedrock.
    """

    x: float
    y: float
    z: float
    velocity: Point = (0.0, 0.0, 0.0)
    grounded: bool = True
    crouched: bool = False
    abyss: bool = False

    @property
    def feet(self) -> Point:
        """Where it stands."""
        return self.x, self.y, self.z

    @property
    def height(self) -> float:
        """Of the body, metres."""
        return CROUCHING if self.crouched else STANDING

    @property
    def eyes(self) -> Point:
        """Where the camera is."""
        return self.x, self.y, self.z + self.height - EYES


class Wish(NamedTuple):
    """What a player wants in one step: the velocity on the level in metres per second, to crouch, to jump."""

    velocity: tuple[float, float] = (0.0, 0.0)
    crouch: bool = False
    jump: bool = False


class Pit(NamedTuple):
    """A disc without ground: x, y, radius in metres, the height around which it lies, and whether it has no bottom."""

    x: float
    y: float
    z: float
    radius: float
    bottomless: bool

    def holds(self, x: float, y: float, z: float) -> bool:
        """Whether this place is in the disc, or under it."""
        return z < self.z + 1.5 and (x - self.x) ** 2 + (y - self.y) ** 2 < self.radius**2
