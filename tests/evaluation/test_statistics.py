from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.evaluation.statistics import bootstrap_interval, js_divergence, mean_interval

histograms = arrays(np.float64, 5, elements=st.floats(0.001, 100))


@given(histograms, histograms)
def test_divergence_is_symmetric_and_between_nought_and_one(p: np.ndarray, q: np.ndarray) -> None:
    """The divergence of two histograms lies in [0, 1] bits and does not depend on their order or their size."""
    value = js_divergence(p, q)
    assert -1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(js_divergence(3 * q, p), abs=1e-9)


def test_divergence_of_known_histograms() -> None:
    """Equal histograms diverge by 0 bits, disjoint ones by 1, and (1, 0) from (1/2, 1/2) by 0.3113."""
    assert js_divergence(np.array([2, 3]), np.array([4, 6])) == pytest.approx(0)
    assert js_divergence(np.array([5, 0]), np.array([0, 2])) == pytest.approx(1)
    assert js_divergence(np.array([1, 0]), np.array([1, 1])) == pytest.approx(0.311278, abs=1e-6)


def test_intervals_hold_the_mean_they_are_of() -> None:
    """Of many samples from a known distribution, about 95 % of the intervals hold its mean."""
    rng = np.random.default_rng(1)
    samples = rng.normal(3.0, 1.0, (120, 30))
    intervals = [mean_interval(sample.tolist()) for sample in samples]
    assert 0.87 <= np.mean([each.low <= 3.0 <= each.high for each in intervals]) <= 0.99


def test_one_item_has_no_width() -> None:
    """The interval of a single item is the item itself."""
    assert bootstrap_interval([4.0], lambda items: items[0], draws=50) == (4.0, 4.0)
