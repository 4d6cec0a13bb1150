"""The oracle of being out of bounds, and the bounds themselves: given, or learned from good play."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import cv2
import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from understudy.errors import PlaytestError
from understudy.playtest.options import Part
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Moment, Position, Sighting
from understudy.recordings import open_recordings
from understudy.spec import BehaviorSpec

Inside: TypeAlias = Callable[[Position], bool]


class LearnSpec(Part):
    """Bounds learned from recordings of good play.

    Attributes:
        recordings: Their folder, beside the spec; they hold `position` among their extras.
        shape: `box`, or `polygon` for the convex hull seen from above.
        margin: By how much the bounds are wider than what was played, in the game's units.
    """

    recordings: str
    shape: Literal["box", "polygon"] = "polygon"
    margin: Annotated[float, Field(ge=0)] = 5.0


class OutOfBoundsSpec(OracleOptions):
    """The player is where nobody should be.

    Attributes:
        box: Its lowest and its highest corner, two or three numbers each.
        polygon: Corners seen from above, three or more.
        z: The lowest and the highest third number of a position.
        learn: Learns the bounds from recordings instead.
        seconds: Of game time that it must last.
    """

    kind: Literal["out_of_bounds"] = "out_of_bounds"
    box: tuple[Position, Position] | None = None
    polygon: tuple[tuple[float, float], ...] = ()
    z: tuple[float, float] | None = None
    learn: LearnSpec | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.5

    def anchored(self, folder: Path) -> OutOfBoundsSpec:
        """Return the same with the recordings taken from `folder`."""
        if self.learn is None:
            return self
        learn = self.learn.model_copy(update={"recordings": str(folder / self.learn.recordings)})
        return self.model_copy(update={"learn": learn})

    @model_validator(mode="after")
    def _has_bounds(self) -> OutOfBoundsSpec:
        if not (self.box or self.polygon or self.z or self.learn):
            raise PydanticCustomError("lacks", "has no bounds; give a 'box', a 'polygon', a 'z' range or 'learn'")
        if self.polygon and len(self.polygon) < 3:
            raise PydanticCustomError("lacks", "has a polygon of fewer than 3 corners")
        if self.box and not (2 <= len(self.box[0]) == len(self.box[1]) <= 3):
            raise PydanticCustomError("lacks", "has a box whose corners are not both 2 or both 3 numbers")
        return self


class OutOfBounds(Quiet):
    """The player is where nobody should be.

    All bounds that are given must hold. One trip outside is one sighting, placed where it began.

    Raises:
        PlaytestError: If bounds are to be learned and the recordings do not say where players were.
    """

    kind = "out_of_bounds"
    Options = OutOfBoundsSpec

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


def in_box(low: Position, high: Position) -> Inside:
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
