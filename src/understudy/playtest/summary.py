"""Totals per persona: the mean over its runs and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.playtest.trace import Trace

_RESAMPLES = 2000
UNITS = {
    "seconds alive": ("time alive", "s"),
    "distance": ("distance", "units"),
    "area": ("area", "sq. units"),
    "seconds stuck": ("time stuck", "s"),
    "kills": ("kills", ""),
    "damage dealt": ("damage dealt", ""),
    "reward": ("reward", ""),
}
"""The totals that a report shows, in its order: title and units."""


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; the same number three times if there is only one run."""

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Return the mean and its 95 % percentile bootstrap interval.

    Args:
        values: One per run, at least one.
        seed: Of the resampling; the same values give the same interval.

    Source:
        Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    array = np.asarray(values, float)
    picks = np.random.default_rng(seed).integers(0, len(array), (_RESAMPLES, len(array)))
    low, high = np.percentile(array[picks].mean(axis=1), (2.5, 97.5))
    return Interval(float(array.mean()), float(low), float(high))


def summarise(traces: Sequence[Trace]) -> dict[str, Interval]:
    """Return each total of `UNITS` that every one of these runs has, by name."""
    totals = [each.totals() for each in traces if each.played]
    shared = [name for name in UNITS if totals and all(name in each for each in totals)]
    return {name: mean_interval([each[name] for each in totals]) for name in shared}
