"""How unlikely it is that a picture stands still while a player does what they do.

A picture that stands still says nothing by itself: people stand still. What says something is a picture that stands
still while keys are held that nearly always move it. How nearly always is counted over all sessions of a behaviour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.lags import lag_of
from understudy.recordings.doctor.runs import as_range, find_runs
from understudy.recordings.doctor.session import Session

_STILL_GREY_LEVELS = 0.25
_STILL_SHARE = 0.05
_FEWEST_ACTIVE = 40
_FEWEST_IN_SESSION = 5
_FEW_SESSIONS = 4
_NEARLY_NEVER = 0.002
_SURE_LAG = 0.9
_PRIOR = 2.0


@dataclass(frozen=True)
class Stillness:
    """How often the picture stands still all the same, by key that nearly always moves it.

    Attributes:
        begins: The share of all steps after one with the key held.
        goes_on: The share of those whose step before was still already.
    """

    begins: dict[str, float]
    goes_on: dict[str, float]


def still_steps(session: Session, motion: np.ndarray) -> np.ndarray:
    """Whether nothing moved since the step before, shape (steps,), bool."""
    least = _STILL_GREY_LEVELS if session.pictures else 1e-6
    moving = motion[motion > least]
    still = motion <= max(least, _STILL_SHARE * float(np.median(moving)) if len(moving) else least)
    still[:1] = False
    return still


def expect_stillness(sessions: Sequence[Session]) -> Stillness:
    """Count over all sessions, each for no more than most of them say: a session that froze must not make it usual.

    Only keys that nearly always move the picture are kept. Walking does not, where there are walls.
    """
    found = [_count(session, spare=len(sessions) < _FEW_SESSIONS) for session in sessions]
    begins, goes_on = {}, {}
    for key in {key for each in found for key in each}:
        active, still, both, ends = np.array([each[key] for each in found if key in each]).T
        share = float((_usual(still).sum() + 0.5) / (active.sum() + 1))
        if active.sum() >= _FEWEST_ACTIVE and share <= _NEARLY_NEVER:
            begins[key], goes = share, _usual(both).sum()
            goes_on[key] = float((goes + _PRIOR * math.sqrt(share)) / (goes + ends.sum() + _PRIOR))
    return Stillness(begins, goes_on)


def _usual(counts: np.ndarray) -> np.ndarray:
    return np.minimum(counts, np.quantile(counts, 0.75))


def _count(session: Session, *, spare: bool) -> dict[str, tuple[int, int, int, int]]:
    """For each key: steps after it was held, of these still, of these with the step before still, and ends.

    With `spare` the longest still run is left out: where there are few sessions to compare, it may be what hung.
    """
    still = still_steps(session, session.view)
    counts = {name: _count_key(still, held, spare) for name, held in _answered(session)}
    return {name: each for name, each in counts.items() if each[0] >= _FEWEST_IN_SESSION}


def _count_key(still: np.ndarray, held: np.ndarray, spare: bool) -> tuple[int, int, int, int]:
    runs = find_runs(still & held)
    if spare and len(runs):
        start, stop = as_range(runs[np.argmax(runs[:, 1] - runs[:, 0])])
        held = held.copy()
        held[start:stop] = False
    before = held & np.concatenate([[False], still[:-1]])
    return int(held.sum()), int((held & still).sum()), int((before & still).sum()), int((before & ~still).sum())


def _answered(session: Session) -> Iterator[tuple[str, np.ndarray]]:
    """For each key, the steps that should answer to it; for no key, all steps: some games never stand still."""
    yield "", np.ones(session.num_steps, bool)
    late = 1 + _lag(session)
    for key in session.inputs.keys:
        held = np.roll(key.held, late)
        held[: max(0, late)] = False
        held[len(held) + min(0, late) :] = False
        yield key.name, held


def _lag(session: Session) -> int:
    found = [lag for name in session.behavior.sensor_names if (lag := lag_of(session, name))]
    best = max(found, key=lambda lag: lag.confidence, default=None)
    return best.steps if best and best.confidence >= _SURE_LAG else 0


def surprise_of(session: Session, still: np.ndarray, expected: Stillness) -> np.ndarray:
    """Nats by which each still step was not to be expected from the inputs before it, shape (steps,)."""
    begins, goes_on = np.zeros(session.num_steps), np.zeros(session.num_steps)
    for name, held in _answered(session):
        if name in expected.begins:
            begins = np.maximum(begins, np.where(held, -math.log(expected.begins[name]), 0))
            goes_on = np.maximum(goes_on, np.where(held, -math.log(expected.goes_on[name]), 0))
    before = np.concatenate([[False], still[:-1]])
    return np.where(still, np.where(before, goes_on, begins), 0)


def unexplained(session: Session, view: np.ndarray) -> np.ndarray:
    """How much more each picture changes than the inputs before it explain, in usual errors, shape (steps,).

    A quick turn changes a picture as much as a cut does, but there was an input for it.
    """
    known = np.roll(session.inputs.features, 1 + _lag(session), axis=0).astype(np.float64)
    known = np.column_stack([known, np.ones(len(known))])
    change = np.sqrt(view.astype(np.float64))
    gram = known.T @ known + 1e-6 * len(known) * np.eye(known.shape[1])
    error = change - known @ np.linalg.solve(gram, known.T @ change)
    return error / max(1.4826 * float(np.median(np.abs(error))), 1e-9)
