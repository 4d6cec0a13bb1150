"""Runs of a condition along a recording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Range = tuple[int, int]


def find_runs(held: np.ndarray) -> np.ndarray:
    """Return the half-open ranges in which a condition holds.

    Args:
        held: Shape (steps,), bool.

    Returns:
        Shape (runs, 2), int64: start and stop of each, in order.
    """
    edges = np.diff(np.concatenate([[0], np.asarray(held, np.int8), [0]]))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=1)


def bridge(held: np.ndarray, gap: int) -> np.ndarray:
    """Return the condition with pauses of at most `gap` steps between two runs filled."""
    held = np.asarray(held, bool).copy()
    for start, stop in find_runs(~held):
        if start > 0 and stop < len(held) and stop - start <= gap:
            held[start:stop] = True
    return held


def outside(cuts: Iterable[Range], length: int) -> tuple[Range, ...]:
    """Return what is left of `range(length)` without some ranges, in order."""
    kept, at = [], 0
    for start, stop in sorted(cuts):
        if start > at:
            kept.append((at, min(start, length)))
        at = max(at, stop)
    if at < length:
        kept.append((at, length))
    return tuple(each for each in kept if each[1] > each[0])


def overlap(first: Range, second: Range) -> int:
    """How many steps two ranges share."""
    return max(0, min(first[1], second[1]) - max(first[0], second[0]))


def as_range(run: Sequence[int] | np.ndarray) -> Range:
    """Return a run as a pair of Python integers."""
    return int(run[0]), int(run[1])
