"""A navigation mesh: convex or concave polygons on the ground, and which of them lies under a player."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from understudy.playtest.run.moment import Position

Corners: TypeAlias = "list[tuple[float, ...]]"


class Navmesh:
    """The polygons that a game says can be walked on.

    Args:
        polygons: Each an array of shape (corners, 2 or 3): x, y and, if there are floors, z, in the game's units.

    Attributes:
        polygons: As lists of corners.
        areas: On the plan, in square units.
        centres: Mean of the corners, shape (polygons, 3); z is 0 where there is none.
    """

    def __init__(self, polygons: Sequence[Sequence[Sequence[float]]]) -> None:
        self.polygons: list[Corners] = [[tuple(map(float, corner)) for corner in each] for each in polygons]
        self.areas = [_area(each) for each in self.polygons]
        self.centres = np.array([_centre(each) for each in self.polygons]).reshape(-1, 3)
        self._boxes = [_box(each) for each in self.polygons]
        self._side = _bin_side(self._boxes)
        self._bins = self._binned()
        self._last: int | None = None

    def locate(self, position: Position) -> int | None:
        """Return the number of the polygon under `position`, the nearest in height where several are; None if none."""
        if len(position) < 3 and self._last is not None and self._holds(self._last, position):
            return self._last
        x, y = math.floor(position[0] / self._side), math.floor(position[1] / self._side)
        under = [index for index in self._bins.get((x, y), ()) if self._holds(index, position)]
        height = position[2] if len(position) > 2 else 0.0
        self._last = min(under, key=lambda index: abs(self.centres[index, 2] - height), default=None)
        return self._last

    def _holds(self, index: int, position: Position) -> bool:
        left, bottom, right, top = self._boxes[index]
        x, y = position[0], position[1]
        return left <= x <= right and bottom <= y <= top and _inside(self.polygons[index], x, y)

    def _binned(self) -> dict[tuple[int, int], list[int]]:
        """The polygons whose box touches each square of a grid."""
        bins: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, box in enumerate(self._boxes):
            left, bottom, right, top = (math.floor(value / self._side) for value in box)
            for x in range(left, right + 1):
                for y in range(bottom, top + 1):
                    bins[x, y].append(index)
        return dict(bins)


def _inside(corners: Corners, x: float, y: float) -> bool:
    """Whether a ray to the right crosses the outline an odd number of times.

    Source: Shimrat 1962, "Algorithm 112: position of point relative to polygon".
    """
    inside = False
    x1, y1 = corners[-1][0], corners[-1][1]
    for corner in corners:
        x2, y2 = corner[0], corner[1]
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside


def _area(corners: Corners) -> float:
    plan = np.array([each[:2] for each in corners])
    turned = np.roll(plan, -1, axis=0)
    return float(abs((plan[:, 0] * turned[:, 1] - plan[:, 1] * turned[:, 0]).sum()) / 2)


def _centre(corners: Corners) -> list[float]:
    mean = np.mean(corners, axis=0)
    return [float(mean[0]), float(mean[1]), float(mean[2]) if len(mean) > 2 else 0.0]


def _box(corners: Corners) -> tuple[float, float, float, float]:
    xs, ys = [each[0] for each in corners], [each[1] for each in corners]
    return min(xs), min(ys), max(xs), max(ys)


def _bin_side(boxes: Sequence[tuple[float, float, float, float]]) -> float:
    sides = [max(right - left, top - bottom) for left, bottom, right, top in boxes]
    return float(np.median(sides)) or 1.0 if sides else 1.0
