"""Measures of each session beside the rest, after Data Quality in Imitation Learning (Belkhale et al. 2023).

A session is easy to learn from if the same is done in like situations (little action variance), and if the same action
has the same effect (little transition noise). Both are measured at steps that have near neighbours in other sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Plot, Severity
from understudy.recordings.doctor.matching import Neighbours, Sample, nearest, sample_steps
from understudy.recordings.doctor.plots import bars
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session

_ENOUGH_SESSIONS = 5
_ENOUGH_STEPS = 40
_SHORTEST = 3  # steps, below which nothing comes of what is done
_OUTLIER = 5.0
_TIMES = 1.3
_FAR = 3.0
_NEAR = 0.6
_MOST_SHOWN = 5
_LEAST_OVERLAP = 0.1


class ActionVariance(Check):
    """Finds sessions in which something else is done than all others do in like situations, or that share none."""

    name = "action-variance"
    title = "Other actions in like situations"
    why = "The bot averages over players who do unlike things where all looks alike, and does neither."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Measure every session, and tell the outliers."""
        sessions = [each for each in sessions if each.num_steps >= _SHORTEST]
        if len(sessions) < _ENOUGH_SESSIONS:
            return
        sample = sample_steps(sessions)
        near = nearest(sample)
        reach = float(np.quantile(near.distance[:, 0], _NEAR))
        actions = _actions(sessions, sample)
        for index, session in enumerate(sessions):
            session.measures |= _measure(sample, near, actions, index, reach)
        yield from self._outliers(sessions)
        yield from self._strangers(sessions)

    def _outliers(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        measured = {
            each.name: each.measures["action variance"] for each in sessions if "action variance" in each.measures
        }
        if len(measured) < _ENOUGH_SESSIONS:
            return
        values = np.array(list(measured.values()))
        center = float(np.median(values))
        limit = max(center + _OUTLIER * 1.4826 * float(np.median(np.abs(values - center))), _TIMES * center)
        for session in sessions:
            if measured.get(session.name, 0.0) > limit:
                yield self.finding(
                    session,
                    Severity.WARNING if measured[session.name] > _FAR * center else Severity.NOTE,
                    f"Its actions differ from those of others in like situations by {measured[session.name]:.2f}; "
                    f"{center:.2f} is usual.",
                    evidence=Evidence(value=measured[session.name], plot=_plot(measured, session.name)),
                )

    def _strangers(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        measured = {each.name: each.measures["overlap"] for each in sessions}
        usual = float(np.median(list(measured.values())))
        for session in sessions:
            if measured[session.name] < _LEAST_OVERLAP * usual:
                yield self.finding(
                    session,
                    Severity.NOTE,
                    f"It shows hardly a situation that others show ({measured[session.name]:.0%} of its steps; "
                    f"{usual:.0%} is usual): another map, or another game.",
                    evidence=Evidence(value=measured[session.name], plot=_plot(measured, session.name)),
                )


def _measure(sample: Sample, near: Neighbours, actions: np.ndarray, index: int, reach: float) -> dict[str, float]:
    """Measure one session against the others.

    Returns:
        `overlap`: the share of steps with a near neighbour elsewhere. `action variance`: how far the actions there lie
        from the neighbours' mean, in units of what random pairs would give (1). `transition noise`: the same of what
        came next, among neighbours that did alike.
    """
    rows = np.flatnonzero(sample.session == index)
    matched = rows[near.distance[rows, 0] < reach]
    measures = {"overlap": len(matched) / max(1, len(rows))}
    if len(matched) >= _ENOUGH_STEPS:
        others = actions[near.index[matched]]
        apart = ((actions[matched, None] - others) ** 2).mean(axis=2)
        measures["action variance"] = float(apart.mean() / 2)
        like = apart <= np.quantile(apart, 0.25)
        change = ((sample.change[matched, None] - sample.change[near.index[matched]]) ** 2).sum(axis=2)
        usual = 2 * sample.change.var(axis=0).sum()
        measures["transition noise"] = float(change[like].mean() / max(usual, 1e-9))
    return measures


def _actions(sessions: Sequence[Session], sample: Sample) -> np.ndarray:
    """Standardised inputs of each step of the sample, so that random pairs lie 2 apart in each number."""
    parts = [session.inputs.features[sample.steps[sample.session == index]] for index, session in enumerate(sessions)]
    values = np.concatenate(parts)
    spread = values.std(axis=0)
    if not (spread > 1e-6).any():
        return np.zeros((len(values), 1), np.float32)
    return ((values - values.mean(axis=0)) / np.maximum(spread, 1e-6))[:, spread > 1e-6]


def _plot(measured: dict[str, float], name: str) -> Plot:
    names = [name, *sorted((each for each in measured if each != name), key=lambda each: -measured[each])][:_MOST_SHOWN]
    return bars([each[-12:] for each in names], [measured[each] for each in names], "by recording, this one first")
