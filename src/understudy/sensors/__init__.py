"""What an agent perceives: pure functions from game geometry or frames to named arrays."""

from __future__ import annotations

from understudy.sensors.pixels import PixelReader, Pixels, area_weights
from understudy.sensors.rays import RayFan

__all__ = ["PixelReader", "Pixels", "RayFan", "area_weights"]
