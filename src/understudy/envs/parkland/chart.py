"""A park from above, as a picture or as lines: for reports and for whoever wants to see where things are."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.solids import KINDS, Solids

Color = tuple[int, int, int]

_SURFACES = ((106, 146, 84), (206, 186, 140), (226, 212, 160), (92, 140, 190), (176, 172, 166), (140, 166, 88))
_GOLDEN, _TREE, _PROP, _INTEREST, _BUG, _DOOR = (
    *((214, 158, 20), (44, 92, 50), (110, 90, 70), (180, 40, 150), (220, 30, 30), (250, 240, 120)),
)
_BOXES = {
    "fence": (120, 80, 40), "rock": (110, 110, 110), "boundary": (40, 40, 40), "deck": (150, 110, 70),
    "wall": (150, 60, 50),
}  # fmt: skip


def draw_map(layout: Layout, pixels: int = 1000, walks: Iterable[NDArray] = ()) -> NDArray[np.uint8]:
    """Return a picture of the park from above, north up.

    Golden trail amber, doors yellow, things of interest magenta, planted bugs red circles with their kinds.

    Args:
        layout: The park.
        pixels: Along each side.
        walks: Paths (k, 2 or more) in metres to draw in blue.

    Returns:
        uint8 (pixels, pixels, 3), RGB.
    """
    scale = pixels / layout.side
    picture = _ground(layout, pixels)
    for trail in layout.trails:
        color = _GOLDEN if trail.name == "golden" else _SURFACES[1]
        _line(picture, trail.points, scale, color, max(1, round(trail.width * scale)))
    _boxes(layout, picture, scale)
    _dots(picture, layout.trunks[:, :2], scale, 1.6, _TREE)
    for wanted, color in ((False, _PROP), (True, _INTEREST)):
        _dots(picture, [(p.x, p.y) for p in layout.props if p.of_interest == wanted], scale, 1.2, color)
    _dots(picture, [door.middle[:2] for door in layout.doors], scale, 1.0, _DOOR)
    _dots(picture, [layout.start[:2]], scale, 4.0, (255, 255, 255))
    for walk in walks:
        _line(picture, walk, scale, (30, 60, 220), 1)
    _bugs(layout, picture, scale)
    return _named(picture[::-1].copy(), layout, scale)


def outlines(layout: Layout) -> tuple[NDArray, NDArray]:
    """Return the outlines of the boxes that stand in the way: float64 (lines, 4), and that all of them do, bool."""
    solids = layout.solids
    corners = _corners(solids, np.flatnonzero(solids.collides & solids.visible & (solids.half[:, 2] > 0.4)))
    lines = np.concatenate([corners, np.roll(corners, -1, axis=1)], -1).reshape(-1, 4).astype(np.float64)
    return lines, np.ones(len(lines), bool)


def _corners(solids: Solids, picked: NDArray) -> NDArray:
    """The corners (k, 4, 2) of boxes (indices) from above, one after the other around each."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])[None] * solids.half[picked, None, :2]
    angle = np.radians(solids.heading[picked])[:, None]
    x = corners[..., 0] * np.cos(angle) - corners[..., 1] * np.sin(angle) + solids.centre[picked, :1]
    y = corners[..., 0] * np.sin(angle) + corners[..., 1] * np.cos(angle) + solids.centre[picked, 1:2]
    return np.stack([x, y], -1)


def _ground(layout: Layout, pixels: int) -> NDArray[np.uint8]:
    """Surfaces, shaded as if the sun stood in the north-west."""
    colors = np.asarray(_SURFACES, np.float32)[layout.surface]
    rise_y, rise_x = (np.asarray(each) for each in np.gradient(layout.heights, layout.spacing))
    shade = 1.0 + 0.7 * (rise_x - rise_y)[:-1, :-1]
    shaded = np.clip(colors * np.clip(shade, 0.6, 1.3)[..., None], 0, 255).astype(np.uint8)
    return cv2.resize(shaded, (pixels, pixels), interpolation=cv2.INTER_LINEAR)


def _boxes(layout: Layout, picture: NDArray, scale: float) -> None:
    order = np.argsort(layout.solids.centre[:, 2])
    for kind, corners in zip(layout.solids.kind[order], _corners(layout.solids, order), strict=True):
        if KINDS[kind] != "roof":
            color = _BOXES.get(KINDS[kind], (200, 190, 180))
            cv2.fillPoly(picture, [np.rint(corners * scale).astype(np.int32)], color)


def _line(picture: NDArray, points: NDArray, scale: float, color: Color, width: int) -> None:
    cv2.polylines(
        picture, [np.rint(np.asarray(points)[:, :2] * scale).astype(np.int32)], False, color, width, cv2.LINE_AA
    )


def _dots(picture: NDArray, places: Iterable[Iterable[float]], scale: float, radius: float, color: Color) -> None:
    for x, y in places:
        cv2.circle(picture, (round(x * scale), round(y * scale)), max(1, round(radius * scale)), color, -1, cv2.LINE_AA)


def _bugs(layout: Layout, picture: NDArray, scale: float) -> None:
    for bug in layout.bugs:
        middle = round(bug.position[0] * scale), round(bug.position[1] * scale)
        cv2.circle(picture, middle, max(5, round(bug.radius * scale)), _BUG, 2, cv2.LINE_AA)


def _named(picture: NDArray[np.uint8], layout: Layout, scale: float) -> NDArray[np.uint8]:
    """Name the bugs in a picture that has north up."""
    for bug in layout.bugs:
        place = round(bug.position[0] * scale) + 8, len(picture) - round(bug.position[1] * scale) + 4
        for color, width in (((255, 255, 255), 3), (_BUG, 1)):
            cv2.putText(picture, bug.kind, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, width, cv2.LINE_AA)
    return picture
