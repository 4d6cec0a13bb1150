"""Makes a park from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import fences, tasks, terrain
from understudy.envs.parkland.furnishing import Clearings, Furnisher, plant_trees, scatter_rocks
from understudy.envs.parkland.houses import PLINTH, House
from understudy.envs.parkland.layout import SURFACES, Building, Door, Layout, Prop, Trail, elevation
from understudy.envs.parkland.plan import Sight, choose_sights
from understudy.envs.parkland.science import cKDTree
from understudy.envs.parkland.solids import Solids, SolidsBuilder
from understudy.envs.parkland.trails import DECK_TOP, Way, build_bridges, lay_trails, over_water, profile
from understudy.errors import GameError

SMALLEST, LARGEST = 0.25, 8.6
"""Areas of parks, square kilometres."""

_APRON = 3.0
"""How far around a house the ground is level and paved, metres."""
_TAKEN = {"house": 11.0, "plaza": 4.0, "monument": 2.5, "lake": 2.0}


def generate(seed: int, area_km2: float = 0.25) -> Layout:
    """Return the park of a seed; the same arguments always give the same park.

    Args:
        seed: Not negative.
        area_km2: `SMALLEST` to `LARGEST`.

    Raises:
        GameError: If there is no such park.
    """
    if not SMALLEST <= area_km2 <= LARGEST:
        raise GameError(f"A park has {SMALLEST} to {LARGEST} km², not {area_km2}; give another area_km2.")
    if seed < 0:
        raise GameError(f"A park's seed is not negative, but {seed} was given.")
    return _Maker(seed, float(np.sqrt(area_km2) * 1000.0)).make()


class _Maker:
    """Makes one park, step by step; each step has random numbers of its own."""

    def __init__(self, seed: int, side: float) -> None:
        self.seed, self.side = seed, side
        self.n = terrain.resolution(side)
        self.boxes = SolidsBuilder()
        self.doors: list[Door] = []
        self.props: list[Prop] = []

    def make(self) -> Layout:
        sights = choose_sights(self._rng(0), self.side)
        rough = self._rough(sights)
        ways = lay_trails(self._rng(2), self.side, rough, sights)
        self.heights = self._shape(rough, sights, ways).astype(np.float32)
        trails = tuple(self._trail(way) for way in ways)
        buildings = self._build(sights)
        trunks = self._furnish(sights, ways)
        ends = tasks.lonely_places(trails)
        return Layout(
            self.seed,
            self.side,
            self.heights,
            self._surface(sights, ways),
            terrain.WATER_LEVEL,
            fences.boundary(self.side),
            trails,
            self._solids(ways),
            trunks,
            tuple(self.props),
            tuple(self.doors),
            buildings,
            tasks.set_quests(trails, buildings, ends),
            tasks.hang_bells(trails, buildings, ends),
            _start(trails[0]),
        )

    def _rng(self, step: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, step])

    def _ground(self, x: Any, y: Any) -> NDArray:
        return np.asarray(elevation(self.heights, self.side / (self.n - 1), x, y))

    def _rough(self, sights: list[Sight]) -> NDArray:
        heights = terrain.hills(self._rng(1), self.n, self.side)
        heights = terrain.dig(heights, self.side, [each.lake for each in sights if each.lake])
        return terrain.level(heights, self.side, _pads(sights))

    def _shape(self, heights: NDArray, sights: list[Sight], ways: list[Way]) -> NDArray:
        """The ground with the trails in it, and the places of the houses level again."""
        spacing = self.side / (self.n - 1)
        profiles = [profile(elevation(heights, spacing, *way.points.T), way) for way in ways]
        points = np.concatenate([np.column_stack([w.points, z]) for w, z in zip(ways, profiles, strict=True)])
        dry = points[points[:, 2] > DECK_TOP]
        x, y = terrain.grid(self.side, self.n)
        sloped = terrain.slope_along(heights, self.side, dry, 4.0)
        for lake in (each.lake for each in sights if each.lake):
            sloped = np.where(lake.inside(x, y) > -2.0, heights, sloped)
        return terrain.level(sloped, self.side, _pads(sights), blend=6.0)

    def _trail(self, way: Way) -> Trail:
        ground = self._ground(*way.points.T)
        z = np.where(over_water(ground), np.maximum(ground, DECK_TOP), ground)
        return Trail(way.name, np.column_stack([way.points, z]).astype(np.float32), way.width)

    def _build(self, sights: list[Sight]) -> tuple[Building, ...]:
        rng = self._rng(3)
        frames = [each.frame for each in sights if each.frame is not None]
        buildings = []
        for number, frame in enumerate(frames):
            low_x, low_y, high_x, high_y = frame.footprint
            z = float(self._ground((low_x + high_x) / 2, (low_y + high_y) / 2))
            walls = ("brick", "plaster", "stone")[number % 3]
            buildings.append(House(number, frame, z + PLINTH, self.boxes, self.doors, self.props, walls).build(rng))
        return tuple(buildings)

    def _furnish(self, sights: list[Sight], ways: list[Way]) -> NDArray:
        """Put in the props, gardens and rocks; return the trees."""
        clearings = Clearings(self.side, self._ground, np.concatenate([way.points for way in ways]))
        for sight in sights:
            clearings.take(sight.x, sight.y, _TAKEN[sight.kind])
        furnisher = Furnisher(clearings, self.props)
        for sight in sights:
            furnisher.furnish_sight(self._rng(4), sight)
        for x, y in fences.lay_gardens(self._rng(5), clearings, self.boxes):
            furnisher.put("statue", x, y, 0.0)
        for way in ways:
            furnisher.line(self._rng(6), way)
        scatter_rocks(self._rng(7), clearings, self.boxes)
        return plant_trees(self._rng(8), clearings, self.n)

    def _solids(self, ways: list[Way]) -> Solids:
        for way in ways:
            build_bridges(self.boxes, way.points, self._ground(*way.points.T))
        fences.fence_in(self.side, self._ground, self.boxes)
        return self.boxes.build()

    def _surface(self, sights: list[Sight], ways: list[Way]) -> NDArray[np.uint8]:
        squares = self.n - 1
        along = (np.arange(squares) + 0.5) * self.side / squares
        x, y = np.meshgrid(along, along)
        ground = self._ground(x, y)
        meadow = terrain.noise(self._rng(9), squares, self.side, 90.0) > 0.25
        surface = np.where(meadow, SURFACES.index("meadow"), SURFACES.index("grass"))
        surface[ground < terrain.WATER_LEVEL + 0.45] = SURFACES.index("sand")
        middles = np.stack([x.ravel(), y.ravel()], axis=1)
        for width in {way.width for way in ways}:
            points = np.concatenate([way.points for way in ways if way.width == width])
            near = cKDTree(points).query(middles, distance_upper_bound=width / 2 + 0.5)[0]
            surface[np.isfinite(near).reshape(surface.shape)] = SURFACES.index("trail")
        for sight in sights:
            surface[_paved(sight, x, y)] = SURFACES.index("paving")
        surface[ground < terrain.WATER_LEVEL - 0.05] = SURFACES.index("water")
        return surface.astype(np.uint8)


def _pads(sights: list[Sight]) -> list[terrain.Pad]:
    frames = [each.frame.footprint for each in sights if each.frame is not None]
    pads = [terrain.Pad((a - _APRON, b - _APRON, c + _APRON, d + _APRON)) for a, b, c, d in frames]
    return pads + [terrain.Pad((s.x - 6, s.y - 6, s.x + 6, s.y + 6)) for s in sights if s.kind == "plaza"]


def _paved(sight: Sight, x: NDArray, y: NDArray) -> NDArray:
    if sight.frame is not None:
        a, b, c, d = sight.frame.footprint
        return np.asarray((x > a - _APRON) & (x < c + _APRON) & (y > b - _APRON) & (y < d + _APRON))
    radius = {"plaza": 8.5, "monument": 4.0}.get(sight.kind, 0.0)
    return np.asarray(np.hypot(x - sight.x, y - sight.y) < radius)


def _start(golden: Trail) -> tuple[float, float, float, float]:
    """A dry point of the golden trail, looking along it."""
    high = np.flatnonzero(golden.points[:-1, 2] > DECK_TOP + 0.5)
    k = int(high[len(high) // 7])
    forward = golden.points[k + 1] - golden.points[k]
    x, y, z = (float(each) for each in golden.points[k])
    return x, y, z, float(np.degrees(np.arctan2(forward[1], forward[0])))
