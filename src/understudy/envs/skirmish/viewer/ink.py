"""Words, bars and panels that are drawn over a picture: every size, font and colour of the screens in one place."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np

from understudy.errors import require

pygame = require("pygame", "play")

Surface = Any
Color = tuple[int, int, int]

WHITE: Color = (240, 240, 236)
FAINT: Color = (168, 172, 178)
GOOD: Color = (120, 214, 130)
WARN: Color = (250, 190, 80)
BAD: Color = (240, 82, 68)
FRIENDLY: Color = (104, 176, 250)
HOSTILE: Color = (244, 96, 82)
_PANEL = (12, 15, 20, 150)
_SHADOW: Color = (8, 9, 12)
Anchor = Literal[
    "topleft", "midtop", "topright", "midleft", "center", "midright", "bottomleft", "midbottom", "bottomright"
]


@lru_cache(maxsize=32)
def font(size: int) -> Any:
    """Return pygame's own font; a size is a height in pixels."""
    pygame.font.init()
    return pygame.font.Font(None, size)


@lru_cache(maxsize=512)
def _words(text: str, size: int, color: Color) -> Surface:
    """Letters with a dark edge, so that they are read before bright walls and dark ones."""
    ink, edge = font(size).render(text, True, color), font(size).render(text, True, _SHADOW)
    sheet = pygame.Surface((ink.get_width() + 2, ink.get_height() + 2), pygame.SRCALPHA)
    for offset in ((0, 1), (2, 1), (1, 0), (1, 2)):
        sheet.blit(edge, offset)
    sheet.blit(ink, (1, 1))
    return sheet


def write(
    surface: Surface,
    text: str,
    place: tuple[float, float],
    size: int = 22,
    color: Color = WHITE,
    anchor: Anchor = "topleft",
) -> Any:
    """Write a line so that its `anchor` is at `place`, and return the rectangle it covers."""
    sheet = _words(text, size, color)
    return surface.blit(sheet, sheet.get_rect(**{anchor: (round(place[0]), round(place[1]))}))


@lru_cache(maxsize=64)
def _sheet(width: int, height: int, color: tuple[int, ...], radius: int) -> Surface:
    sheet = pygame.Surface((width, height), pygame.SRCALPHA)
    pygame.draw.rect(sheet, color, sheet.get_rect(), border_radius=radius)
    return sheet


def panel(surface: Surface, left: int, top: int, width: int, height: int, color: tuple[int, ...] = _PANEL) -> None:
    """Darken a rectangle with round corners, for words to stand on."""
    surface.blit(_sheet(width, height, color, 6), (left, top))


def bar(surface: Surface, left: int, top: int, width: int, height: int, share: float, color: Color) -> None:
    """Draw a bar that is full to a `share` from 0 to 1."""
    pygame.draw.rect(surface, _SHADOW, (left - 1, top - 1, width + 2, height + 2), border_radius=3)
    pygame.draw.rect(surface, (58, 62, 70), (left, top, width, height), border_radius=3)
    filled = round(width * min(max(share, 0.0), 1.0))
    if filled:
        pygame.draw.rect(surface, color, (left, top, filled, height), border_radius=3)


def veil(surface: Surface, color: tuple[int, int, int, int]) -> None:
    """Lay a colour with an opacity over the whole picture."""
    surface.blit(_sheet(*surface.get_size(), color, 0), (0, 0))


def rim(surface: Surface, color: Color, most: int) -> None:
    """Lay a colour over the edges of a picture, `most` of 255 in its corners and nothing in the middle."""
    surface.blit(_rim(*surface.get_size(), color, most), (0, 0))


@lru_cache(maxsize=16)
def _rim(width: int, height: int, color: Color, most: int) -> Surface:
    sheet = pygame.Surface((width, height), pygame.SRCALPHA)
    sheet.fill((*color, 0))
    x, y = np.linspace(-1, 1, width)[:, None], np.linspace(-1, 1, height)
    opacity = pygame.surfarray.pixels_alpha(sheet)
    opacity[:] = (most * np.clip((np.hypot(x, y) - 0.55) / 0.85, 0, 1)).astype(np.uint8)
    return sheet
