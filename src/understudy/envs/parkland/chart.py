"""A park from above, as a picture: for reports and for whoever wants to see where things are."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.envs.parkland.layout import KINDS, Layout

Color = tuple[int, int, int]

_SURFACES = ((106, 146, 84), (206, 186, 140), (226, 212, 160), (92, 140, 190), (176, 172, 166), (140, 166, 88))
_GOLDEN, _TREE, _PROP, _INTEREST, _BUG, _DOOR = (
    *((214, 158, 20), (44, 92, 50), (110, 90, 70), (180, 40, 150), (220, 30, 30), (250, 240, 120)),
)
_BOXES = {"fence": (120, 80, 40), "rock": (110, 110, 110), "boundary": (40, 40, 40), "deck": (150, 110, 70)}


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


def _ground(layout: Layout, pixels: int) -> NDArray[np.uint8]:
    """Surfaces, shaded as if the sun stood in the north-west."""
    colors = np.asarray(_SURFACES, np.float32)[layout.surface]
    rise_y, rise_x = (np.asarray(each) for each in np.gradient(layout.heights, layout.spacing))
    shade = 1.0 + 0.7 * (rise_x - rise_y)[:-1, :-1]
    shaded = np.clip(colors * np.clip(shade, 0.6, 1.3)[..., None], 0, 255).astype(np.uint8)
    return cv2.resize(shaded, (pixels, pixels), interpolation=cv2.INTER_LINEAR)


def _boxes(layout: Layout, picture: NDArray, scale: float) -> None:
    solids = layout.solids
    for k in np.argsort(solids.centre[:, 2]):
        kind = KINDS[solids.kind[k]]
        if kind == "roof":
            continue
        angle = np.radians(solids.heading[k])
        along = np.asarray([np.cos(angle), np.sin(angle)]) * solids.half[k, 0]
        aside = np.asarray([-np.sin(angle), np.cos(angle)]) * solids.half[k, 1]
        corners = solids.centre[k, :2] + [along + aside, along - aside, -along - aside, aside - along]
        color = _BOXES.get(kind, (150, 60, 50) if kind == "wall" else (200, 190, 180))
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
