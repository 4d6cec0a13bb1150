"""Like situations in different sessions: an embedding of what is seen, and nearest neighbours in it.

Numbers are standardised over all sessions; pictures are small, grey, with their edges beside them. Both are reduced to
a few principal components. Nothing is learned that would have to be trained for long: this is for holding sessions
against each other, not for playing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.session import Session

_PER_SESSION = 600
_POOL = 8_000
_COMPONENTS = 12
_NEIGHBOURS = 8
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Sample:
    """Some steps of all sessions.

    Attributes:
        session: The number of the session of each, shape (n,).
        steps: The number of the step, shape (n,).
        points: What was seen, embedded, float32, shape (n, components).
        change: How the embedding changed to the next step, float32, the same shape.
    """

    session: np.ndarray
    steps: np.ndarray
    points: np.ndarray
    change: np.ndarray


@dataclass(frozen=True)
class Neighbours:
    """The nearest steps of *other* sessions.

    Attributes:
        index: Into the sample, shape (n, neighbours).
        distance: Shape (n, neighbours).
    """

    index: np.ndarray
    distance: np.ndarray


def sample_steps(sessions: Sequence[Session]) -> Sample:
    """Embed steps spread evenly over each session."""
    each = max(2, min(_PER_SESSION, _POOL // len(sessions)))
    steps = [np.unique(np.linspace(0, session.num_steps - 2, each).astype(int)) for session in sessions]
    now = np.concatenate([describe(session, at) for session, at in zip(sessions, steps, strict=True)])
    after = np.concatenate([describe(session, at + 1) for session, at in zip(sessions, steps, strict=True)])
    center, axes = _components(now)
    points = ((now - center) @ axes).astype(np.float32)
    change = ((after - center) @ axes).astype(np.float32) - points
    owners = np.concatenate([np.full(len(at), index) for index, at in enumerate(steps)])
    return Sample(owners, np.concatenate(steps), points, change)


def nearest(sample: Sample) -> Neighbours:
    """Find each step's nearest steps in the other sessions, by brute force."""
    num = len(sample.points)
    squares = (sample.points**2).sum(axis=1)
    index, distance = np.empty((num, _NEIGHBOURS), np.int64), np.empty((num, _NEIGHBOURS), np.float32)
    for first in range(0, num, _ROWS_AT_ONCE):
        rows = slice(first, min(first + _ROWS_AT_ONCE, num))
        away = squares[rows, None] + squares - 2 * sample.points[rows] @ sample.points.T
        away[sample.session[rows, None] == sample.session] = np.inf
        near = np.argpartition(away, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
        index[rows], distance[rows] = near, np.sqrt(np.maximum(np.take_along_axis(away, near, axis=1), 0))
    return Neighbours(index, distance)


def describe(session: Session, steps: np.ndarray) -> np.ndarray:
    """Return numbers of what is seen at some steps, float32, shape (steps, numbers)."""
    parts: list[np.ndarray] = [np.asarray(session.column(name, "values")[steps]) for name in session.vectors]
    for name in session.pictures:
        small = np.asarray(session.column(name, "small")[steps], np.float32) / 255
        edges = np.abs(np.diff(small, axis=2)) * np.float32(2)
        # A picture counts as much as a few numbers do, not as its hundreds of points.
        parts.append(
            np.concatenate([small.reshape(len(steps), -1), edges.reshape(len(steps), -1)], axis=1) * np.float32(0.5)
        )
    return np.concatenate(parts, axis=1)


def _components(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean, and the matrix that standardises and projects to principal components."""
    center, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-3)
    scaled = (values - center) / spread
    covariance = scaled.T @ scaled / len(scaled)
    _, vectors = np.linalg.eigh(covariance)
    return center, vectors[:, ::-1][:, :_COMPONENTS] / spread[:, None]
