"""What a tester's plan consists of: ways to walk, and what to do at their ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import Layout, Point, elevation
from understudy.envs.parkland.science import cKDTree, ndimage
from understudy.envs.parkland.terrain import noise
from understudy.envs.parkland.walkable import WalkGrid

FAR = 6.0
"""What is at least this far from all trails is off them, metres."""
_WHIM = 45.0
_BUMP_S = 1.2


@dataclass(frozen=True)
class Deed:
    """Stand still, turn to `look_at`, and stay so for `seconds`; perhaps crouch, perhaps interact once."""

    look_at: Point
    seconds: float
    crouch: bool = False
    interact: bool = False


@dataclass(frozen=True, eq=False)
class Leg:
    """Walk along `points` (k, 3), for `seconds` at most, then do the deed if there is one.

    `gait` is what one does where there is room.
    """

    points: NDArray
    gait: str = "walk"
    deed: Deed | None = None
    seconds: float = math.inf


class Task:
    """What a plan is made from.

    Args:
        layout: The park.
        grid: Where one can walk in it.
        rng: The tester's whims.
        where: Tells where the tester is when the next leg is planned.
    """

    def __init__(self, layout: Layout, grid: WalkGrid, rng: np.random.Generator, where: Callable[[], Point]) -> None:
        self.layout, self.grid, self.rng, self.where = layout, grid, rng, where

    def way(self, place: Point, costs: NDArray | None = None) -> NDArray:
        """Return a way from here to a place, (k, 3), that winds as this tester likes, along trails where they lead on.

        Args:
            place: Where to go.
            costs: What a metre costs at each node (n,); by default less on trails.
        """
        weights = (self._ground_costs if costs is None else costs) * self._liking
        steps = self.grid.path(self.where(), place, weights)
        return _rounded(steps, self.grid.narrow[self.grid.nearest(steps)])

    def bump(self, place: Point) -> Leg:
        """Return the leg of who walks straight against what stands at a place, to see whether it gives way."""
        return Leg(np.asarray([self.where(), place]), "walk", seconds=_BUMP_S)

    def gait(self, running: float) -> str:
        """Run with this probability, else walk."""
        return "run" if self.rng.random() < running else "walk"

    @cached_property
    def from_trail(self) -> NDArray[np.float32]:
        """The distance of each node (n,) to the middle of the nearest trail, metres; inf beyond `FAR`."""
        trails = cKDTree(np.concatenate([each.points[:, :2] for each in self.layout.trails]))
        return np.asarray(trails.query(self.grid.places[:, :2], distance_upper_bound=FAR)[0], np.float32)

    @cached_property
    def is_wet(self) -> NDArray[np.bool_]:
        """Which nodes (n,) lie in a lake."""
        return np.asarray(self.grid.places[:, 2] < self.layout.water_level - 0.2)

    @cached_property
    def _ground_costs(self) -> NDArray[np.float32]:
        return np.where(self.from_trail < 2.0, 1.0, 1.7) * np.where(self.is_wet, 3.0, 1.0).astype(np.float32)

    @cached_property
    def _liking(self) -> NDArray[np.float32]:
        """How little this tester likes each node (n,), 1 to 2: what makes no two of them take the same way."""
        samples = 129
        field = np.abs(noise(self.rng, samples, self.layout.side, _WHIM))
        x, y, _ = self.grid.places.T
        return np.asarray(1.0 + elevation(field, self.layout.side / (samples - 1), x, y), np.float32)


def _rounded(steps: NDArray, narrow: NDArray) -> NDArray:
    """Round the corners of a way, but where something is near."""
    free = 1.0 - ndimage.maximum_filter1d(narrow.astype(np.float64), 7)
    share = ndimage.gaussian_filter1d(free, 1.0, mode="nearest")[:, None] * (free > 0)[:, None]
    share[[0, -1]] = 0.0
    return steps * (1 - share) + ndimage.gaussian_filter1d(steps, 3.0, axis=0, mode="nearest") * share


Plan = Iterator[Leg]


def nearest_first(places: NDArray, start: Point) -> list[int]:
    """Return an order of `places` (k, 3) in which each is the nearest to the one before; floors count as far apart."""
    scaled, here = places * (1.0, 1.0, 4.0), np.asarray(start) * (1.0, 1.0, 4.0)
    left, order = list(range(len(places))), []
    while left:
        order.append(left.pop(int(np.argmin(np.linalg.norm(scaled[left] - here, axis=1)))))
        here = scaled[order[-1]]
    return order
