"""What a level looks like: computed once when it is loaded, read by every column of every frame.

`from_above` is the level lit and painted as a bird sees it. The first-person view takes its floors and the tops of its
crates from it, the top-down view and the small map show it as it is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from understudy.envs.skirmish.level import WALL, Level
from understudy.envs.skirmish.viewer.tiles import BRICK, CRATE, PANEL, cloud, grain, wall_tiles
from understudy.errors import require
from understudy.sensors.compiling import numba

DETAIL = 16
"""Texels of `from_above` and `light` along a metre."""
SUN_HEADING, SUN_ELEVATION = 118.0, 52.0
HAZE = (196, 208, 219)
"""What far things fade into, and the sky at the horizon."""
SITE_COLORS = {"site_a": (226, 138, 46), "site_b": (54, 150, 214)}
SPAWN_COLORS = {"attacker_spawn": (196, 70, 60), "defender_spawn": (74, 160, 120)}
_PLAIN = (204, 192, 172)
_FLOOR, _WALL_TOP, _WOOD = (170, 162, 148), (84, 86, 94), (186, 142, 92)
_IN_SHADE = 0.56
_SKY_ROWS, _SKY_COLUMNS = 256, 1024


class Surfaces(NamedTuple):
    """Arrays for the kernels, by cells (rows, cols) or by texels, `DETAIL` along a metre.

    Attributes:
        heights: Metres, float32, (rows, cols).
        from_above: Colours with light and shade, uint8, (texel rows, texel cols, 3).
        light: Share of full light in 255ths, uint8, (texel rows, texel cols).
        materials: Index of the tile, uint8, (rows, cols).
        tints: Colour of walls, float32, 0 to 1, (rows, cols, 3).
        accents: Colour of the bands on walls, float32, 0 to 1, (rows, cols, 3).
        tiles: See `tiles.wall_tiles`.
        grain: See `tiles.grain`.
        sky: Colours by elevation (row 0 at the horizon) and azimuth, uint8, (256, 1024, 3).
    """

    heights: np.ndarray
    from_above: np.ndarray
    light: np.ndarray
    materials: np.ndarray
    tints: np.ndarray
    accents: np.ndarray
    tiles: np.ndarray
    grain: np.ndarray
    sky: np.ndarray


def make_surfaces(level: Level, seed: int = 3) -> Surfaces:
    """Return how a level looks; takes a fraction of a second."""
    heights = np.ascontiguousarray(level.heights, np.float32)
    is_wall, is_crate = heights >= WALL, (heights > 0) & (heights < WALL)
    accents, near = _accents(level)
    light = _light(heights)
    materials = np.where(near[..., 1:2] > near[..., 0:1], PANEL, BRICK)[..., 0].astype(np.uint8)
    materials[is_crate] = CRATE
    tints = np.asarray(_PLAIN) / 255 * (0.66 + 0.34 * accents / accents.max(-1, keepdims=True))
    tints[is_crate] = np.asarray(_WOOD) / 255
    painted = _paint(level, is_wall, is_crate, seed)
    from_above = np.clip(painted * (light[..., None] / 255), 0, 255).astype(np.uint8)
    return Surfaces(
        heights,
        from_above,
        light,
        materials,
        tints.astype(np.float32),
        accents.astype(np.float32),
        wall_tiles(),
        grain(),
        _sky(seed),
    )


def centre(level: Level, place: str) -> tuple[float, float] | None:
    """The middle of a marked place's cells in metres, x and y, or None if the level has none of it."""
    rows, columns = np.nonzero(cells_of(level, place))
    return (float(columns.mean() + 0.5), float(rows.mean() + 0.5)) if len(rows) else None


def cells_of(level: Level, place: str) -> np.ndarray:
    """Which cells a marked place covers, bool, shape (rows, cols)."""
    from understudy.envs.skirmish.level import PLACES_MARKED

    return np.asarray(level.places) == 1 + PLACES_MARKED.index(place)


def _accents(level: Level) -> tuple[np.ndarray, np.ndarray]:
    """The bands' colours, 0 to 1, blended by how near the two sites are; and that nearness, (rows, cols, 2)."""
    rows, columns = np.indices(level.heights.shape)
    near, colors = [], []
    for place, color in SITE_COLORS.items():
        x, y = centre(level, place) or (0.0, 0.0)
        near.append(np.exp(-np.hypot(columns + 0.5 - x, rows + 0.5 - y) / 9))
        colors.append(np.asarray(color) / 255)
    shares = np.stack([*near, np.full(level.heights.shape, 0.12)], -1)
    shares /= shares.sum(-1, keepdims=True)
    return shares @ np.stack([*colors, np.asarray(_PLAIN) / 255 * 0.6]), np.stack(near, -1)


def _paint(level: Level, is_wall: np.ndarray, is_crate: np.ndarray, seed: int) -> np.ndarray:
    """Colours seen from above in full light, float64, (texel rows, texel cols, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = (DETAIL * each for each in level.heights.shape)
    stains = cloud(rng, 1024, 48)[np.ix_(np.arange(rows) % 1024, np.arange(columns) % 1024)]
    texels = np.asarray(_FLOOR) * (1 + 0.05 * stains[..., None])
    seam = (np.arange(rows) % (2 * DETAIL) == 0)[:, None] | (np.arange(columns) % (2 * DETAIL) == 0)
    texels[seam] *= 0.86
    for place, color in (SITE_COLORS | SPAWN_COLORS).items():
        _paint_place(texels, cells_of(level, place), np.asarray(color), 0.3 if place in SITE_COLORS else 0.12)
    for place in SITE_COLORS:
        _paint_letter(texels, level, place)
    _cover(texels, is_wall, _WALL_TOP, border=3)
    _cover(texels, is_crate, _WOOD, border=2)
    return texels


def _paint_place(texels: np.ndarray, cells: np.ndarray, color: np.ndarray, share: float) -> None:
    """Tint a place's floor, with a stripe along its edge."""
    cv2 = require("cv2", "play")
    inside = _enlarge(cells).astype(np.uint8)
    edge = inside - cv2.erode(inside, np.ones((5, 5), np.uint8), borderValue=0)
    texels[inside > 0] += (color - texels[inside > 0]) * share
    texels[edge > 0] += (color - texels[edge > 0]) * min(1.0, 2.5 * share)


def _paint_letter(texels: np.ndarray, level: Level, place: str) -> None:
    """Write the site's letter on its floor; the level's rows go up, a picture's down."""
    cv2 = require("cv2", "play")
    middle = centre(level, place)
    if middle is None:
        return
    stencil = np.zeros(texels.shape[:2], np.uint8)
    letter, size = place[-1].upper(), 3.0
    (wide, high), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_DUPLEX, size, 9)
    corner = (int(middle[0] * DETAIL - wide / 2), int(len(stencil) - middle[1] * DETAIL + high / 2))
    cv2.putText(stencil, letter, corner, cv2.FONT_HERSHEY_DUPLEX, size, 255, 9, cv2.LINE_AA)
    share = stencil[::-1, :, None] / 255 * 0.75
    texels += (np.asarray((236, 232, 222)) - texels) * share


def _cover(texels: np.ndarray, cells: np.ndarray, color: tuple[int, int, int], border: int) -> None:
    """Put lids on cells, with a darker rim where they end."""
    cv2 = require("cv2", "play")
    inside = _enlarge(cells).astype(np.uint8)
    core = cv2.erode(inside, np.ones((2 * border + 1, 2 * border + 1), np.uint8), borderValue=1)
    texels[inside > 0] = np.asarray(color) * 0.7
    texels[core > 0] = color


def _enlarge(cells: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(cells, DETAIL, 0), DETAIL, 1)


def _light(heights: np.ndarray) -> np.ndarray:
    """Sunlight with soft shadows, and corners that less of the sky reaches; in 255ths, uint8, by texels."""
    cv2 = require("cv2", "play")
    tall = _enlarge(heights)
    sun = np.empty(tall.shape, np.float32)
    run = 1 / math.tan(math.radians(SUN_ELEVATION))
    cos, sin = math.cos(math.radians(SUN_HEADING)), math.sin(math.radians(SUN_HEADING))
    _shadows(tall, cos, sin, run, float(heights.max(initial=0)), sun)
    around = cv2.GaussianBlur((tall >= WALL).astype(np.float32), (0, 0), DETAIL * 0.45)
    crates = cv2.GaussianBlur((tall > 0).astype(np.float32), (0, 0), DETAIL * 0.18)
    open_sky = np.where(tall > 0, 1.0, 1 - 0.45 * around - 0.3 * crates)
    soft = cv2.GaussianBlur(sun, (0, 0), 1.6)
    return np.clip(255 * open_sky * (_IN_SHADE + (1 - _IN_SHADE) * soft), 0, 255).astype(np.uint8)


@numba.njit(cache=True)
def _shadows(
    tall: np.ndarray, cos: float, sin: float, run: float, highest: float, sun: np.ndarray
) -> None:  # pragma: no cover
    """Write 1 where the sun reaches a texel's top and 0 where something higher stands in its way."""
    rows, columns = tall.shape
    for row in range(rows):
        for column in range(columns):
            height, lit, distance = tall[row, column], 1.0, 1.0
            while lit > 0 and height + distance / (DETAIL * run) < highest:
                at_row, at_column = int(row + 0.5 + distance * sin), int(column + 0.5 + distance * cos)
                if not (0 <= at_row < rows and 0 <= at_column < columns):
                    break
                if tall[at_row, at_column] > height + distance / (DETAIL * run):
                    lit = 0.0
                distance += 1.0
            sun[row, column] = lit


def _sky(seed: int) -> np.ndarray:
    """A blue that pales towards the horizon, with clouds that thin out above it."""
    rng = np.random.default_rng(seed)
    up = np.linspace(0, 1, _SKY_ROWS)[:, None, None] ** 0.7
    blue = np.asarray(HAZE) * (1 - up) + np.asarray((84, 132, 186)) * up
    noise = cloud(rng, _SKY_COLUMNS, 40)[:_SKY_ROWS] + 0.5 * cloud(rng, _SKY_COLUMNS, 12)[:_SKY_ROWS]
    share = np.clip(noise - 0.35, 0, 1)[..., None] * np.minimum(1, 3 * up) * 0.75
    return np.clip(blue + (245 - blue) * share, 0, 255).astype(np.uint8)
