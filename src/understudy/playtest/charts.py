"""The geometry of the report's two drawings: the map and the coverage curves. The templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from understudy.playtest.coverage import joined
from understudy.playtest.moment import Position
from understudy.playtest.runner import Results

_MOST_POINTS = 600
_MAP_WIDTH, _MAP_HEIGHT = 540, 540
_MARGIN = 14.0
PLOT_WIDTH, PLOT_HEIGHT = 980, 260
_TICKS = 5
# Players who saw less than this share of the level's length get a closer map too.
_SMALL_SHARE = 0.6


@dataclass(frozen=True)
class Square:
    """A visited cell on the map: its corner and side in pixels, and its heat from 0 to 1."""

    x: float
    y: float
    side: float
    heat: float


@dataclass(frozen=True)
class Mark:
    """A finding on the map."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class Map:
    """The level from above, in pixels, north up.

    Attributes:
        width: Of the drawing.
        height: Of the drawing.
        walls: The level's solid lines as one SVG path.
        steps: Its other lines, which players can cross.
        squares: The visited cells.
        paths: By persona, the SVG path of all its runs.
        marks: The findings that have a place.
    """

    width: float
    height: float
    walls: str
    steps: str
    squares: list[Square]
    paths: list[tuple[str, str]]
    marks: list[Mark]


@dataclass(frozen=True)
class Tick:
    """A line of the grid: where, in pixels, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Curves:
    """Cells visited against decisions made, one SVG path by persona, with the lines of the grid."""

    lines: list[tuple[str, str]]
    across: list[Tick]
    up: list[Tick]


@dataclass(frozen=True)
class _Extent:
    """A part of the level, in the game's units."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def size(self) -> tuple[float, float]:
        return max(self.right - self.left, 1e-6), max(self.top - self.bottom, 1e-6)


@dataclass(frozen=True)
class _Frame:
    """From the game's units to pixels."""

    left: float
    top: float
    scale: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) * self.scale + _MARGIN, (self.top - y) * self.scale + _MARGIN


def draw_maps(results: Results) -> list[Map]:
    """Return the map of the whole level and, if players saw only a small part of it, one of that part.

    Empty if the game reports no positions.
    """
    walked = [position[:2] for trace in results.traces for position in trace.path]
    if not walked:
        return []
    lines = next((trace.lines for trace in results.traces if trace.lines), [])
    corners = [(x, y) for x1, y1, x2, y2, _ in lines for x, y in ((x1, y1), (x2, y2))]
    pad = results.spec.coverage.cell
    seen, whole = _extent(walked, pad), _extent([*walked, *corners], 0.0 if corners else pad)
    views = [whole] if max(seen.size) > _SMALL_SHARE * max(whole.size) else [whole, seen]
    return [_draw_map(results, lines, view) for view in views]


def _draw_map(results: Results, lines: Sequence[Sequence[float]], view: _Extent) -> Map:
    width, height = view.size
    scale = min((_MAP_WIDTH - 2 * _MARGIN) / width, (_MAP_HEIGHT - 2 * _MARGIN) / height)
    frame = _Frame(view.left, view.top, scale)
    return Map(
        width * scale + 2 * _MARGIN,
        height * scale + 2 * _MARGIN,
        _plan([line for line in lines if line[4]], frame),
        _plan([line for line in lines if not line[4]], frame),
        _squares(results, frame),
        [(each.name, _walks([t.path for t in results.of(each)], frame)) for each in results.spec.personas],
        [Mark(*frame.place(*each.position[:2]), each.id) for each in results.findings if each.position],
    )


def _extent(points: Sequence[Position], pad: float) -> _Extent:
    xs, ys = [each[0] for each in points], [each[1] for each in points]
    return _Extent(min(xs) - pad, max(ys) + pad, max(xs) + pad, min(ys) - pad)


def _plan(lines: Sequence[Sequence[float]], frame: _Frame) -> str:
    return " ".join(_line([frame.place(x1, y1), frame.place(x2, y2)]) for x1, y1, x2, y2, _ in lines)


def _squares(results: Results, frame: _Frame) -> list[Square]:
    cell = results.spec.coverage.cell
    visits = joined([each.coverage for each in results.traces], cell).visits
    # Players linger: on a linear scale everything but the start would be pale.
    hottest = math.log1p(max(visits.values(), default=1))
    return [
        Square(*frame.place(column * cell, (row + 1) * cell), cell * frame.scale, math.log1p(count) / hottest)
        for (column, row), count in sorted(visits.items())
    ]


def _walks(walks: Sequence[Sequence[Position]], frame: _Frame) -> str:
    thinned = [[*walk[:: max(1, len(walk) // _MOST_POINTS)], walk[-1]] for walk in walks if walk]
    return " ".join(_line([frame.place(*each[:2]) for each in walk]) for walk in thinned)


def draw_curves(results: Results) -> Curves | None:
    """Return the coverage curves of a playtest; None if the game reports no positions."""
    cell = results.spec.coverage.cell
    curves = [(each.name, joined([t.coverage for t in results.of(each)], cell).curve) for each in results.spec.personas]
    longest, highest = max(len(each) for _, each in curves), max((each[-1] for _, each in curves if each), default=0)
    if not highest:
        return None
    right, top = _round_up(longest), _round_up(highest)
    lines = [
        (name, _line([(tick * PLOT_WIDTH / right, _height(cells, top)) for tick, cells in _thinned([0, *curve])]))
        for name, curve in curves
    ]
    across = [Tick(share * PLOT_WIDTH, f"{share * right:,.0f}") for share in _shares()]
    return Curves(lines, across, [Tick(_height(share * top, top), f"{share * top:,.0f}") for share in _shares()])


def _thinned(curve: Sequence[int]) -> list[tuple[int, int]]:
    points = list(enumerate(curve))
    return [*points[:: max(1, len(points) // _MOST_POINTS)], points[-1]]


def _height(value: float, top: float) -> float:
    return PLOT_HEIGHT * (1 - value / top)


def _shares() -> list[float]:
    return [index / _TICKS for index in range(_TICKS + 1)]


def _round_up(value: float) -> float:
    """The least of 5, 10, 15, 20, 25, 30, 40, 50, 75 and 100 times a power of ten that is not below `value`."""
    power = 10.0 ** max(0, math.floor(math.log10(max(value, 1))) - 1)
    return next(step * power for step in (5, 10, 15, 20, 25, 30, 40, 50, 75, 100) if step * power >= value)


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
