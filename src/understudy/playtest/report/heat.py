"""How often players were where, as a picture: a small image of the cells, or the mesh's polygons by strength."""

from __future__ import annotations

import base64
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from understudy.playtest.coverage import Key
from understudy.playtest.coverage.navmesh import Navmesh

if TYPE_CHECKING:
    from understudy.playtest.report.maps import View

# Middle tones, which show on a light page and on a dark one; the page's inks are their relatives.
_INKS = ((66, 120, 225), (222, 118, 30), (36, 158, 104), (156, 84, 208), (206, 62, 140), (140, 140, 40))
_FAINT, _STRONG, _FLAT = 0.16, 0.82, 0.6
_LEVELS = 6
_MOST_PIXELS = 4_000_000


@dataclass(frozen=True)
class Paint:
    """A colour, red, green and blue up to 255, that grows stronger the more often something was met, or is `flat`."""

    colour: tuple[int, int, int]
    flat: bool = False

    def strength(self, heat: np.ndarray | float) -> np.ndarray | float:
        """Return how strong it is, from 0 to 1, where `heat` is from 0 to 1."""
        return _FLAT if self.flat else _FAINT + (_STRONG - _FAINT) * heat


MISSING = Paint((226, 76, 58), flat=True)
GAINED = Paint((36, 158, 104), flat=True)
KEPT = Paint((140, 146, 156), flat=True)


def ink(number: int) -> Paint:
    """Return the paint of the persona with this number."""
    return Paint(_INKS[number % len(_INKS)])


@dataclass(frozen=True)
class Heat:
    """Where players were.

    Attributes:
        url: A picture of the cells as a data URL; empty for polygons.
        box: Where it lies on the drawing: x, y, width and height.
        polygons: SVG paths with their fill and opacity.
    """

    url: str = ""
    box: tuple[float, float, float, float] = (0, 0, 0, 0)
    polygons: Sequence[tuple[str, str, float]] = ()


def heat_of_cells(
    counts: Mapping[Key, int],
    side: float,
    place: Callable[[float, float], tuple[float, float]],
    whole: View,
    paint: Paint,
) -> Heat | None:
    """Return the picture of cells, a pixel each; those above each other are added up.

    Args:
        counts: By cell, as (column, row) with perhaps a level.
        side: Of a cell, in the game's units.
        place: From the game's units to the drawing.
        whole: The drawing; cells outside it are left out.
        paint: Its colour.
    """
    cells = np.array([each[:2] for each in counts], np.int64)
    weights = np.fromiter(counts.values(), float, len(counts))
    corners = np.array([place(*each) for each in (cells * side + side / 2)])
    inside = (corners >= 0).all(1) & (corners <= (whole.width, whole.height)).all(1)
    cells, weights = cells[inside], weights[inside]
    if not len(cells):
        return None
    low, high = cells.min(0), cells.max(0)
    columns, rows = (high - low + 1).tolist()
    if columns * rows > _MOST_PIXELS:
        return None
    grid = np.zeros((rows, columns))
    np.add.at(grid, (high[1] - cells[:, 1], cells[:, 0] - low[0]), weights)
    x, y = place(low[0] * side, (high[1] + 1) * side)
    right, bottom = place((high[0] + 1) * side, low[1] * side)
    return Heat(_png(grid, paint), (x, y, right - x, bottom - y))


def heat_of_polygons(
    counts: Mapping[Key, int], mesh: Navmesh, line: Callable[[Sequence[Sequence[float]]], str], paint: Paint
) -> Heat:
    """Return the polygons in as many shades as the eye tells apart."""
    hottest = math.log1p(max(counts.values()))
    levels: dict[int, list[str]] = defaultdict(list)
    for key, count in counts.items():
        levels[math.ceil(_LEVELS * math.log1p(count) / hottest)].append(line(mesh.polygons[int(key[0])]) + "Z")
    shades = [float(paint.strength(level / _LEVELS)) for level in range(_LEVELS + 1)]
    return Heat(polygons=[(" ".join(d), f"rgb{paint.colour}", shades[level]) for level, d in sorted(levels.items())])


def _png(grid: np.ndarray, paint: Paint) -> str:
    # Players linger: on a linear scale everything but the start would be pale.
    heat = np.log1p(grid) / np.log1p(grid.max())
    picture = np.zeros((*grid.shape, 4), np.uint8)
    picture[..., :3] = paint.colour[::-1]
    picture[..., 3] = np.where(grid > 0, 255 * paint.strength(heat), 0)
    _, data = cv2.imencode(".png", picture)
    return f"data:image/png;base64,{base64.b64encode(bytes(data)).decode()}"
