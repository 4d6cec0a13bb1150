"""Maps drawn as text: one character for each cell of 1 m, the last line is row 0, so the text has +y pointing up.

| character | cell |
|---|---|
| `#` | wall |
| `.` | floor |
| `o` | cover: low enough to look and shoot over when standing |
| `A` `B` | site a, site b: where the bomb can be planted |
| `T` `D` | where the attackers, the defenders start |
| `1` to `4`, `5` to `8` | the same, and where the player of each slot stands: attackers, defenders |
| `a` `m` `b` | floor that lane a, mid, b passes; mid ends at the one farthest from the attackers |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy.errors import GameError

COVER = 1.1
"""Metres: lower than the eyes of somebody who stands (1.6), higher than of somebody who crouches (1.0)."""
WALL = 4.0
"""Metres: higher than anybody looks or shoots."""
PLACES_MARKED = ("site_a", "site_b", "attacker_spawn", "defender_spawn")
"""The places that cells are marked with, by their value less one."""
NUM_SLOTS = 4
"""Where a side's players may start."""

_PLACES = {"A": 1, "B": 2, "T": 3, "D": 4} | dict.fromkeys("1234", 3) | dict.fromkeys("5678", 4)
_MARKS = {"a": "a", "m": "mid", "b": "b"}
_CHARACTERS = "#.o" + "".join(_PLACES) + "".join(_MARKS)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A map's cells, as characters.

    Attributes:
        cells: `<U1`, shape (rows, columns), row 0 at y = 0.
    """

    cells: np.ndarray

    @property
    def heights(self) -> np.ndarray:
        """Metres above the floor: 0, `COVER` or `WALL`, float32, shape (rows, columns)."""
        out = np.zeros(self.cells.shape, np.float32)
        out[self.cells == "o"] = COVER
        out[self.cells == "#"] = WALL
        return out

    @property
    def places(self) -> np.ndarray:
        """0, or one more than the index of a place in `PLACES_MARKED`, uint8, shape (rows, columns)."""
        out = np.zeros(self.cells.shape, np.uint8)
        for character, place in _PLACES.items():
            out[self.cells == character] = place
        return out

    @property
    def slots(self) -> np.ndarray:
        """Where the players start: x and y in metres, float64, shape (2 sides, 4 slots, 2)."""
        found = [np.argwhere(self.cells == digit)[0] for digit in "12345678"]
        return (np.array(found)[:, ::-1] + 0.5).reshape(2, NUM_SLOTS, 2)

    @property
    def marks(self) -> dict[str, np.ndarray]:
        """What each lane passes, in no order: x and y in metres, float64, shape (n, 2)."""
        return {lane: np.argwhere(self.cells == letter)[:, ::-1] + 0.5 for letter, lane in _MARKS.items()}


def parse(name: str, text: str) -> Drawing:
    """Read a map.

    Args:
        name: Of the map, for errors.
        text: One line for each row of cells.

    Raises:
        GameError: If it is no rectangle, or a character is unknown, missing or where it cannot be.
    """
    lines = text.strip("\n").split("\n")
    if len({len(line) for line in lines}) > 1:
        raise GameError(f"The map '{name}' is no rectangle; give every line as many characters as the first.")
    unknown = sorted(set("".join(lines)) - set(_CHARACTERS))
    if unknown:
        raise GameError(f"The map '{name}' holds {unknown[0]!r}; a map is drawn with '{_CHARACTERS}'.")
    cells = np.array([list(line) for line in lines[::-1]])
    _check_letters(name, cells)
    return Drawing(cells)


def _check_letters(name: str, cells: np.ndarray) -> None:
    edge = np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]])
    if (edge != "#").any():
        raise GameError(f"The map '{name}' is open at its edge; draw '#' all around it.")
    for digit in "12345678":
        if (cells == digit).sum() != 1:
            raise GameError(f"The map '{name}' needs the character '{digit}' exactly once.")
    for letter in "ABamb":
        if not (cells == letter).any():
            raise GameError(f"The map '{name}' lacks the character '{letter}'.")
