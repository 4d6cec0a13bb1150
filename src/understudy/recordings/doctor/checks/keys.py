"""Check of keys that the recorder, or the keyboard, never saw released."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Severity
from understudy.recordings.doctor.fixes import cut
from understudy.recordings.doctor.plots import along_steps
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.runs import Range, as_range, find_runs
from understudy.recordings.doctor.session import Session

_LEAST_S = 6.0
_LEAST_FROM_START_S = 4.0
_ALONE_S = 20.0
_TIMES_OTHERS = 2.0
_TIMES_OWN = 4.0
_USUAL_SHARE = 0.8
_ENOUGH_OTHERS = 3


@dataclass(frozen=True)
class Holds:
    """How a key is held in a session.

    Attributes:
        longest: The longest hold.
        second: Length of the second longest, in steps.
        share: Of all steps in which it is held.
    """

    longest: Range
    second: int
    share: float

    @property
    def length(self) -> int:
        """Steps of the longest hold."""
        return self.longest[1] - self.longest[0]


class StuckKeys(Check):
    """Finds keys held from the first step on, or far longer than this player and everyone else hold them."""

    name = "stuck-key"
    title = "Stuck keys"
    why = "The bot learns to hold a key that nobody held."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Hold each session's longest holds against its other holds and everyone's."""
        holds = {session.name: holds_of(session) for session in sessions}
        for session in sessions:
            for key, found in holds[session.name].items():
                others = [each[key] for name, each in holds.items() if name != session.name and key in each]
                limit = _limit(session, found, others)
                if found.length > limit:
                    yield self._finding(session, key, found, limit)

    def _finding(self, session: Session, key: str, found: Holds, limit: float) -> Finding:
        start, stop = found.longest
        since = "from the first step" if start == 0 else f"from step {start}"
        held = next(each.held for each in session.inputs.keys if each.name == key)
        return self.finding(
            session,
            Severity.PROBLEM,
            f"'{key}' is held {since} for {found.length / session.hz:.1f} s; {limit / session.hz:.1f} s would be long "
            "in these recordings.",
            steps=found.longest,
            evidence=Evidence(
                value=found.length / session.hz,
                unit="s",
                plot=along_steps(held.astype(np.float32), f"'{key}' held", found.longest, around=False),
            ),
            fix=cut(
                "cut-stuck-key",
                "Cut out the steps in which the key is stuck.",
                session.name,
                session.num_steps,
                [(start, stop)],
            ),
        )


def holds_of(session: Session) -> Mapping[str, Holds]:
    """Return how each key is held, computed once."""
    return session.remember("holds", lambda: {key.name: _holds(key.held) for key in session.inputs.keys})


def _holds(held: np.ndarray) -> Holds:
    runs = find_runs(held)
    if not len(runs):
        return Holds((0, 0), 0, 0.0)
    lengths = runs[:, 1] - runs[:, 0]
    order = np.argsort(lengths)
    second = int(lengths[order[-2]]) if len(runs) > 1 else 0
    return Holds(as_range(runs[order[-1]]), second, float(held.mean()))


def _limit(session: Session, found: Holds, others: Sequence[Holds]) -> float:
    """The longest plausible hold, in steps."""
    from_start = found.longest[0] == 0
    least = session.hz * (_LEAST_FROM_START_S if from_start else _LEAST_S)
    if len(others) < _ENOUGH_OTHERS:
        return max(session.hz * _ALONE_S, _TIMES_OWN * found.second)
    if np.median([each.share for each in others]) > _USUAL_SHARE:
        return np.inf
    # A few of the others may be stuck as well, so their very longest does not count.
    longest = float(np.quantile([each.length for each in others], 0.9))
    return max(least, _TIMES_OTHERS * longest, _TIMES_OWN / 2 * found.second)
