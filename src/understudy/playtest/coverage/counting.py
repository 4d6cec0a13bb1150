"""The count of one run: how often each key was met, and when first."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from understudy.errors import PlaytestError
from understudy.playtest.coverage.measures import Cells, Key, Measure, Polygons
from understudy.playtest.coverage.navmesh import Navmesh
from understudy.playtest.coverage.trail import Trail
from understudy.playtest.run.moment import Number, Position


class Coverage:
    """What one run has visited so far.

    Args:
        measure: Gives each decision its key; a number is the side of square cells.

    Attributes:
        visits: Decisions made at each key.
        first: The decision that met each key first, in the order of their coming.
        decisions: How many there were, with those that had no key.
        trail: The player's path, thinned.
        reachable: The keys that the game says a player can reach; None if it does not say.
        problem: Why nothing more is counted, in a sentence; empty if all is well.
    """

    def __init__(self, measure: Measure | float) -> None:
        self.measure = Cells(measure) if isinstance(measure, (int, float)) else measure
        self.visits: Counter[Key] = Counter()
        self.first: dict[Key, int] = {}
        self._ticks: list[int] = []
        self.decisions = 0
        self.trail = Trail()
        self.reachable: frozenset[Key] | None = None
        self.problem = ""

    def survey(self, report: Mapping[str, Any]) -> None:
        """Take in what `survey.survey` found in the game's process."""
        if isinstance(self.measure, Polygons) and report.get("navmesh"):
            self.measure.mesh = Navmesh(report["navmesh"])
        if report.get("reachable") is not None:
            self.reachable = frozenset(tuple(each) for each in report["reachable"])
        self.problem = self.problem or report.get("problem", "")

    def visit(self, position: Position | None, info: Mapping[str, Number] | None = None) -> None:
        """Count one decision at `position`, None where the game does not say, with the numbers of `info`."""
        tick, self.decisions = self.decisions, self.decisions + 1
        if position is not None:
            self.trail.add(position)
        key = self._key(position, info or {}) if not self.problem else None
        if key is None:
            return
        self.visits[key] += 1
        if key not in self.first:
            self.first[key] = tick
            self._ticks.append(tick)

    def _key(self, position: Position | None, info: Mapping[str, Number]) -> Key | None:
        try:
            return self.measure.key(position, info)
        except PlaytestError as error:
            self.problem = str(error)
            return None

    def met_by(self, decisions: int) -> int:
        """Return how many keys had been met after so many decisions."""
        return bisect_left(self._ticks, decisions)

    def growth(self, steps: np.ndarray, among: Set[Key] | None = None) -> np.ndarray:
        """Return how many keys had been met after each of `steps` decisions; of those in `among` if it is given."""
        firsts = self._ticks if among is None else [tick for key, tick in self.first.items() if key in among]
        return np.searchsorted(np.array(firsts, np.int64), steps, side="left")

    @property
    def num_cells(self) -> int:
        """How many different keys were met."""
        return len(self.visits)

    @property
    def area(self) -> float | None:
        """The area of what was visited, in square units; None if states are counted."""
        return self.measure.area(self.visits.keys())


def union(parts: Iterable[Coverage]) -> set[Key]:
    """Return every key that one of these runs met."""
    return set().union(*(each.visits for each in parts))
