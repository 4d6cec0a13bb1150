from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from understudy.playtest.findings.rate import Rate, wilson_interval


@given(st.integers(1, 200).flatmap(lambda tries: st.tuples(st.integers(0, tries), st.just(tries))))
def test_the_interval_is_wilsons(counts: tuple[int, int]) -> None:
    """The interval is that of SciPy, and holds the share."""
    hits, tries = counts
    low, high = wilson_interval(hits, tries)
    known = binomtest(hits, tries).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-6)
    assert low <= hits / tries <= high


@pytest.mark.parametrize(
    ("hits", "tries", "words"),
    [
        (5, 5, "5 of 5 times (deterministic: 57 to 100 %)"),
        (3, 5, "3 of 5 times (flaky: 23 to 88 %)"),
        (0, 3, "0 of 3 times (not reproduced: 0 to 56 %)"),
        (0, 0, "0 of 0 times (not tried)"),
    ],
)
def test_a_rate_in_words(hits: int, tries: int, words: str) -> None:
    """A rate says what kind of bug it is and how sure that is."""
    assert str(Rate(hits, tries)) == words
