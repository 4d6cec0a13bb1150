"""A sheet of wall that rooms, corridors and cover are drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from understudy.envs.skirmish.maps.ascii import Drawing

Point = tuple[int, int]


class Room(NamedTuple):
    """Some cells: columns `x0` to `x1` and rows `y0` to `y1`, both ends included."""

    x0: int
    x1: int
    y0: int
    y1: int

    @property
    def middle(self) -> Point:
        """The column and row of the middle cell."""
        return (self.x0 + self.x1) // 2, (self.y0 + self.y1) // 2

    def inset(self, x: int, y: int) -> Room:
        """The room without `x` columns and `y` rows on each side."""
        return Room(self.x0 + x, self.x1 - x, self.y0 + y, self.y1 - y)


class Sketch:
    """A map while it is being drawn.

    Attributes:
        cells: Characters of `ascii`, `<U1`, shape (rows, columns), wall at first.
    """

    def __init__(self, num_columns: int, num_rows: int) -> None:
        self.cells = np.full((num_rows, num_columns), "#", "<U1")

    def _view(self, room: Room) -> np.ndarray:
        """The cells of a room, less those on the edge of the sheet, which stays wall."""
        num_rows, num_columns = self.cells.shape
        rows = slice(max(room.y0, 1), min(room.y1 + 1, num_rows - 1))
        columns = slice(max(room.x0, 1), min(room.x1 + 1, num_columns - 1))
        return self.cells[rows, columns]

    def clear(self, room: Room) -> None:
        """Make a room floor."""
        self._view(room)[:] = "."

    def block(self, room: Room) -> None:
        """Make a room wall again."""
        self._view(room)[:] = "#"

    def corridor(self, points: Sequence[Point], width: int) -> None:
        """Clear a way of `width` cells along points, each in the column or in the row of the one before."""
        before, after = (width - 1) // 2, width // 2
        for (x, y), (to_x, to_y) in pairwise(points):
            self.clear(Room(min(x, to_x) - before, max(x, to_x) + after, min(y, to_y) - before, max(y, to_y) + after))

    def zone(self, letter: str, room: Room) -> None:
        """Mark the floor of a room as a place."""
        view = self._view(room)
        view[view == "."] = letter

    def mark(self, letter: str, point: Point) -> None:
        """Mark the nearest cell that is plain floor."""
        floor = np.argwhere(self.cells == ".")
        row, column = floor[np.argmin(np.abs(floor - (point[1], point[0])).sum(axis=1))]
        self.cells[row, column] = letter

    def cover(self, cells: Sequence[Point]) -> bool:
        """Put cover on some cells, if all of them are floor and it closes no gap.

        Returns:
            Whether it was put there.
        """
        num_rows, num_columns = self.cells.shape
        if not all(0 < x < num_columns and 0 < y < num_rows and self.cells[y, x] == "." for x, y in cells):
            return False
        before = self.cells.copy()
        for x, y in cells:
            self.cells[y, x] = "o"
        if any(self._closes_gap(x, y) for x, y in cells):
            self.cells = before
            return False
        return True

    def _closes_gap(self, x: int, y: int) -> bool:
        """Whether the free cells around a cell fall apart, going around it."""
        ring = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
        free = [self.cells[y + down, x + right] not in "#o" for down, right in ring]
        return sum(here != before for here, before in zip(free, free[-1:] + free[:-1], strict=True)) > 2

    def drawing(self, turns: int, mirrored: bool) -> Drawing:
        """Return the map, turned by so many quarters of a circle, and mirrored or not."""
        cells = self.cells[:, ::-1] if mirrored else self.cells
        return Drawing(np.ascontiguousarray(np.rot90(cells, turns)))
