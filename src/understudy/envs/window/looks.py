"""What a picture shows: whether it looks like a template or a colour, and a number for which screen it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import GameError, require

Region = tuple[int, int, int, int]
"""(top, left, height, width) in pixels of the window."""

_HASH_SIDE = 4
_CLEARLY_BRIGHTER = 4
"""Levels of grey; less is noise, which would make another screen of the same one."""


@dataclass(frozen=True)
class Look:
    """Says whether a picture looks as described.

    Attributes:
        region: Where to look; None is the whole window.
        template: uint8 RGB, searched for everywhere in the region; or None.
        colour: The region's mean, red, green and blue from 0 to 255; or None.
        within: Levels of 255: the template's root-mean-square difference, or the largest difference of a channel.
    """

    region: Region | None = None
    template: np.ndarray | None = None
    colour: tuple[int, int, int] | None = None
    within: float = 12.0

    def require_inside(self, height: int, width: int) -> None:
        """Raise `GameError` unless the region, and the template within it, fit into a picture of that size."""
        top, left, tall, wide = self.region or (0, 0, height, width)
        if min(top, left, tall - 1, wide - 1) < 0 or top + tall > height or left + wide > width:
            raise GameError(
                f"The region {[top, left, tall, wide]} (top, left, height, width) leaves the window, which is "
                f"{width}x{height} pixels."
            )
        if self.template is not None and (self.template.shape[0] > tall or self.template.shape[1] > wide):
            found = "x".join(str(each) for each in self.template.shape[1::-1])
            raise GameError(f"A template of {found} pixels cannot lie in a region of {wide}x{tall}.")

    def distance(self, picture: np.ndarray) -> float:
        """Return how far a picture is from the description, in levels of 255.

        Args:
            picture: Of the whole window, uint8 RGB of shape (height, width, 3).
        """
        top, left, height, width = self.region or (0, 0, *picture.shape[:2])
        seen = picture[top : top + height, left : left + width]
        if self.template is None:
            return float(np.abs(seen.mean(axis=(0, 1)) - np.array(self.colour)).max())
        cv2: Any = require("cv2", "logs")
        squares = cv2.matchTemplate(seen, self.template, cv2.TM_SQDIFF)
        return float(np.sqrt(max(0.0, float(squares.min())) / self.template.size))

    def matches(self, picture: np.ndarray) -> bool:
        """Return whether a picture of the whole window looks as described."""
        return self.distance(picture) <= self.within


def read_template(path: Path) -> np.ndarray:
    """Return the picture in a file, uint8 RGB of shape (height, width, 3).

    Raises:
        GameError: If there is none.
    """
    cv2: Any = require("cv2", "logs")
    try:
        found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        found = None
    if found is None:
        raise GameError(f"There is no picture {path}; name a PNG or JPEG, from the folder of the game's file.")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB))


def screen_number(picture: np.ndarray) -> int:
    """Return a number that alike screens share: a difference hash of 16 bits, for coverage by screen.

    Each bit says whether one sixteenth of the picture is clearly brighter than its right neighbour.

    Args:
        picture: uint8 RGB of shape (height, width, 3).

    Returns:
        From 0 to 65,535.

    Source:
        Krawetz 2013, "Kind of Like That" (dHash), with a threshold against noise.
    """
    cv2: Any = require("cv2", "logs")
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_HASH_SIDE + 1, _HASH_SIDE), interpolation=cv2.INTER_AREA).astype(int)
    bits = (small[:, :-1] - small[:, 1:] > _CLEARLY_BRIGHTER).ravel()
    return int(bits @ (1 << np.arange(bits.size)))
