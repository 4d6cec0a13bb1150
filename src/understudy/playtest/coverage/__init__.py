"""Where players have been: cells of the level, polygons of its navigation mesh, or states that a user tells apart.

`options` is what a spec says; a `Measure` gives each decision its key; a `Coverage` counts the keys of one run as it is
played, in memory that grows with the keys and not with the decisions.
"""

from __future__ import annotations

from understudy.playtest.coverage.counting import Coverage, union
from understudy.playtest.coverage.measures import Key, Measure, open_measure
from understudy.playtest.coverage.options import CoverageSpec

__all__ = ["Coverage", "CoverageSpec", "Key", "Measure", "open_measure", "union"]
