"""Shapes and words for clips: colours, text in OpenCV's own typeface, pills and bars."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np

Colour = tuple[int, int, int]

PAPER: Colour = (22, 24, 29)
PLATE: Colour = (38, 42, 50)
EDGE: Colour = (62, 68, 80)
FAINT: Colour = (126, 134, 150)
INK: Colour = (236, 239, 244)
LIT: Colour = (255, 190, 60)
LIT_INK: Colour = (32, 24, 8)
COOL: Colour = (96, 174, 255)
PALETTE: tuple[Colour, ...] = ((150, 160, 176), (255, 98, 88), (104, 214, 130), COOL, (214, 130, 255), LIT)
"""Colours that tell kinds of things apart."""

IDLE_LABELS = frozenset({"none", "no", "keep", "wait", "idle", "noop", "nothing"})
"""Choices that do nothing."""

TEXT_SIZE = 13
PILL_HEIGHT = 24
_PILL_PAD = 10
_HERSHEY_SIZE = 30.0
_REGULAR, _BOLD = 400, 600


@cache
def _typeface() -> Any:
    """OpenCV's built-in typeface; None before OpenCV 5, which has stroke letters only."""
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


def text(
    canvas: np.ndarray, words: str, x: int, y: int, *, colour: Colour = INK, size: int = TEXT_SIZE, bold: bool = False
) -> None:
    """Write words, their base line beginning at x, y."""
    if _typeface() is None:
        scale = size / _HERSHEY_SIZE
        cv2.putText(canvas, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1 + bold, cv2.LINE_AA)
    else:
        cv2.putText(canvas, words, (x, y), colour, _typeface(), size, _BOLD if bold else _REGULAR)


@cache
def text_width(words: str, size: int = TEXT_SIZE, *, bold: bool = False) -> int:
    """Return how many pixels wide words are."""
    if _typeface() is None:
        (width, _), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, size / _HERSHEY_SIZE, 1 + bold)
        return int(width)
    _, _, width, _ = cv2.getTextSize((0, 0), words, (0, 0), _typeface(), size, _BOLD if bold else _REGULAR)
    return int(width)


def shortened(words: str, width: int, size: int = TEXT_SIZE) -> str:
    """Return words cut to a width, with an ellipsis where something was cut off."""
    if text_width(words, size) <= width:
        return words
    while words and text_width(f"{words}…", size) > width:
        words = words[:-1]
    return f"{words}…"


def rounded(canvas: np.ndarray, x: int, y: int, width: int, height: int, colour: Colour, *, radius: int = 6) -> None:
    """Fill a rectangle with round corners."""
    radius = min(radius, width // 2, height // 2)
    right, bottom = x + width - 1, y + height - 1
    cv2.rectangle(canvas, (x + radius, y), (right - radius, bottom), colour, -1)
    cv2.rectangle(canvas, (x, y + radius), (right, bottom - radius), colour, -1)
    for corner in (
        (x, y),
        (right - 2 * radius, y),
        (x, bottom - 2 * radius),
        (right - 2 * radius, bottom - 2 * radius),
    ):
        cv2.circle(canvas, (corner[0] + radius, corner[1] + radius), radius, colour, -1, cv2.LINE_AA)


def pill_width(label: str) -> int:
    """Return the width of a pill; the same whether it is lit or not."""
    return text_width(label, bold=True) + 2 * _PILL_PAD


def pill(canvas: np.ndarray, label: str, x: int, y: int, *, lit: bool, idle: bool = False) -> None:
    """Draw a label on a button that is lit or not; more quietly if it stands for doing nothing."""
    picture = _pill(label, lit, idle)[:, : max(0, canvas.shape[1] - x)]
    canvas[y : y + PILL_HEIGHT, x : x + picture.shape[1]] = picture


@cache
def _pill(label: str, lit: bool, idle: bool) -> np.ndarray:
    width = pill_width(label)
    picture = np.full((PILL_HEIGHT, width, 3), PAPER, np.uint8)
    rounded(picture, 0, 0, width, PILL_HEIGHT, (FAINT if idle else LIT) if lit else EDGE)
    if not lit:
        rounded(picture, 1, 1, width - 2, PILL_HEIGHT - 2, PLATE, radius=5)
    ink = (PAPER if idle else LIT_INK) if lit else FAINT
    text(picture, label, (width - text_width(label, bold=lit)) // 2, 17, colour=ink, bold=lit)
    return picture


def mixed(colour: Colour, strength: float) -> Colour:
    """Return a colour that fades into the paper as `strength` falls from 1 to nought."""
    red, green, blue = (round(strength * a + (1 - strength) * b) for a, b in zip(colour, PAPER, strict=True))
    return red, green, blue


def bar(canvas: np.ndarray, x: int, y: int, width: int, value: float, low: float, high: float, *, lit: Colour) -> None:
    """Draw a value between its bounds, from nought if that is between them, else from the lower one."""
    rounded(canvas, x, y, width, 10, PLATE, radius=4)
    origin, tip = (_place(each, low, high, width) for each in (min(max(0.0, low), high), value))
    left, right = min(origin, tip), max(origin, tip)
    if right > left:
        rounded(canvas, x + left, y, max(right - left, 3), 10, lit, radius=4)
    if low < 0 < high:
        cv2.line(canvas, (x + origin, y - 3), (x + origin, y + 12), FAINT, 1)


def _place(value: float, low: float, high: float, width: int) -> int:
    share = (value - low) / (high - low) if high > low else 0.5
    return round(min(max(share, 0.0), 1.0) * (width - 1))
