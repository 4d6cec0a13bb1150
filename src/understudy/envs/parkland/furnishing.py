"""What is put into a park where it is free: fountains, statues, signs, benches, bins and lamps, trees and rocks.

Trees and rocks are thicker in some parts of the park than in others, and never close enough together to shut one in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import terrain
from understudy.envs.parkland.layout import PROP_SIZES, Prop, elevation
from understudy.envs.parkland.plan import Sight
from understudy.envs.parkland.routes import left_of
from understudy.envs.parkland.science import cKDTree
from understudy.envs.parkland.solids import TEXTURES, SolidsBuilder
from understudy.envs.parkland.trails import Way

Ground = Callable[[Any, Any], NDArray]
"""The elevation of the ground at x and y."""
INTERESTING = ("statue", "fountain", "sign", "painting", "table")
"""Kinds of props that a tester inspects."""
EVERY = {"golden": 22.0, "perimeter": 45.0, "spur": 34.0}
"""How often something stands beside a trail, metres."""
_LOOKS = {
    "bench": "wood", "statue": "marble", "fountain": "stone", "sign": "painted", "bin": "metal", "lamp": "metal"
}  # fmt: skip
_BESIDE = {
    "golden": (("bench", 3), ("lamp", 4), ("bin", 2), ("sign", 2), ("statue", 1)),
    "perimeter": (("bench", 2), ("sign", 2), ("statue", 1), ("bin", 1)),
    "spur": (("sign", 1), ("bench", 1), ("lamp", 1)),
}
"""What stands beside which trail, and how often against each other."""
_ASIDE = 1.3
"""From the edge of a trail to the middle of a prop, metres."""
TRAIL_GAP = 3.6
"""Metres from the middle of a trail to the nearest trunk."""
_SPACING = 9.0
_MOST = 12_000
_EDGE = 10.0


class Clearings:
    """Which places are free of trails, of water, and of what stands there already.

    Whatever is put into the park asks here first, and takes its place.

    Args:
        side: Of the park, metres.
        ground: Its elevation.
        trails: The points (k, 2) of all trails.
    """

    def __init__(self, side: float, ground: Ground, trails: NDArray) -> None:
        self.side, self.ground = side, ground
        self._trails = cKDTree(trails)
        self._circles: list[tuple[float, float, float]] = []

    def take(self, x: float, y: float, radius: float) -> None:
        """Keep a circle from being used again."""
        self._circles.append((x, y, radius))

    def from_trail(self, places: NDArray) -> NDArray:
        """Return the distance of each of `places` (k, 2) to the middle of the nearest trail, metres."""
        return np.asarray(self._trails.query(places)[0])

    def free(self, places: NDArray, from_trail: float, radius: float = 0.0) -> NDArray:
        """Return which of `places` (k, 2) are `from_trail` metres from trails and free for a circle of `radius`."""
        free = self.from_trail(places) >= from_trail
        if self._circles:
            taken = np.asarray(self._circles)
            tree, most = cKDTree(taken[:, :2]), float(taken[:, 2].max())
            for k in np.flatnonzero(free):
                near = tree.query_ball_point(places[k], most + radius)
                free[k] = all(np.hypot(*(taken[each, :2] - places[k])) >= taken[each, 2] + radius for each in near)
        return free

    def dry(self, places: NDArray, over: float = 0.5) -> NDArray:
        """Return which of `places` (k, 2) are more than so many metres over the water."""
        return np.asarray(self.ground(*places.T) > terrain.WATER_LEVEL + over)


class Furnisher:
    """Puts props into a park, each only where it is free.

    Args:
        clearings: What is free.
        props: The list of the whole park, which grows.
    """

    def __init__(self, clearings: Clearings, props: list[Prop]) -> None:
        self.clearings, self.props = clearings, props

    def put(self, kind: str, x: float, y: float, heading: float) -> None:
        """Put a prop on the ground."""
        z = float(self.clearings.ground(x, y))
        texture = TEXTURES.index(_LOOKS[kind])
        self.props.append(Prop(len(self.props), kind, x, y, z, heading % 360.0, kind in INTERESTING, texture))
        self.clearings.take(x, y, max(PROP_SIZES[kind][:2]) / 2 + 1.0)

    def furnish_sight(self, rng: np.random.Generator, sight: Sight) -> None:
        """Put what makes the sight: a fountain with benches around it, or a statue with its sign."""
        if sight.kind == "plaza":
            self.put("fountain", sight.x, sight.y, 0.0)
            for angle in (60.0, 120.0, 240.0, 300.0):
                self._around(sight, "bench", angle, 7.0)
        elif sight.kind == "monument":
            self.put("statue", sight.x, sight.y, float(rng.uniform(0, 360)))
            self._around(sight, "sign", 150.0, 2.6)
        elif sight.kind == "lake":
            self._around(sight, "statue", float(rng.uniform(0, 360)), 4.6)

    def line(self, rng: np.random.Generator, way: Way) -> None:
        """Put things beside a trail, on both sides by turns, where it is free."""
        name = way.name.split("-")[0]
        kinds, weights = zip(*_BESIDE[name], strict=True)
        shares = np.asarray(weights) / sum(weights)
        step = max(4, int(EVERY[name] / 2))
        for number, k in enumerate(range(step, len(way.points) - step, step)):
            aside = left_of(way.points, k) * (1.0 if number % 2 else -1.0)
            x, y = way.points[k] + aside * (way.width / 2 + _ASIDE)
            self._beside(str(rng.choice(kinds, p=shares)), float(x), float(y), np.degrees(np.arctan2(*-aside[::-1])))

    def _beside(self, kind: str, x: float, y: float, heading: float) -> None:
        if self.clearings.ground(x, y) > 0.6 and self.clearings.free(np.asarray([[x, y]]), 2.2, 1.2)[0]:
            self.put(kind, x, y, float(heading))

    def _around(self, sight: Sight, kind: str, angle: float, away: float) -> None:
        """Put a prop beside the middle of a sight that looks at the middle, unless a trail runs there."""
        x, y = sight.x + np.cos(np.radians(angle)) * away, sight.y + np.sin(np.radians(angle)) * away
        if self.clearings.from_trail(np.asarray([[x, y]]))[0] > 2.0:
            self.put(kind, float(x), float(y), angle + 180.0)


def plant_trees(rng: np.random.Generator, clearings: Clearings, samples: int) -> NDArray:
    """Return trunks, float32 (t, 5): x, y, z of the ground, radius, height.

    Args:
        rng: Random numbers.
        clearings: What is free.
        samples: Of their density along a side of the park.
    """
    side = clearings.side
    places = _scatter(rng, side, max(_SPACING, side / np.sqrt(_MOST * 3.0)))
    density = terrain.noise(rng, samples, side, 110.0)
    thick = np.clip(0.28 + 0.8 * elevation(density, side / (samples - 1), *places.T), 0.03, 0.85)
    places = places[rng.random(len(places)) < thick]
    places = places[clearings.free(places, TRAIL_GAP, 1.5) & clearings.dry(places)]
    radii, heights = rng.uniform(0.18, 0.4, len(places)), rng.uniform(5.0, 11.0, len(places))
    return np.column_stack([places, clearings.ground(*places.T), radii, heights]).astype(np.float32)


def scatter_rocks(rng: np.random.Generator, clearings: Clearings, boxes: SolidsBuilder) -> None:
    """Add rocks off the trails, each with its clearing."""
    low, high = _EDGE + 6, clearings.side - _EDGE - 6
    places = rng.uniform(low, high, (int(28 * (clearings.side / 500.0) ** 2), 2))
    for x, y in places[clearings.free(places, 6.0, 3.0) & clearings.dry(places)]:
        half = rng.uniform((0.5, 0.5, 0.6), (1.3, 1.3, 1.3))
        z = clearings.ground(x, y) + half[2] - 0.5
        boxes.box((x, y, z), tuple(half), "rock", "stone", float(rng.uniform(0, 360)))
        clearings.take(x, y, 3.0)


def _scatter(rng: np.random.Generator, side: float, spacing: float) -> NDArray:
    """Return places (k, 2), one in each square of `spacing`, at least two metres from each other."""
    squares = int((side - 2 * _EDGE) / spacing)
    rows, columns = np.divmod(np.arange(squares**2), squares)
    corners = np.stack([columns, rows], axis=1) * spacing + _EDGE
    return corners + rng.uniform(1.0, spacing - 1.0, corners.shape)
