"""Coverage against decisions: the mean over the runs of a persona, with its interval over their seeds."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from understudy.playtest.coverage.counting import Coverage
from understudy.playtest.coverage.measures import Key

_POINTS = 161
_DRAWS = 1000


@dataclass(frozen=True)
class Growth:
    """How coverage grows.

    Attributes:
        steps: Decisions made, shape (points,).
        mean: Keys met by then, the mean over runs, shape (points,).
        low: The lower end of its 95 % bootstrap interval over runs, shape (points,); `mean` if there is one run.
        high: The upper end.
    """

    steps: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def grow(runs: Sequence[Coverage], longest: int, among: Set[Key] | None = None) -> Growth:
    """Return how the coverage of these runs grows over `longest` decisions.

    A run that ended early stays at what it had.

    Args:
        runs: At least one, of one persona.
        longest: Decisions to show.
        among: Count these keys only.
    """
    steps = np.unique(np.linspace(0, longest, _POINTS).round().astype(int))
    curves = np.array([each.growth(steps, among) for each in runs], np.float64)
    low, high = _interval(curves)
    return Growth(steps, curves.mean(0), low, high)


def _interval(curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The percentile bootstrap of the mean, by the weights that resampling whole runs gives them.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", section 13.3.
    """
    count = len(curves)
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _DRAWS) / count
    low, high = np.percentile(weights @ curves, [2.5, 97.5], axis=0)
    return low, high
