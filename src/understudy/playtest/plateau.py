"""Whether a persona has seen what it will see: its newest runs or decisions added next to nothing to its coverage."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.playtest.coverage import Coverage, union
from understudy.playtest.run.trace import Trace
from understudy.playtest.spec import PlateauSpec


def has_plateaued(plateau: PlateauSpec, coverage: Coverage) -> bool:
    """Return whether the last decisions of a run added too little to what the run had seen before them."""
    steps = plateau.steps
    if steps is None or coverage.decisions <= steps:
        return False
    return _too_little(plateau, before=coverage.met_by(coverage.decisions - steps), after=coverage.num_cells)


def has_seen_all(plateau: PlateauSpec, traces: Sequence[Trace]) -> bool:
    """Return whether the last `plateau.runs` of a persona's runs added too little to what those before had seen."""
    if plateau.runs is None or len(traces) <= plateau.runs:
        return False
    parts = [each.coverage for each in traces]
    return _too_little(plateau, before=len(union(parts[: -plateau.runs])), after=len(union(parts)))


def _too_little(plateau: PlateauSpec, *, before: int, after: int) -> bool:
    return (after - before) * 100 < plateau.percent * before
