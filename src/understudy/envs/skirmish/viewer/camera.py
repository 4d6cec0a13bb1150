"""The camera of the first-person view: where the eye is, and where a point in the level lands on the screen.

Looking up and down shifts the picture instead of tilting it (a view camera with a shifted lens), so that every column
of the screen stays one vertical plane, as the columns of the bots' ray grid are. The middle of the screen is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FIELD_OF_VIEW = 100.0
"""Degrees across, the same as the bots' ray grid."""
NEAR = 0.05
"""Metres in front of the eye before which nothing is drawn."""
_STEEPEST = 80.0


@dataclass(frozen=True)
class Camera:
    """An eye in the level and the screen it looks through.

    Attributes:
        x: Metres.
        y: Metres.
        z: Metres above the floor.
        heading: Degrees, counter-clockwise from +x.
        pitch: Degrees, positive up.
        width: Of the screen in pixels.
        height: Of the screen in pixels.
    """

    x: float
    y: float
    z: float
    heading: float
    pitch: float
    width: int
    height: int

    @property
    def focal(self) -> float:
        """Pixels that one metre across spans at a depth of one metre."""
        return self.width / 2 / math.tan(math.radians(FIELD_OF_VIEW / 2))

    @property
    def horizon(self) -> float:
        """The row of the screen, from its top, in which things at eye level lie; may be outside the screen."""
        pitch = max(-_STEEPEST, min(_STEEPEST, self.pitch))
        return self.height / 2 + self.focal * math.tan(math.radians(pitch))

    @property
    def forward(self) -> tuple[float, float]:
        """The unit vector of the heading."""
        return math.cos(math.radians(self.heading)), math.sin(math.radians(self.heading))

    def project(self, x: float, y: float, z: float) -> tuple[float, float, float] | None:
        """Return column, row and depth in metres of a point, or None if it lies behind the eye."""
        cos, sin = self.forward
        to_x, to_y = x - self.x, y - self.y
        depth = to_x * cos + to_y * sin
        if depth < NEAR:
            return None
        across = to_x * sin - to_y * cos
        scale = self.focal / depth
        return self.width / 2 + across * scale, self.horizon - (z - self.z) * scale, depth
