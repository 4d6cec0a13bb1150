"""The distance between walks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.evaluation.paths import poses, warped_distance

WALKS = st.integers(1, 7).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(-9, 9, width=16)))


def _by_definition(a: np.ndarray, b: np.ndarray) -> float:
    """The textbook's recurrence, cell by cell."""
    cost = np.linalg.norm(a[:, None] - b[None], axis=2)
    best = np.full((len(a) + 1, len(b) + 1), np.inf)
    best[0, 0] = 0
    for i in range(len(a)):
        for j in range(len(b)):
            step = cost[i, j]
            best[i + 1, j + 1] = min(best[i, j] + 2 * step, best[i, j + 1] + step, best[i + 1, j] + step)
    return float(best[-1, -1] / (len(a) + len(b)))


@given(WALKS, WALKS)
def test_it_is_the_best_alignment(a: np.ndarray, b: np.ndarray) -> None:
    """The rows in one go give what the recurrence gives, and the same both ways round."""
    assert warped_distance(a, b) == pytest.approx(_by_definition(a, b), abs=1e-9)
    assert warped_distance(a, b) == pytest.approx(warped_distance(b, a), abs=1e-9)


@given(WALKS)
def test_pace_does_not_count(walk: np.ndarray) -> None:
    """A walk at half the pace is the same walk."""
    assert warped_distance(walk, np.repeat(walk, 2, axis=0)) == pytest.approx(0, abs=1e-9)


def test_views_count() -> None:
    """Who walks the same way and looks back is as far off as the view is weighed."""
    place, straight = np.zeros((4, 3)), np.zeros(4)
    away = warped_distance(poses(place, straight, straight, 1.0), poses(place, straight + 180, straight, 1.0))
    assert away == pytest.approx(2.0)
