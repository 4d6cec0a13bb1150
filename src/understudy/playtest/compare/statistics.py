"""What pairs of runs can tell: a permutation test, an interval, and the correction for having tested many things."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

ALPHA = 0.05
"""A difference is called certain where its corrected p-value is below this."""
_MOST_EXACT = 14
_DRAWS = 20_000


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p-value of a mean difference, by flipping the signs of the pairs.

    Under the hypothesis that the build changed nothing, each pair is as likely to come out the other way round. Up to
    14 pairs that differ, every way is counted; beyond, 20,000 are drawn.

    Args:
        differences: After minus before, one for each pair.

    Source: Good 2005, "Permutation, parametric and bootstrap tests of hypotheses", section 3.2; one is added to drawn
    counts as in Phipson and Smyth 2010, "Permutation p-values should never be zero".
    """
    changed = np.array([each for each in differences if each != 0], np.float64)
    if not len(changed):
        return 1.0
    seen = abs(changed.sum()) * (1 - 1e-12)
    if len(changed) <= _MOST_EXACT:
        bits = np.arange(1 << len(changed))[:, None] >> np.arange(len(changed)) & 1
        return float((np.abs((1 - 2 * bits) @ changed) >= seen).mean())
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (_DRAWS, len(changed)))
    return float(((np.abs(signs @ changed) >= seen).sum() + 1) / (_DRAWS + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for how many there are.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    corrected, highest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def pairs_needed(tests: int) -> int:
    """Return how many pairs must all differ the same way before one of so many tests can be certain."""
    return math.floor(math.log2(2 * max(1, tests) / ALPHA)) + 1
