"""The oracle of being out of bounds, and the bounds themselves: given, or learned from good play."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np

from understudy.errors import PlaytestError
from understudy.playtest.oracles.options import LearnSpec, OutOfBoundsSpec, Point
from understudy.playtest.oracles.oracle import Quiet
from understudy.playtest.run.moment import Moment, Position, Sighting
from understudy.recordings import open_recordings
from understudy.spec import BehaviorSpec

Inside: TypeAlias = Callable[[Position], bool]


class OutOfBounds(Quiet):
    """The player is where nobody should be.

    All bounds that are given must hold. One trip outside is one sighting, placed where it began.

    Raises:
        PlaytestError: If bounds are to be learned and the recordings do not say where players were.
    """

    kind = "out_of_bounds"

    def __init__(self, options: OutOfBoundsSpec) -> None:
        self.options = options
        self._bounds = bounds_of(options)
        self.reset(None)

    def reset(self, behavior: BehaviorSpec | None) -> None:
        """Start inside."""
        hz = behavior.decision_hz if behavior else 1.0
        self._patience = math.ceil(self.options.seconds * hz)
        self._outside = 0
        self._exit: Position | None = None

    def observe(self, moment: Moment) -> Sighting | None:
        """Report the moment the player has been outside long enough."""
        if moment.position is None:
            return None
        if all(inside(moment.position) for inside in self._bounds):
            self._outside = 0
            return None
        self._outside += 1
        self._exit = moment.position if self._outside == 1 else self._exit
        if self._outside != self._patience + 1:
            return None
        where = ", ".join(f"{value:.1f}" for value in moment.position)
        return Sighting(self.kind, f"The player is out of bounds, at ({where}).", moment.tick, self._exit)


def bounds_of(options: OutOfBoundsSpec) -> list[Inside]:
    """Return what must hold of every position."""
    bounds = [in_box(*options.box)] if options.box else []
    bounds += [in_polygon(options.polygon)] if options.polygon else []
    bounds += [in_range(*options.z)] if options.z else []
    return bounds + ([learned(options.learn)] if options.learn else [])


def in_box(low: Point, high: Point) -> Inside:
    """Return whether a position lies in a box; numbers that the corners lack are free."""
    return lambda at: all(a <= b <= c for a, b, c in zip(low, at, high, strict=False))


def in_range(low: float, high: float) -> Inside:
    """Return whether a position's third number lies between two; true of a position that has none."""
    return lambda at: len(at) < 3 or low <= at[2] <= high


def in_polygon(corners: Sequence[tuple[float, float]], margin: float = 0.0) -> Inside:
    """Return whether a position lies, seen from above, in a polygon or within `margin` of it."""
    contour = np.asarray(corners, np.float32).reshape(-1, 1, 2)
    return lambda at: cv2.pointPolygonTest(contour, (float(at[0]), float(at[1])), True) >= -margin


def learned(options: LearnSpec) -> Inside:
    """Return bounds around where the players of some recordings were.

    Raises:
        PlaytestError: If there are no recordings, or they do not say where players were.
    """
    points = [
        each.extra("position")
        for each in open_recordings(options.recordings)
        if "position" in each.layout.extras and each.num_steps
    ]
    if not points:
        raise PlaytestError(
            f"No bounds can be learned from {options.recordings}: no recording there has 'position' among its extras."
        )
    spots = np.concatenate(points)
    if options.shape == "box":
        return in_box(tuple(spots.min(0) - options.margin), tuple(spots.max(0) + options.margin))
    hull = cv2.convexHull(spots[:, :2].astype(np.float32))[:, 0]
    return in_polygon([(float(x), float(y)) for x, y in hull], options.margin)
