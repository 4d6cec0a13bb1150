"""Checks of sensors: dead, saturated, out of range, not finite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Severity
from understudy.recordings.doctor.plots import along_steps, bars
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.runs import Range
from understudy.recordings.doctor.session import Session
from understudy.recordings.doctor.stillness import still_steps
from understudy.recordings.surgery import Drop, Mask

_LEAST_S = 8.0
_TIMES_OTHERS = 3.0
_TIMES_SENSOR = 1.2
_DARK, _BRIGHT = 3, 252
_FLAT_GREY_LEVELS = 1.0


class ConstantSensors(Check):
    """Finds numbers that stand still, at an end of their range or elsewhere, while the game goes on."""

    name = "constant-sensor"
    title = "Constant and saturated sensors"
    why = "The bot learns to read a sensor that says nothing, and is misled when it speaks again."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Hold each number's longest stillness against the same number's in the other sessions."""
        for sensor in sessions[0].vectors:
            runs = {session.name: _moving_lengths(session, sensor) for session in sessions}
            dead = _dead_everywhere(sessions, sensor)
            if dead.any():
                yield self._dead(sessions, sensor, dead)
            limit = _limits(np.stack(list(runs.values())))
            for session in sessions:
                wrong = (runs[session.name] > np.maximum(limit, session.steps(_LEAST_S))) & ~dead
                if wrong.any():
                    yield self._stuck(session, sensor, wrong)
        for sensor in sessions[0].pictures:
            for session in sessions:
                yield from self._blank(session, sensor)

    def _dead(self, sessions: Sequence[Session], sensor: str, dead: np.ndarray) -> Finding:
        session, whole = sessions[0], bool(dead.all())
        left = session.pictures or [name for name in session.vectors if not _dead_everywhere(sessions, name).all()]
        fix = Fix(
            name="drop-dead-sensor",
            sentence=f"Take '{sensor}' out of all recordings.",
            operations=(Mask(recordings=tuple(each.name for each in sessions), sensors=(sensor,)),),
        )
        value = session.column(sensor, "minimum")[dead][0]
        return self.finding(
            None,
            Severity.WARNING if whole else Severity.NOTE,
            f"{_count(dead)} of '{sensor}' {'are' if dead.sum() > 1 else 'is'} the same at every step of every "
            f"recording ({value:g}).",
            evidence=Evidence(value=float(dead.sum()), unit="numbers"),
            fix=fix if whole and left else None,
        )

    def _stuck(self, session: Session, sensor: str, wrong: np.ndarray) -> Finding:
        runs = session.column(sensor, "run")[wrong]
        run: Range = (int(np.median(runs[:, 0])), int(np.median(runs[:, 1])))
        seconds = (run[1] - run[0]) / session.hz
        fix = Fix(
            name="drop-broken-sensor-session",
            sentence="Leave the recording out.",
            operations=(Drop(recordings=(session.name,)),),
        )
        return self.finding(
            session,
            Severity.PROBLEM,
            f"{_count(wrong)} of '{sensor}' {_where(session, sensor, wrong, run)} for {seconds:.1f} s while the game "
            "goes on.",
            steps=run,
            evidence=Evidence(
                value=seconds,
                unit="s",
                plot=along_steps(session.motion(sensor), f"change of '{sensor}'", run, around=False),
            ),
            fix=fix,
        )

    def _blank(self, session: Session, sensor: str) -> Iterable[Finding]:
        """Find pictures that are one flat colour for most of the session."""
        small = np.asarray(session.column(sensor, "small"), np.float32).reshape(session.num_steps, -1)
        flat = small.std(axis=1) < _FLAT_GREY_LEVELS
        share = float(flat.mean()) if len(flat) else 0.0
        if share > 0.5:
            level = float(small[flat].mean())
            what = "black" if level <= _DARK else "white" if level >= _BRIGHT else "of one grey"
            yield self.finding(
                session,
                Severity.PROBLEM,
                f"'{sensor}' is {what} in {share:.0%} of all steps.",
                evidence=Evidence(value=share, plot=along_steps(small.mean(axis=1), "brightness", around=False)),
                fix=Fix(
                    name="drop-broken-sensor-session",
                    sentence="Leave the recording out.",
                    operations=(Drop(recordings=(session.name,)),),
                ),
            )


class OutOfRange(Check):
    """Finds values that are not finite, or outside the range that the sensor's spec gives."""

    name = "out-of-range"
    title = "Values out of range"
    why = "One value that is not finite ends training; one far out of range drowns all others."

    def look(self, session: Session) -> Iterable[Finding]:
        """Count them."""
        for sensor in session.vectors:
            for kind, what in (("bad", "not finite"), ("out", "out of range")):
                counts = np.asarray(session.column(sensor, kind))
                if counts.any():
                    yield self._finding(session, sensor, what, counts, session.column(sensor, f"first_{kind}"))

    def _finding(self, session: Session, sensor: str, what: str, counts: np.ndarray, first: np.ndarray) -> Finding:
        worst = np.argsort(counts)[::-1][:8]
        step = int(first[counts > 0].min())
        return self.finding(
            session,
            Severity.PROBLEM if what == "not finite" else Severity.WARNING,
            f"{int(counts.sum())} values of '{sensor}' are {what}, the first at step {step}.",
            steps=(step, step + 1),
            evidence=Evidence(
                value=float(counts.sum()),
                unit="values",
                plot=bars([str(int(each)) for each in worst], counts[worst].tolist(), f"values {what}, by number"),
            ),
            fix=Fix(
                name="drop-broken-sensor-session",
                sentence="Leave the recording out.",
                operations=(Drop(recordings=(session.name,)),),
            )
            if what == "not finite"
            else None,
        )


def _moving_lengths(session: Session, sensor: str) -> np.ndarray:
    """The longest stillness of each number, counting only steps after an input in which something else moved."""
    runs = np.asarray(session.column(sensor, "run"))
    others = [name for name in (*session.pictures, *session.vectors) if name != sensor]
    moving = np.concatenate([[False], session.inputs.active[:-1]])
    if others:
        moving &= ~np.logical_and.reduce([still_steps(session, session.motion(name)) for name in others])
    counted = np.concatenate([[0], np.cumsum(moving)])
    return counted[runs[:, 1]] - counted[runs[:, 0]]


def _limits(lengths: np.ndarray) -> np.ndarray:
    """The longest plausible stillness of each number, from all sessions, shape (numbers,)."""
    if len(lengths) < 3:
        return np.full(lengths.shape[1], np.inf)
    own, everyone = np.quantile(lengths, 0.8, axis=0), np.quantile(lengths.max(axis=1), 0.5)
    return np.maximum(_TIMES_OTHERS * own, _TIMES_SENSOR * everyone)


def _dead_everywhere(sessions: Sequence[Session], sensor: str) -> np.ndarray:
    low = np.min([session.column(sensor, "minimum") for session in sessions], axis=0)
    high = np.max([session.column(sensor, "maximum") for session in sessions], axis=0)
    long = sum(session.num_steps for session in sessions) >= sessions[0].steps(_LEAST_S)
    return (low == high) & long


def _count(which: np.ndarray) -> str:
    return "The value" if which.size == 1 else f"{int(which.sum())} of {which.size} values"


def _where(session: Session, sensor: str, wrong: np.ndarray, run: Range) -> str:
    """Say at which value the numbers stand: an end of their range, or any other."""
    least = (run[1] - run[0]) / max(1, session.num_steps) * 0.9
    for end in ("high", "low"):
        if (session.column(sensor, end)[wrong] >= least).all():
            return f"stand at the {'upper' if end == 'high' else 'lower'} end of the range"
    return "stand still"
