"""The trails of a park: the golden loop past the sights, the perimeter, and spurs to what lies aside.

Where one would lead through water, it gets a deck with rails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland import terrain
from understudy.envs.parkland.houses import ENTRANCE
from understudy.envs.parkland.layout import elevation
from understudy.envs.parkland.plan import Sight, front, tour
from understudy.envs.parkland.routes import SQUARE, CostMap, resample, smooth
from understudy.envs.parkland.science import cKDTree, ndimage
from understudy.envs.parkland.solids import SolidsBuilder

GOLDEN, PERIMETER = "golden", "perimeter"
WIDTHS = {GOLDEN: 4.0, PERIMETER: 3.0, "spur": 2.4}
INSET = 20.0
"""How far the perimeter trail is from the edge of the park, metres."""
DECK_TOP = terrain.WATER_LEVEL + 0.5
"""Elevation of the decks."""
_WIDTH, _THICK, _RAIL = 3.4, 0.3, 1.0
"""Of a deck, and how high its rails are, metres."""
_LANDING = 2
"""How many points of the trail a deck reaches into the land at each end."""
_EVEN = 4.0
"""How even trails are made along their length, in points."""

_BLOCKED = 1000.0
_EDGE, _EDGE_COST = 30.0, 8.0
_SHORE = 7.0
_LEAST_BEND = np.radians(110)
"""How far apart, seen from a lake's island, its two bridges are at least."""


@dataclass(frozen=True)
class Way:
    """A trail as drawn on a map: points (k, 2)."""

    name: str
    points: NDArray

    @property
    def width(self) -> float:
        """Metres."""
        return WIDTHS[self.name.split("-")[0]]


def lay_trails(rng: np.random.Generator, side: float, heights: NDArray, sights: list[Sight]) -> list[Way]:
    """Return the ways of a park: golden first, then the perimeter, then spurs."""
    costs = CostMap(side, _costs(rng, side, heights, sights))
    golden = Way(GOLDEN, smooth(_golden(costs, [each for each in sights if each.toured]), loop=True))
    perimeter = Way(PERIMETER, _perimeter(rng, side))
    spurs = [
        *(_spur(costs, front(each), golden.points) for each in sights if not each.toured),
        *_links(costs, golden.points, perimeter.points),
        *(_spur(costs, place, golden.points) for place in _viewpoints(rng, side, sights, golden.points)),
        *(_doorstep(each) for each in sights if each.frame is not None),
    ]
    return [golden, perimeter, *(Way(f"spur-{number}", points) for number, points in enumerate(spurs))]


def profile(ground: NDArray, way: Way) -> NDArray:
    """Return the elevation (k,) of the `ground` along a way, made even; where it is low enough for a deck it stays."""
    loop = np.allclose(way.points[0], way.points[-1])
    even = ndimage.gaussian_filter1d(ground, _EVEN, mode="wrap" if loop else "nearest")
    return np.where(ground < DECK_TOP + 0.3, ground, np.maximum(even, DECK_TOP + 0.3))


def over_water(ground: NDArray) -> NDArray:
    """Return which points of a trail lie on a deck, given the elevation of the ground at each, (k,)."""
    low = ground < DECK_TOP - 0.02
    reached = low.copy()
    for shift in range(1, _LANDING + 1):
        reached[shift:] |= low[:-shift]
        reached[:-shift] |= low[shift:]
    return reached


def build_bridges(boxes: SolidsBuilder, points: NDArray, ground: NDArray) -> None:
    """Add the decks and rails that the trail `points` (k, 2) needs; `ground` (k,) is the elevation below them."""
    on_deck = over_water(ground)
    deep = ground < terrain.WATER_LEVEL - 0.1
    for k in np.flatnonzero(on_deck[:-1] & on_deck[1:]):
        start, end = points[k], points[k + 1]
        reach = (end - start) / np.hypot(*(end - start)) * 0.3
        _slab(boxes, start - reach, end + reach, 0.0)
        if deep[k] and deep[k + 1]:
            _slab(boxes, start - reach, end + reach, _WIDTH / 2)
            _slab(boxes, start - reach, end + reach, -_WIDTH / 2)


def _costs(rng: np.random.Generator, side: float, heights: NDArray, sights: list[Sight]) -> NDArray:
    squares = int(side / SQUARE)
    x, y = np.meshgrid(*[(np.arange(squares) + 0.5) * SQUARE] * 2)
    ground = elevation(heights, side / (len(heights) - 1), x, y)
    steep = np.hypot(*np.gradient(ground, SQUARE))
    costs = 1.0 + 60.0 * steep**2 + 1.2 * np.abs(terrain.noise(rng, squares, side, 60.0))
    edge = np.minimum(np.minimum(x, side - x), np.minimum(y, side - y))
    costs += np.where(edge < _EDGE, _EDGE_COST, 0.0)
    for sight in sights:
        costs[_in_the_way(sight, x, y)] = _BLOCKED
    return costs


def _in_the_way(sight: Sight, x: NDArray, y: NDArray) -> NDArray:
    if sight.lake is not None:
        return sight.lake.inside(x, y) > -4.0
    if sight.frame is not None:
        low_x, low_y, high_x, high_y = sight.frame.footprint
        return (x > low_x - 5) & (x < high_x + 5) & (y > low_y - 5) & (y < high_y + 5)
    return np.hypot(x - sight.x, y - sight.y) < (4.5 if sight.kind == "plaza" else 3.0)


def _golden(costs: CostMap, sights: list[Sight]) -> NDArray:
    """Return the points (k, 2) of the loop past `sights`; over a lake it goes straight, by its island."""
    order = [sights[k] for k in tour(np.asarray([(each.x, each.y) for each in sights]))]
    stops: list[tuple[float, float]] = []
    straight: set[int] = set()
    for before, sight, after in zip([order[-1], *order[:-1]], order, [*order[1:], order[0]], strict=True):
        if sight.lake is None:
            stops.append(front(sight))
            continue
        straight |= {len(stops), len(stops) + 1}
        stops += _crossing(sight, before, after)
    legs = []
    for k, (start, end) in enumerate(zip(stops, [*stops[1:], stops[0]], strict=True)):
        leg = np.asarray([start, end]) if k in straight else costs.route(start, end)
        legs.append(leg[:-1])
    return np.concatenate([*legs, legs[0][:1]])


def _crossing(sight: Sight, before: Sight, after: Sight) -> list[tuple[float, float]]:
    """The shore on the side of the sight before, the island, and the shore on the side of the one after."""
    assert sight.lake is not None
    here = np.arctan2(before.y - sight.y, before.x - sight.x)
    turn = (np.arctan2(after.y - sight.y, after.x - sight.x) - here + np.pi) % (2 * np.pi) - np.pi
    there = here + np.sign(turn or 1.0) * max(abs(turn), _LEAST_BEND)
    shores = []
    for angle in (here, there):
        away = float(sight.lake.reach(angle)) + _SHORE
        shores.append((float(sight.x + np.cos(angle) * away), float(sight.y + np.sin(angle) * away)))
    return [shores[0], (sight.x, sight.y), shores[1]]


def _perimeter(rng: np.random.Generator, side: float) -> NDArray:
    low, high = INSET, side - INSET
    square = resample(np.asarray([(low, low), (high, low), (high, high), (low, high), (low, low)], float), 9.0)
    inward = np.sign(side / 2 - square) * (np.abs(side / 2 - square) > side / 2 - INSET - 1)
    wave = rng.uniform(-4, 6, len(square))
    wave[-1] = wave[0]
    return smooth(smooth(square + inward * wave[:, None], loop=True), loop=True)


def _spur(costs: CostMap, start: tuple[float, float], trail: NDArray) -> NDArray:
    """Return a way from `start` to the nearest point of `trail`."""
    nearest = trail[np.argmin(np.hypot(*(trail - start).T))]
    return smooth(costs.route(start, (float(nearest[0]), float(nearest[1]))), loop=False)


def _links(costs: CostMap, golden: NDArray, perimeter: NDArray) -> list[NDArray]:
    """Return ways that join the perimeter to the golden trail, from its corners and its sides by turns."""
    number = int(np.clip(len(perimeter) // 400, 2, 8))
    starts = perimeter[(np.arange(number) + 0.5).astype(int) * len(perimeter) // number]
    return [_spur(costs, (float(x), float(y)), golden) for x, y in starts]


def _viewpoints(
    rng: np.random.Generator, side: float, sights: list[Sight], golden: NDArray
) -> list[tuple[float, float]]:
    """Return lonely places, where nothing is near."""
    number = int(np.clip(round(2 * (side / 500.0) ** 2), 2, 16))
    taken = [cKDTree(golden), cKDTree([(each.x, each.y) for each in sights])]
    chosen: list[tuple[float, float]] = []
    for _ in range(number):
        places = rng.uniform(55, side - 55, (60, 2))
        trees = [*taken, cKDTree(chosen)] if chosen else taken
        needs = (0.0, 35.0, 20.0)[: len(trees)]
        free = np.min([tree.query(places)[0] - need for tree, need in zip(trees, needs, strict=True)], axis=0)
        x, y = places[np.argmax(np.minimum(free, 60.0))]
        chosen.append((float(x), float(y)))
    return chosen


def _doorstep(sight: Sight) -> NDArray:
    assert sight.frame is not None
    return resample(np.asarray([front(sight), sight.frame.place(ENTRANCE, 0.0)]))


def _slab(boxes: SolidsBuilder, start: NDArray, end: NDArray, aside: float) -> None:
    """A piece of deck, or of the rail that runs `aside` of its middle, metres to the left."""
    left = np.asarray([start[1] - end[1], end[0] - start[0]]) / np.hypot(*(end - start)) * aside
    a, b = (tuple(float(each) for each in place + left) for place in (start, end))
    if aside:
        boxes.along(a, b, (DECK_TOP - _THICK, DECK_TOP + _RAIL), 0.1, "rail", "wood")  # type: ignore[arg-type]
    else:
        boxes.along(a, b, (DECK_TOP - _THICK, DECK_TOP), _WIDTH, "deck", "planks")  # type: ignore[arg-type]
