"""Totals per persona: the mean over its runs and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

from understudy.evaluation.statistics import Interval, mean_interval
from understudy.playtest.run.trace import Trace

UNITS = {
    "seconds alive": ("time alive", "s"),
    "distance": ("distance", "units"),
    "area": ("area", "sq. units"),
    "seconds stuck": ("time stuck", "s"),
    "progress": ("progress", ""),
    "deaths": ("deaths", ""),
    "kills": ("kills", ""),
    "damage dealt": ("damage dealt", ""),
    "reward": ("reward", ""),
}
"""The totals that a report shows, in its order: title and units."""


def summarise(traces: Sequence[Trace]) -> dict[str, Interval]:
    """Return each total of `UNITS` that every one of these runs has, by name."""
    totals = [each.totals() for each in traces if each.played]
    shared = [name for name in UNITS if totals and all(name in each for each in totals)]
    return {name: mean_interval([each[name] for each in totals]) for name in shared}
