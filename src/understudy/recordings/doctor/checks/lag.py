"""Check of the lag between inputs and what is seen of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Severity
from understudy.recordings.doctor.lags import Lag, lag_of
from understudy.recordings.doctor.plots import curve
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session
from understudy.recordings.surgery import Shift

_CONFIDENT = 0.75
_LEAST_GAIN = 0.01
_LEAST_EXPLAINED = 0.05
_SURE = 0.995
_SURE_APART = 0.95
_ENOUGH_OTHERS = 3


class InputLag(Check):
    """Finds sensors that are late or early against the inputs."""

    name = "lag"
    title = "Lag between inputs and frames"
    why = "The bot learns to act on what it has not seen yet, or long after it should have."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Estimate each sensor's lag in each session, and hold it against what is usual here."""
        behavior = sessions[0].behavior
        lags = {name: _confident(sessions, name) for name in behavior.sensor_names}
        usual = {name: _usual(found) for name, found in lags.items()}
        for session in sessions:
            told = {name: found[session.name] for name, found in lags.items() if session.name in found}
            wrong = {name: lag for name, lag in told.items() if _is_wrong(lag, usual[name])}
            away = {name: lag.steps - (usual[name] or 0) for name, lag in wrong.items()}
            for steps in sorted(set(away.values())):
                names = [name for name in wrong if away[name] == steps]
                yield self._finding(session, names, wrong[names[0]], steps, whole=len(names) == len(told))

    def _finding(self, session: Session, sensors: Sequence[str], lag: Lag, away: int, *, whole: bool) -> Finding:
        names = " and ".join(f"'{name}'" for name in sensors)
        comes, their = ("comes", "its") if len(sensors) == 1 else ("come", "their")
        where = (
            f"after the input {'it shows' if len(sensors) == 1 else 'they show'}"
            if away > 0
            else f"before {their} input"
        )
        shift = Shift(recordings=(session.name,), steps=-away)
        sentence = f"Move the actions by {abs(away)} decisions, to what they were an answer to."
        return self.finding(
            session,
            Severity.PROBLEM,
            f"{names} {comes} {abs(away)} decision{'s' if abs(away) > 1 else ''} {where} "
            f"({abs(away) * 1e3 / session.hz:.0f} ms; confidence {lag.confidence:.0%}).",
            evidence=Evidence(
                value=away,
                unit="decisions",
                plot=curve(lag.lags, lag.explained, "lag in decisions", "variance explained by inputs"),
            ),
            fix=Fix(name="shift-lag", sentence=sentence, operations=(shift,)) if whole else None,
        )


def _confident(sessions: Sequence[Session], sensor: str) -> Mapping[str, Lag]:
    found = {each.name: lag_of(each, sensor) for each in sessions}
    return {name: lag for name, lag in found.items() if lag and lag.confidence >= _CONFIDENT and _tells(lag)}


def _tells(lag: Lag) -> bool:
    return lag.gain >= max(_LEAST_GAIN, lag.chance) and max(lag.explained) >= _LEAST_EXPLAINED


def _usual(found: Mapping[str, Lag]) -> int | None:
    """The lag of most sessions; None if there are too few to say."""
    if len(found) < _ENOUGH_OTHERS:
        return None
    values, counts = np.unique([lag.steps for lag in found.values()], return_counts=True)
    return int(values[counts.argmax()]) if 2 * counts.max() > len(found) else None


def _is_wrong(lag: Lag, usual: int | None) -> bool:
    """A game may answer a step late by itself; only beside other sessions does one step mean something."""
    expected = usual or 0
    away = abs(lag.steps - expected)
    if away == 1:
        return usual is not None and max(lag.shares) > _SURE
    return away > 1 and lag.share_near(expected) < 1 - _SURE_APART
