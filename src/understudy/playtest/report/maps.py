"""The geometry of the report's maps: one drawing of the level from above, of which each map shows a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.playtest.coverage import Coverage, Key
from understudy.playtest.coverage.measures import Cells, Polygons
from understudy.playtest.coverage.navmesh import Navmesh
from understudy.playtest.findings.finding import Finding
from understudy.playtest.report.heat import MISSING, Heat, Paint, heat_of_cells, heat_of_polygons, ink
from understudy.playtest.run.moment import Position
from understudy.playtest.runner import Results

SHEET = 1000.0
"""The longer side of the drawing, in pixels of its own."""
_MOST_POINTS = 600
_OUTLIERS = (0.5, 99.5)
_AROUND = 0.08
# Players who saw less than this share of the level's length get a closer map too.
_SMALL_SHARE = 0.6
# How much of the level lies around a finding on its own map, as a share of the longer side, and in cells at least.
_NEAR, _NEAR_CELLS = 0.18, 8


@dataclass(frozen=True)
class View:
    """A part of the drawing, in its pixels, with y down."""

    x: float
    y: float
    width: float
    height: float

    @property
    def unit(self) -> float:
        """A five-hundredth of its longer side: what sizes of marks are given in."""
        return max(self.width, self.height) / 500


@dataclass(frozen=True)
class Mark:
    """A finding on the map."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class Frame:
    """From the game's units to the drawing's pixels, north up."""

    left: float
    top: float
    scale: float
    whole: View

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies."""
        return (x - self.left) * self.scale, (self.top - y) * self.scale

    def line(self, points: Sequence[Sequence[float]]) -> str:
        """Return an SVG path through these points."""
        return "M" + "L".join("{:.1f} {:.1f}".format(*self.place(each[0], each[1])) for each in points)


@dataclass(frozen=True)
class Sheet:
    """The level from above.

    Attributes:
        frame: From the game's units to pixels.
        walls: The level's solid lines as one SVG path.
        steps: Its other lines, which players can cross.
        everyone: How often any player was where.
        heats: Likewise by persona.
        missing: What can be reached and was not; None if the game does not say.
        paths: By persona, the SVG path of all its runs.
        marks: The findings that have a place.
        views: The whole level and, if players saw only a small part of it, that part.
    """

    frame: Frame
    walls: str
    steps: str
    everyone: Heat | None
    heats: Mapping[str, Heat | None]
    missing: Heat | None
    paths: Mapping[str, str]
    marks: Sequence[Mark]
    views: Sequence[View]


def draw_sheet(results: Results) -> Sheet | None:
    """Return the drawing of a playtest's level; None if the game reports no positions."""
    trails = {each.name: [t.coverage.trail.path() for t in results.of(each)] for each in results.spec.personas}
    walked = np.array([point[:2] for walks in trails.values() for walk in walks for point in walk], float)
    if not len(walked):
        return None
    parts = [each.coverage for each in results.traces]
    lines = next((each.lines for each in results.traces if each.lines), [])
    side = results.spec.coverage.cell
    frame = fit(_corners(lines, parts, side), walked, side)
    reachable = next((each.reachable for each in parts if each.reachable), None)
    return Sheet(
        frame,
        " ".join(frame.line([each[:2], each[2:4]]) for each in lines if each[4]),
        " ".join(frame.line([each[:2], each[2:4]]) for each in lines if not each[4]),
        heat(_counts(parts), parts, frame, ink(0)),
        {
            each.name: heat(_counts([t.coverage for t in results.of(each)]), parts, frame, ink(index))
            for index, each in enumerate(results.spec.personas)
        },
        None if reachable is None else heat(dict.fromkeys(reachable - _counts(parts).keys(), 1), parts, frame, MISSING),
        {name: " ".join(frame.line(_thinned(walk)) for walk in walks if walk) for name, walks in trails.items()},
        [Mark(*frame.place(*each.position[:2]), each.id) for each in results.findings if each.position],
        views_of(walked, frame, side),
    )


def heat(counts: Mapping[Key, int], parts: Sequence[Coverage], frame: Frame, paint: Paint) -> Heat | None:
    """Return the picture of how often keys were met; None if there are none, or they have no place.

    Args:
        counts: By key.
        parts: Of the playtest.
        frame: Of the drawing.
        paint: Its colour.
    """
    measure = parts[0].measure
    if not counts:
        return None
    if isinstance(measure, Cells):
        return heat_of_cells(counts, measure.side, frame.place, frame.whole, paint)
    mesh = mesh_of(parts)
    return heat_of_polygons(counts, mesh, frame.line, paint) if mesh else None


def mesh_of(parts: Sequence[Coverage]) -> Navmesh | None:
    """Return the level's navigation mesh, from the first run that has it."""
    meshes = (each.measure.mesh for each in parts if isinstance(each.measure, Polygons))
    return next((each for each in meshes if each), None)


def near(frame: Frame, finding: Finding) -> View | None:
    """Return the part of the drawing around a finding; None if it has no place."""
    if finding.position is None:
        return None
    x, y = frame.place(*finding.position[:2])
    side = max(_NEAR * SHEET, _NEAR_CELLS * finding.cell_size * frame.scale)
    return View(x - side / 2, y - side * 0.35, side, side * 0.7)


def _counts(parts: Sequence[Coverage]) -> dict[Key, int]:
    counts: dict[Key, int] = {}
    for part in parts:
        for key, count in part.visits.items():
            counts[key] = counts.get(key, 0) + count
    return counts


def _thinned(walk: Sequence[Position]) -> Sequence[Position]:
    return [*walk[:: max(1, len(walk) // _MOST_POINTS)], walk[-1]]


def _corners(lines: Sequence[Sequence[float]], parts: Sequence[Coverage], side: float) -> np.ndarray:
    """The corners of what the game told of its level, shape (corners, 2)."""
    points = [(x, y) for x1, y1, x2, y2, _ in lines for x, y in ((x1, y1), (x2, y2))]
    mesh = mesh_of(parts)
    if mesh:
        points += [(each[0], each[1]) for polygon in mesh.polygons for each in polygon]
    elif parts[0].measure.noun == "cell":
        reachable = next((each.reachable for each in parts if each.reachable), frozenset())
        points += [((int(each[0]) + 0.5) * side, (int(each[1]) + 0.5) * side) for each in reachable]
    return np.array(points).reshape(-1, 2)


def fit(level: np.ndarray, walked: np.ndarray, side: float) -> Frame:
    """Return the drawing that shows what matters; a player who falls out of the level does not shrink it to a dot.

    Args:
        level: Corners of what the game told of its level, shape (corners, 2); may be empty.
        walked: Where players were, shape (positions, 2).
        side: Of a cell.
    """
    low, high = np.percentile(walked, _OUTLIERS, axis=0)
    around = (high - low) * _AROUND + side
    low, high = np.maximum(low - around, walked.min(0) - side), np.minimum(high + around, walked.max(0) + side)
    if len(level):
        edge = np.ptp(level, axis=0) * _AROUND + side
        low, high = np.maximum(low, level.min(0) - edge), np.minimum(high, level.max(0) + edge)
        low, high = np.minimum(low, level.min(0) - side / 2), np.maximum(high, level.max(0) + side / 2)
    scale = SHEET / float((high - low).max())
    width, height = ((high - low) * scale).tolist()
    return Frame(float(low[0]), float(high[1]), scale, View(0, 0, width, height))


def views_of(walked: np.ndarray, frame: Frame, side: float) -> list[View]:
    """Return the whole drawing and, if these positions take up a small part of it, that part.

    Args:
        walked: Shape (positions, 2), in the game's units.
        frame: Of the drawing.
        side: Of a cell: as much is shown around them.
    """
    low, high = np.percentile(walked, _OUTLIERS, axis=0)
    x, y = frame.place(low[0] - side, high[1] + side)
    width, height = ((high - low + 2 * side) * frame.scale).tolist()
    small = max(width, height) <= _SMALL_SHARE * max(frame.whole.width, frame.whole.height)
    return [frame.whole, View(x, y, width, height)] if small else [frame.whole]


@dataclass(frozen=True)
class Label:
    """A mark with its words: where they begin or end, empty where they would lie on another's."""

    mark: Mark
    x: float
    y: float
    anchor: str
    text: str


def label_marks(marks: Sequence[Mark], view: View) -> list[Label]:
    """Return the marks inside a part of the drawing, each with its name where there is room for it."""
    taken: list[tuple[float, float, float, float]] = []
    inside = [each for each in marks if 0 <= each.x - view.x <= view.width and 0 <= each.y - view.y <= view.height]
    return [_label(each, view, taken) for each in inside]


def _label(mark: Mark, view: View, taken: list[tuple[float, float, float, float]]) -> Label:
    unit = view.unit
    width, height, gap = 7.4 * len(mark.name) * unit, 14 * unit, 12 * unit
    for anchor, x, y in (
        ("start", mark.x + gap, mark.y + 4 * unit),
        ("end", mark.x - gap, mark.y + 4 * unit),
        ("middle", mark.x, mark.y - gap),
        ("middle", mark.x, mark.y + gap + height / 2),
    ):
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = (left, y - height, left + width, y)
        inside = view.x <= left and left + width <= view.x + view.width
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return Label(mark, x, y, anchor, mark.name)
    return Label(mark, mark.x, mark.y, "start", "")


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
