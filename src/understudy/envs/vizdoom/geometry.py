"""The level's lines as the engine knows them, and which of them stop a level look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class LevelGeometry:
    """The lines of one level, each once, with the sectors on its sides.

    Floors and ceilings move (doors, lifts), so `update` takes their heights from each new state of the engine.

    Attributes:
        lines: x1, y1, x2, y2 in map units, float64, shape (lines, 4).
        blocking: Whether the engine lets nobody walk through, bool, shape (lines,).
    """

    def __init__(self, sectors: Sequence[Any]) -> None:
        sides: dict[tuple[float, float, float, float], list[int]] = {}
        blocking: dict[tuple[float, float, float, float], bool] = {}
        for index, sector in enumerate(sectors):
            for line in sector.lines:
                key = (line.x1, line.y1, line.x2, line.y2)
                sides.setdefault(key, []).append(index)
                blocking[key] = line.is_blocking
        self.lines = np.array(list(sides), np.float64).reshape(-1, 4)
        self.blocking = np.array(list(blocking.values()), bool)
        # A line with the same sector on both sides is listed once too, but hardly ever stops anybody.
        self._one_sided = np.array([len(each) == 1 for each in sides.values()], bool) & self.blocking
        self._first = np.array([each[0] for each in sides.values()], np.int64)
        self._last = np.array([each[-1] for each in sides.values()], np.int64)
        self.update(sectors)

    def update(self, sectors: Sequence[Any]) -> None:
        """Take over the sectors' present floor and ceiling heights."""
        floors = np.array([each.floor_height for each in sectors], np.float64)
        ceilings = np.array([each.ceiling_height for each in sectors], np.float64)
        self._sill = np.maximum(floors[self._first], floors[self._last])
        self._lintel = np.minimum(ceilings[self._first], ceilings[self._last])

    def stops_sight(self, eye_height: float) -> np.ndarray:
        """Return which lines stop a level look from `eye_height` (map units), bool, shape (lines,).

        A one-sided line is a wall. A two-sided line stops the look if the eye is not between its sill and its lintel:
        a step above the eye, a window frame above or below it, a closed door. Gratings (textures in the middle of a
        two-sided line) do not stop it, unless the sector is the same on both sides of one that nobody walks through:
        the engine tells that from a wall as little as we do.
        """
        stops: np.ndarray = self._one_sided | (eye_height <= self._sill) | (eye_height >= self._lintel)
        return stops
