"""Bridges: where a trail would lead through water, it gets a deck with rails."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.solids import SolidsBuilder
from understudy.envs.parkland.terrain import WATER_LEVEL

DECK_TOP = WATER_LEVEL + 0.5
WIDTH, THICK = 3.4, 0.3
"""Of a deck, metres."""
RAIL = 1.0
_LANDING = 2
"""How many points of the trail a deck reaches into the land at each end."""


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
    deep = ground < WATER_LEVEL - 0.1
    for k in np.flatnonzero(on_deck[:-1] & on_deck[1:]):
        start, end = points[k], points[k + 1]
        reach = (end - start) / np.hypot(*(end - start)) * 0.3
        _slab(boxes, start - reach, end + reach, 0.0)
        if deep[k] and deep[k + 1]:
            _slab(boxes, start - reach, end + reach, WIDTH / 2)
            _slab(boxes, start - reach, end + reach, -WIDTH / 2)


def _slab(boxes: SolidsBuilder, start: NDArray, end: NDArray, aside: float) -> None:
    """A piece of deck, or of the rail that runs `aside` of its middle, metres to the left."""
    left = np.asarray([start[1] - end[1], end[0] - start[0]]) / np.hypot(*(end - start)) * aside
    a, b = (tuple(float(each) for each in place + left) for place in (start, end))
    if aside:
        boxes.along(a, b, (DECK_TOP - THICK, DECK_TOP + RAIL), 0.1, "rail", "wood")  # type: ignore[arg-type]
    else:
        boxes.along(a, b, (DECK_TOP - THICK, DECK_TOP), WIDTH, "deck", "planks")  # type: ignore[arg-type]
