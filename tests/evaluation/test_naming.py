"""Naming runs by a few numbers each."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.evaluation.naming import fit_namer


def _examples(seed: int) -> tuple[np.ndarray, list[str]]:
    """Three names, five numbers; what tells them apart is small beside a number that tells nothing."""
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c"] * 12
    rows = rng.normal(0, 0.05, (36, 5))
    rows[:, 0] += [["a", "b", "c"].index(each) * 0.5 for each in names]
    rows[:, 1] = rng.normal(0, 20, 36)
    rows[:, 4] = 0
    return rows, names


def test_new_runs_are_named() -> None:
    """Runs that were not among the examples get their names, whatever the scale of numbers that tell nothing."""
    namer = fit_namer(*_examples(0))
    rows, names = _examples(1)
    assert namer.name(rows) == names


def test_one_name_is_no_choice() -> None:
    """Examples of one name are refused in a sentence."""
    with pytest.raises(UnderstudyError, match="two names"):
        fit_namer(np.zeros((3, 2)), ["a"] * 3)
