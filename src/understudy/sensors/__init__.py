"""What an agent perceives: pure functions from game geometry or frames to named arrays."""

from __future__ import annotations

from understudy.sensors.audio import SOUNDS, Audio
from understudy.sensors.pixels import PixelReader, Pixels, area_weights
from understudy.sensors.raygrid import RAY_TYPES, RayGrid
from understudy.sensors.rays import RayFan

__all__ = ["RAY_TYPES", "SOUNDS", "Audio", "PixelReader", "Pixels", "RayFan", "RayGrid", "area_weights"]
