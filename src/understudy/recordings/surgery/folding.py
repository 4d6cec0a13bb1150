"""Steps put together: how columns of many steps become columns of fewer, by a rule for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from gymnasium import spaces

from understudy.recordings.formats.protocol import Rows
from understudy.recordings.surgery.operations import Rule
from understudy.spec import ActionSpec


def allowed_rules(part: ActionSpec) -> tuple[Rule, ...]:
    """Return by which rules values of a part can be put together, its own first."""
    if isinstance(part.space, spaces.Discrete):
        return ("majority", "first", "last")
    if isinstance(part.space, spaces.MultiBinary):
        return ("any", "first", "last")
    is_delta = part.units.endswith("per decision")
    return ("sum", "mean", "first", "last") if is_delta else ("mean", "sum", "first", "last")


def fold(rows: Rows, edges: np.ndarray, rules: Mapping[str, Rule]) -> Rows:
    """Put groups of steps together.

    Args:
        rows: Without observations, of n steps.
        edges: Rising from 0 to n, int64, shape (groups + 1,); group g begins at edges[g] and ends before edges[g + 1].
        rules: By action part.

    Returns:
        One row a group; ticks, clock and extras are those of its first step.
    """
    starts = edges[:-1]
    return Rows(
        {},
        {name: _FOLDS[rules[name]](values, edges).astype(values.dtype) for name, values in rows.actions.items()},
        _sum_known(np.asarray(rows.rewards), edges),
        _gather(rows.events or (), edges),
        np.asarray(rows.ticks)[starts],
        np.asarray(rows.times_ns)[starts],
        {name: values[starts] for name, values in rows.extras.items()},
    )


def pick(rows: Rows, indices: np.ndarray) -> Rows:
    """Return some rows, without observations; `indices` is int64, in any order."""
    return replace(
        rows,
        actions={name: values[indices] for name, values in rows.actions.items()},
        rewards=np.asarray(rows.rewards)[indices],
        events=[(rows.events or ())[index] for index in indices],
        ticks=np.asarray(rows.ticks)[indices],
        times_ns=np.asarray(rows.times_ns)[indices],
        extras={name: values[indices] for name, values in rows.extras.items()},
    )


def _sum(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    # In float64, so that a sum of whole numbers is exact.
    return np.add.reduceat(values.astype(np.float64), edges[:-1], axis=0)


def _mean(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return _sum(values, edges) / np.diff(edges).reshape(-1, *(1,) * (values.ndim - 1))


def _any(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.maximum.reduceat(values, edges[:-1], axis=0)


def _majority(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    groups = np.split(values, edges[1:-1])
    return np.array([_most_common(group) for group in groups], values.dtype)


def _most_common(choices: np.ndarray) -> int:
    """The choice that was held longest; of equals, the latest."""
    counts = np.bincount(choices)
    return int(choices[np.flatnonzero(counts[choices] == counts.max())[-1]])


def _sum_known(rewards: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Sums of what is known, NaN where nothing is."""
    known = ~np.isnan(rewards)
    total = _sum(np.where(known, rewards, 0), edges)
    return np.where(_any(known, edges), total, np.nan).astype(np.float32)


def _gather(events: Sequence[Sequence[str]], edges: np.ndarray) -> list[list[str]]:
    return [[word for words in events[start:stop] for word in words] for start, stop in pairwise(edges)]


_FOLDS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "sum": _sum,
    "mean": _mean,
    "any": _any,
    "majority": _majority,
    "first": lambda values, edges: values[edges[:-1]],
    "last": lambda values, edges: values[edges[1:] - 1],
}
