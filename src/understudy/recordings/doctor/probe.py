"""The simplest imitator: do what others did where it looked most like this.

It needs no training, and says how much sessions have to say about each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.matching import sample_steps
from understudy.recordings.doctor.session import Session

_NEIGHBOURS = 8
_CHUNK = 1024


@dataclass(frozen=True)
class Guess:
    """What the probe says of some steps.

    Attributes:
        error: Squared error of the inputs guessed, in the variance of all inputs: 1 is no better than guessing their
            mean. Shape (steps,).
        distance: To the nearest steps that it knew, shape (steps,).
    """

    error: np.ndarray
    distance: np.ndarray


class Probe:
    """Nearest neighbours among some hundred steps of each session, by what is seen.

    Args:
        sessions: Of one behaviour.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        sample = sample_steps(sessions)
        self._owner, self._seen = sample.session, sample.points
        done = [session.inputs.features[sample.steps[self._owner == index]] for index, session in enumerate(sessions)]
        self._done = np.concatenate(done)
        self._variance = max(float(self._done.var(axis=0).sum()), 1e-9)

    def guess(self, asked: Sequence[int], known: Sequence[int], *, one_each: bool = False) -> Guess:
        """Guess the inputs of some sessions from those of others, each session without itself.

        Args:
            asked: Numbers of the sessions.
            known: Numbers of the sessions to learn from.
            one_each: Ask each of those only for its nearest step, so that no session outvotes the others.
        """
        rows = np.flatnonzero(np.isin(self._owner, asked))
        pool = np.flatnonzero(np.isin(self._owner, known))
        pieces = [self._guess(rows[start : start + _CHUNK], pool, one_each) for start in range(0, len(rows), _CHUNK)]
        return Guess(*(np.concatenate(column) for column in zip(*pieces, strict=True)))

    def _guess(self, rows: np.ndarray, pool: np.ndarray, one_each: bool) -> tuple[np.ndarray, np.ndarray]:
        one, other = self._seen[rows], self._seen[pool]
        gaps = ((one**2).sum(1)[:, None] + (other**2).sum(1) - 2 * one @ other.T).clip(min=0)
        gaps[self._owner[rows][:, None] == self._owner[pool]] = np.inf
        if one_each:
            first = np.flatnonzero(np.diff(self._owner[pool], prepend=-1))
            best = np.stack([start + part.argmin(axis=1) for start, part in _parts(gaps, first)], axis=1)
            pool, gaps = pool[best], np.take_along_axis(gaps, best, axis=1)
        else:
            pool = np.broadcast_to(pool, gaps.shape)
        count = min(_NEIGHBOURS, gaps.shape[1])
        nearest = np.argpartition(gaps, count - 1, axis=1)[:, :count]
        done = self._done[np.take_along_axis(pool, nearest, axis=1)].mean(axis=1)
        error = ((done - self._done[rows]) ** 2).sum(axis=1) / self._variance
        return error, np.sqrt(np.take_along_axis(gaps, nearest, axis=1).mean(axis=1))


def _parts(columns: np.ndarray, first: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Cut columns where sessions begin."""
    return list(zip(first.tolist(), np.split(columns, first[1:], axis=1), strict=True))
