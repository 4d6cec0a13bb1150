"""Check of rewards that are out of all proportion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Severity
from understudy.recordings.doctor.plots import along_steps
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session

_TIMES = 20.0
_ENOUGH = 20
_QUANTILE = 0.99


class RewardOutliers(Check):
    """Finds rewards far beyond all others, and infinite ones."""

    name = "reward-outlier"
    title = "Reward outliers"
    why = "One such reward weighs more than all the play around it."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Hold each session's largest reward against what is usual in all of them."""
        usual = _usual([session.remember("rewards", partial(_few, session)) for session in sessions])
        for session in sessions:
            reward = session.episode.reward
            sizes = np.abs(np.nan_to_num(reward, nan=0.0, posinf=np.inf, neginf=np.inf))
            worst = int(np.argmax(sizes))
            if np.isinf(sizes[worst]) or (usual and sizes[worst] > _TIMES * usual):
                count = int((sizes > _TIMES * usual).sum()) if usual else 1
                several = "s" if count > 1 else ""
                yield self.finding(
                    session,
                    Severity.PROBLEM if np.isinf(sizes[worst]) else Severity.WARNING,
                    f"{count} reward{several} out of all proportion: {reward[worst]:g} at step {worst}; "
                    f"{usual:.3g} is large here.",
                    steps=(worst, worst + 1),
                    evidence=Evidence(
                        value=float(np.nan_to_num(sizes[worst], posinf=1e30)),
                        plot=along_steps(np.minimum(sizes, 1e30), "size of the reward", around=False),
                    ),
                )


def _few(session: Session) -> np.ndarray:
    """At most a thousand of the sizes of a session's known rewards other than nought."""
    reward = session.episode.reward
    sizes = np.abs(reward[np.isfinite(reward) & (reward != 0)])
    return np.sort(sizes)[:: max(1, len(sizes) // 1000)]


def _usual(sizes: Sequence[np.ndarray]) -> float:
    """What counts as a large reward here, or nought if there are too few to say."""
    sizes_of_all = np.concatenate(sizes) if sizes else np.empty(0)
    if len(sizes_of_all) < _ENOUGH:
        return 0.0
    return float(np.quantile(sizes_of_all, _QUANTILE if len(sizes_of_all) > 200 else 0.8))
