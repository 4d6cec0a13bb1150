"""The boundary of the park, and gardens within it whose fences have a gap."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.furnishing import Clearings, Ground
from understudy.envs.parkland.routes import resample
from understudy.envs.parkland.solids import SolidsBuilder

INSET = 6.0
"""Metres from the edge of the ground to the boundary."""
BOUNDARY, FENCE = 2.4, 1.1
"""Heights, metres: nobody jumps over either."""
GAP = 3.0
"""The width of the way into a garden, metres."""
_PANEL = 10.0
_GARDEN = (11.0, 8.0)
"""Half the length and half the width of a garden, metres."""


def boundary(side: float) -> tuple[float, float, float, float]:
    """Return x low, y low, x high, y high of the boundary."""
    return INSET, INSET, side - INSET, side - INSET


def fence_in(side: float, ground: Ground, boxes: SolidsBuilder) -> None:
    """Add the boundary, panel by panel."""
    low, high = INSET, side - INSET
    corners = ((low, low), (high, low), (high, high), (low, high), (low, low))
    for start, end in itertools.pairwise(corners):
        _run(boxes, ground, np.asarray([start, end]), ("boundary", "metal"), BOUNDARY, 0.3)


def lay_gardens(rng: np.random.Generator, clearings: Clearings, boxes: SolidsBuilder) -> list[tuple[float, float]]:
    """Add fenced gardens where there is room for them, and return their middles."""
    side = clearings.side
    wanted = int(np.clip(round(2 * (side / 500.0) ** 2), 2, 14))
    radius = float(np.hypot(*_GARDEN)) + 2.0
    places = rng.uniform(radius + 16, side - radius - 16, (60 * wanted, 2))
    free = clearings.free(places, radius, radius) & clearings.dry(places, 1.5)
    middles: list[tuple[float, float]] = []
    for x, y in places[free]:
        if len(middles) < wanted and all(np.hypot(x - a, y - b) > 3 * radius for a, b in middles):
            _garden(rng, clearings.ground, boxes, (float(x), float(y)))
            middles.append((float(x), float(y)))
    for x, y in middles:
        clearings.take(x, y, radius)
    return middles


def _garden(rng: np.random.Generator, ground: Ground, boxes: SolidsBuilder, middle: tuple[float, float]) -> None:
    """A rectangle of fences, turned at random; the fence begins and ends at the gap."""
    length, width = _GARDEN
    turn = rng.uniform(0, 2 * np.pi)
    local = [
        (GAP / 2, -width),
        (length, -width),
        (length, width),
        (-length, width),
        (-length, -width),
        (-GAP / 2, -width),
    ]
    rotation = np.asarray([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.asarray(local) @ rotation.T + middle
    for start, end in itertools.pairwise(corners):
        _run(boxes, ground, np.asarray([start, end]), ("fence", "wood"), FENCE, 0.12, 3.0)


def _run(
    boxes: SolidsBuilder,
    ground: Ground,
    ends: NDArray,
    look: tuple[str, str],
    height: float,
    thickness: float,
    panel: float = _PANEL,
) -> None:
    """Panels in a row; each reaches from below the lowest to `height` over the highest ground along it."""
    posts = resample(ends, panel)
    for start, end in itertools.pairwise(posts):
        along = ground(*resample(np.asarray([start, end]), 0.5).T)
        span = (float(along.min()) - 0.6, float(along.max()) + height)
        boxes.along(tuple(start), tuple(end), span, thickness, *look)
