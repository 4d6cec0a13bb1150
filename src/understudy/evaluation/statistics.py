"""The few statistics every report needs: divergence between histograms, and how certain a mean is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_DRAWS = 2000


def js_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence of two histograms, in bits: 0 if equal, 1 if they share nothing.

    Args:
        p: Counts or probabilities, not negative, shape (bins,).
        q: Likewise.

    Source: Lin 1991, "Divergence measures based on the Shannon entropy", section IV, with equal weights.
    """
    p, q = (each / each.sum() for each in (np.asarray(p, float), np.asarray(q, float)))
    middle = (p + q) / 2
    return (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> float:
    inside = p > 0
    return float((p[inside] * np.log2(p[inside] / q[inside])).sum())


def bootstrap_interval(
    items: Sequence, statistic: Callable[[list], float], *, draws: int = _DRAWS, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic under resampling of whole items, such as runs.

    Args:
        items: What was sampled independently.
        statistic: From a list of items to a number.
        draws: Resamples.
        seed: Of the resampling.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", section 13.3.
    """
    rng = np.random.default_rng(seed)
    values = [statistic([items[i] for i in rng.integers(len(items), size=len(items))]) for _ in range(draws)]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


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
    """
    low, high = bootstrap_interval(values, lambda drawn: float(np.mean(drawn)), seed=seed)
    return Interval(float(np.mean(values)), low, high)
