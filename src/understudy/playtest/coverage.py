"""Where players have been: square cells of the level's plan, counted as they are visited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from understudy.playtest.moment import Position, cell_of


class Coverage:
    """The cells visited so far.

    Attributes:
        cell: Side of a cell, in the game's units.
        visits: Decisions made in each cell, by (column, row).
        curve: How many cells had been visited after each decision.
    """

    def __init__(self, cell: float) -> None:
        self.cell = cell
        self.visits: Counter[tuple[int, int]] = Counter()
        self.curve: list[int] = []

    def visit(self, position: Position | None) -> None:
        """Count one decision at `position`; None where the game does not say."""
        if position is not None:
            self.visits[cell_of(position, self.cell)] += 1
        self.curve.append(len(self.visits))

    @property
    def num_cells(self) -> int:
        """How many different cells were visited."""
        return len(self.visits)

    @property
    def area(self) -> float:
        """The area of the visited cells, in square units."""
        return self.num_cells * self.cell**2


def joined(parts: Iterable[Coverage], cell: float) -> Coverage:
    """Return the coverage of several runs one after the other."""
    whole = Coverage(cell)
    for each in parts:
        whole.curve += _joined_curve(whole, each)
        whole.visits += each.visits
    return whole


def _joined_curve(before: Coverage, added: Coverage) -> list[int]:
    """The curve of `added` once the cells of `before` no longer count as new.

    Cells keep the order of their first visit, so each rise of a curve is the next key of its counter.
    """
    fresh = [0]
    for cell in added.visits:
        fresh.append(fresh[-1] + (cell not in before.visits))
    return [before.num_cells + fresh[height] for height in added.curve]
