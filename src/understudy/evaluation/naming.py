"""Naming runs by a few numbers each: linear discriminant analysis, for small sets of many classes' examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.errors import UnderstudyError

_SHRINK = 0.1


@dataclass(frozen=True)
class Namer:
    """Names runs.

    Attributes:
        names: Sorted.
        means: Of each name's examples, whitened, shape (names, size).
        centre: Of all examples, shape (size,).
        whitening: Shape (size, size): examples of one name spread alike in all directions after it.
    """

    names: tuple[str, ...]
    means: NDArray
    centre: NDArray
    whitening: NDArray

    def name(self, features: NDArray) -> list[str]:
        """Return the name whose examples are nearest to each row of `features`, shape (runs, size)."""
        spots = (np.asarray(features, np.float64) - self.centre) @ self.whitening
        away = np.linalg.norm(spots[:, None] - self.means[None], axis=2)
        return [self.names[k] for k in away.argmin(axis=1)]


def fit_namer(features: NDArray, labels: Sequence[str]) -> Namer:
    """Fit a namer to examples.

    Args:
        features: Shape (examples, size).
        labels: One name each.

    Raises:
        UnderstudyError: If there are not two names, or fewer examples than labels.

    Source: Fisher 1936, with the covariance within classes pulled to its diagonal by a tenth, as in Friedman 1989,
        "Regularized discriminant analysis", since examples are few.
    """
    examples, names = np.asarray(features, np.float64), tuple(sorted(set(labels)))
    if len(names) < 2 or len(examples) != len(labels):
        raise UnderstudyError(f"Runs are told apart by examples of two names or more; there are {len(names)}.")
    owner = np.array([names.index(each) for each in labels])
    means = np.stack([examples[owner == k].mean(axis=0) for k in range(len(names))])
    within = (examples - means[owner]).T @ (examples - means[owner]) / len(examples)
    floor = 1e-6 + 1e-3 * examples.var(axis=0)
    within = (1 - _SHRINK) * within + np.diag(_SHRINK * np.diag(within) + floor)
    values, vectors = np.linalg.eigh(within)
    whitening, centre = vectors / np.sqrt(values), examples.mean(axis=0)
    return Namer(names, (means - centre) @ whitening, centre, whitening)
