"""One embedding of the moments of many sessions: what was seen, what was done around it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.matching import describe
from understudy.recordings.doctor.session import Session

_CONTEXTS_S = (0.5, 1.5)
_SIZE = 24
_MOMENTS = 400
_FITTED = 20_000
# What is done tells playing from fooling around sooner than what is seen, which differs from place to place anyway.
_DONE, _SEEN = 3.0, 0.3


class Embedding:
    """The first principal components over all sessions, each feature in its own standard deviations.

    Args:
        sessions: Of one behaviour.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        features = [moments(each) for each in sessions]
        together = np.concatenate([each.values for each in features])
        sample = together[np.random.default_rng(0).permutation(len(together))[:_FITTED]]
        self._mean, spread = sample.mean(axis=0), sample.std(axis=0)
        self._scale = np.where(spread > 1e-6, features[0].weights / np.maximum(spread, 1e-6), 0.0)
        _, _, axes = np.linalg.svd((sample - self._mean) * self._scale, full_matrices=False)
        self._axes = axes[:_SIZE].T
        self._moments = {
            session.name: (self._project(each.values), each.steps)
            for session, each in zip(sessions, features, strict=True)
        }

    def of(self, session: Session) -> tuple[np.ndarray, np.ndarray]:
        """Return moments of a session, float32, shape (moments, size), and their steps."""
        return self._moments[session.name]

    def _project(self, values: np.ndarray) -> np.ndarray:
        return (((values - self._mean) * self._scale) @ self._axes).astype(np.float32)


@dataclass(frozen=True)
class Moments:
    """What describes some hundred moments of a session, evenly spread.

    Attributes:
        values: Shape (moments, features).
        weights: How much each feature counts, shape (features,).
        steps: Of the moments, int64.
    """

    values: np.ndarray
    weights: np.ndarray
    steps: np.ndarray


def moments(session: Session) -> Moments:
    """Describe moments: what is seen, how it changed and will change, and the mean of the inputs in between."""
    steps = np.arange(0, session.num_steps, max(1, -(-session.num_steps // _MOMENTS)))
    seen, inputs, last = describe(session, steps), session.inputs.features, session.num_steps - 1
    # Sums up to each step, so that every mean costs the same.
    sums = np.concatenate([np.zeros((1, inputs.shape[1])), inputs.cumsum(axis=0, dtype=np.float64)])
    columns, weights = [seen], [np.full(seen.shape[1], _SEEN)]
    for context in (session.steps(each) for each in _CONTEXTS_S):
        later, before = np.minimum(steps + context, last), np.maximum(steps - context, 0)
        columns += [describe(session, later) - seen, seen - describe(session, before)]
        columns.append((sums[later + 1] - sums[before]) / (later + 1 - before)[:, None])
        weights += [np.full(2 * seen.shape[1], _SEEN / 2), np.full(inputs.shape[1], _DONE)]
    return Moments(np.concatenate(columns, axis=1), np.concatenate(weights), steps)
