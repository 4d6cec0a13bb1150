"""Where a park's sights are: lakes, houses, plazas and monuments, spread out, and the round tour past them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.houses import ENTRANCE, Frame
from understudy.envs.parkland.terrain import Lake

MARGIN = 48.0
"""The least distance of a sight from the edge of the park, metres."""
_CANDIDATES = 40
_MEADOW = {"lake": 52.0, "house": 17.0, "plaza": 14.0, "monument": 8.0}
"""The radius that each kind of sight keeps for itself, metres."""


@dataclass(frozen=True)
class Sight:
    """A place to see. `toured` ones lie on the golden trail, the others at the end of a spur."""

    kind: str
    x: float
    y: float
    toured: bool = True
    lake: Lake | None = None
    frame: Frame | None = None


def choose_sights(rng: np.random.Generator, side: float) -> list[Sight]:
    """Return the sights of a park, spread out so that each has its clearing."""
    quarters = (side / 500.0) ** 2
    counts = {"lake": (0.6, 1, 5), "house": (3, 3, 26), "plaza": (2, 2, 12), "monument": (2, 2, 14)}
    sights: list[Sight] = []
    for kind, (each, least, most) in counts.items():
        for number in range(int(np.clip(round(each * quarters), least, most))):
            toured = kind == "lake" or kind == "plaza" or number % 3 != 2
            sights.append(_sight(rng, kind, toured, *_spread(rng, side, kind, sights)))
    return sights


def front(sight: Sight) -> tuple[float, float]:
    """Return the point (x, y) from which a sight is seen, on the trail that leads to it."""
    if sight.frame is not None:
        return sight.frame.place(ENTRANCE, -6.0)
    away = {"plaza": 5.0, "monument": 3.5}[sight.kind]
    return sight.x + away, sight.y


def tour(places: NDArray) -> NDArray:
    """Return the order in which a short round trip visits `places` (k, 2): nearest first, then 2-opt."""
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    order = [0]
    while len(order) < len(places):
        rest = np.setdiff1d(np.arange(len(places)), order)
        order.append(int(rest[np.argmin(apart[order[-1], rest])]))
    return _two_opt(np.asarray(order), apart)


def _two_opt(order: NDArray, apart: NDArray) -> NDArray:
    improved = True
    while improved:
        improved = False
        for i in range(1, len(order) - 1):
            for j in range(i + 1, len(order)):
                a, b, c, d = order[i - 1], order[i], order[j], order[(j + 1) % len(order)]
                if apart[a, c] + apart[b, d] < apart[a, b] + apart[c, d] - 1e-9:
                    order[i : j + 1] = order[i : j + 1][::-1]
                    improved = True
    return order


def _spread(rng: np.random.Generator, side: float, kind: str, sights: list[Sight]) -> tuple[float, float]:
    """Of a few random places the one that is farthest from the sights there are, less what they need."""
    margin = MARGIN + _MEADOW[kind]
    places = rng.uniform(margin, side - margin, (_CANDIDATES, 2))
    if not sights:
        return float(places[0, 0]), float(places[0, 1])
    there = np.asarray([(each.x, each.y) for each in sights])
    need = np.asarray([_MEADOW[each.kind] for each in sights])
    free = (np.hypot(*(places[:, None] - there[None]).transpose(2, 0, 1)) - need).min(axis=1)
    x, y = places[np.argmax(np.minimum(free, _MEADOW[kind] + 60.0))]
    return float(x), float(y)


def _sight(rng: np.random.Generator, kind: str, toured: bool, x: float, y: float) -> Sight:
    if kind == "lake":
        lobes = tuple((float(rng.uniform(0.02, 0.12)), float(rng.uniform(0, 2 * np.pi))) for _ in range(3))
        return Sight(kind, x, y, toured, lake=Lake(x, y, float(rng.uniform(30, 38)), lobes))
    if kind == "house":
        width, depth = float(rng.integers(11, 15)), float(rng.integers(11, 14))
        frame = Frame(float(int(x - width / 2)), float(int(y - depth / 2)), width, depth, int(rng.integers(4)))
        return Sight(kind, x, y, toured, frame=frame)
    return Sight(kind, x, y, toured)
