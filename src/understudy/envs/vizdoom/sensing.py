"""The sensors a Doom player can have, read from the engine's state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from understudy.envs.doom.behavior import FRAME, RAYS
from understudy.envs.vizdoom.geometry import LevelGeometry
from understudy.envs.vizdoom.things import visible_discs
from understudy.errors import SpecError, suggest
from understudy.sensors import Pixels
from understudy.spec import SensorSpec

DEPTH = Pixels(source=(200, 320, 1), size=(100, 160), channels="grey")
"""The engine's depth buffer, halved; one level is about 7.3 map units and it saturates in the distance."""
WALL = RAYS.types.index("wall")

SENSORS = {
    "frame": FRAME.spec("frame"),
    "rays": RAYS.spec("rays"),
    # Nobody who plays sees the distance of each point as a number.
    "depth": replace(DEPTH.spec("depth"), units="depth steps", privileged=True),
}


def choose(names: tuple[str, ...]) -> tuple[SensorSpec, ...]:
    """Return the sensors called `names`, or raise `SpecError` with a suggestion."""
    for name in names:
        if name not in SENSORS:
            raise SpecError(f"Doom has no sensor '{name}'.{suggest(name, SENSORS)}")
    if not names or len(set(names)) != len(names):
        raise SpecError(f"Doom needs one or more sensors, each named once, not {list(names)}. Known: {list(SENSORS)}.")
    return tuple(SENSORS[name] for name in names)


class Senses:
    """Reads the chosen sensors from one state of the engine after another.

    Attributes:
        level: The level's lines; None until `reset`, and for players without rays.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.level: LevelGeometry | None = None

    def reset(self, state: Any) -> None:
        """Forget the last level and learn the lines of the one that `state` shows."""
        self.level = LevelGeometry(state.sectors) if "rays" in self.names else None

    def read(self, state: Any, eye: tuple[float, float, float], heading_deg: float) -> dict[str, np.ndarray]:
        """Return the observation: an array for each sensor.

        Args:
            state: The engine's state.
            eye: x, y and z of the player's eye in map units.
            heading_deg: Degrees counter-clockwise from +x.
        """
        readings = {}
        if "frame" in self.names:
            readings["frame"] = FRAME(state.screen_buffer)
        if "rays" in self.names:
            readings["rays"] = self._read_rays(state, eye, heading_deg)
        if "depth" in self.names:
            readings["depth"] = DEPTH(state.depth_buffer[..., None])
        return {name: readings[name] for name in self.names}

    def _read_rays(self, state: Any, eye: tuple[float, float, float], heading_deg: float) -> np.ndarray:
        if self.level is None:
            raise RuntimeError("Senses.reset comes before Senses.read.")
        self.level.update(state.sectors)
        walls = self.level.lines[self.level.stops_sight(eye[2])]
        discs, disc_types = visible_discs(state.labels, RAYS.types)
        wall_types = np.full(len(walls), WALL)
        return RAYS.on_lines(np.array(eye[:2]), heading_deg, walls, wall_types, discs, disc_types)
