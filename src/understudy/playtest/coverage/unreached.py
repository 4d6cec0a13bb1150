"""What was never reached, as connected regions, the largest first."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import product

import numpy as np

from understudy.playtest.coverage.measures import Key


@dataclass(frozen=True)
class Region:
    """Cells that touch each other.

    Attributes:
        cells: How many.
        centre: Of the cell that is nearest to their mean, in the game's units.
    """

    cells: int
    centre: tuple[float, ...]


def unreached_regions(missing: Set[Key], side: float) -> list[Region]:
    """Return the regions of cells that nobody visited, the largest first.

    Args:
        missing: Cells of `Cells`: reachable, and not visited.
        side: Of a cell.
    """
    left = {tuple(int(part) for part in each) for each in missing}
    regions = []
    while left:
        members = np.array(_flood(left.pop(), left))
        middle = members[np.linalg.norm(members - members.mean(0), axis=1).argmin()]
        regions.append(Region(len(members), tuple(((middle + 0.5) * side).tolist())))
    return sorted(regions, key=lambda each: (-each.cells, each.centre))


def _flood(start: tuple[int, ...], left: set[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Take the cells out of `left` that hang together with `start`, corners included."""
    region, waiting = [start], [start]
    while waiting:
        for cell in _beside(waiting.pop()):
            if cell in left:
                left.remove(cell)
                region.append(cell)
                waiting.append(cell)
    return region


def _beside(cell: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for shift in product((-1, 0, 1), repeat=len(cell)):
        yield tuple(part + step for part, step in zip(cell, shift, strict=True))
