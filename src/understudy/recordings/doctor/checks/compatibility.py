"""Sessions that contradict the others: played well or badly, but otherwise than everyone else where they meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Plot, Severity
from understudy.recordings.doctor.fixes import drop
from understudy.recordings.doctor.probe import Probe
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session

_SHORTEST = 16  # steps, below which a session has nothing to say
_FEWEST = 6
_NOVEL = 0.95
# In squared errors of the inputs; 1 is as bad as knowing nothing, 2 as bad as doing the opposite.
_TOLERANCE = 2.0
_OUTLIER = 5.0
_LEAST = 0.12


class Compatibility(Check):
    """Finds sessions whose player did otherwise than the others where it looked the same.

    Source: Eliciting Compatible Demonstrations (arXiv:2210.08073): a step is compatible where it is new, or where what
    was done is near to what a policy of the others would do; a session by the mean of its steps. The policy here is the
    nearest neighbours'.
    """

    name = "incompatible"
    title = "Incompatible sessions"
    why = "Two ways of doing the same thing average to neither, unless the bot is told which is whose."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Let each session be guessed from all others; a handful is needed to tell an outlier."""
        sessions = [each for each in sessions if each.num_steps >= _SHORTEST]
        if len(sessions) < _FEWEST:
            return
        probe, everyone = Probe(sessions), range(len(sessions))
        guesses = [probe.guess([i], [each for each in everyone if each != i], one_each=True) for i in everyone]
        novel = float(np.quantile(np.concatenate([each.distance for each in guesses]), _NOVEL))
        scores = np.array(
            [np.where(g.distance > novel, 1.0, 1 - np.minimum(g.error / _TOLERANCE, 1)).mean() for g in guesses]
        )
        middle = float(np.median(scores))
        spread = max(1.4826 * float(np.median(np.abs(scores - middle))), 1e-6)
        for index in np.flatnonzero((middle - scores > _OUTLIER * spread) & (middle - scores > _LEAST)).tolist():
            yield self._finding(sessions[index], float(scores[index]), np.sort(scores))

    def _finding(self, session: Session, score: float, scores: np.ndarray) -> Finding:
        plot = Plot(
            x=tuple(range(len(scores))),
            y=tuple(map(float, scores)),
            x_label="sessions, least compatible first",
            y_label="compatibility",
        )
        return self.finding(
            session,
            Severity.WARNING,
            f"Where it looked the same, this player did otherwise than the others: compatibility {score:.2f}, where "
            f"{np.median(scores):.2f} is usual.",
            evidence=Evidence(value=score, plot=plot),
            fix=drop("drop-incompatible", "Leave it out, or train a policy with styles and keep it.", session.name),
        )
