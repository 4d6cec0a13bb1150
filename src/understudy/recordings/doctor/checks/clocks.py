"""Checks of the game's count and the wall clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Severity
from understudy.recordings.doctor.plots import along_steps
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session
from understudy.recordings.surgery import Split

_LONGEST_DROP_S = 5.0
_STEADY = 0.97
_UNEVEN = 0.2
_JUMP_S = 0.75
_JUMP_PERIODS = 8.0
_DRIFT = 0.02
_DRIFT_WINDOWS = 8
_MOST_SHOWN = 20


@dataclass(frozen=True)
class Clock:
    """The steps of both clocks of a session.

    Attributes:
        ticks: Change of the tick before each step, shape (steps,), int64; the usual one at step 0.
        seconds: Change of the wall clock before each step.
        tick: The usual change of the tick.
        period: The usual change of the wall clock.
    """

    ticks: np.ndarray
    seconds: np.ndarray
    tick: int
    period: float

    @property
    def steady(self) -> bool:
        """Whether the wall clock goes so evenly that a lost step shows in it."""
        if self.period <= 0:
            return False
        periods = self.seconds / self.period
        whole = np.abs(periods - np.maximum(1, np.round(periods))) < _UNEVEN
        return float(whole.mean()) > _STEADY

    @property
    def lost(self) -> np.ndarray:
        """Decisions missing before each step by the tick, int64."""
        return np.maximum(0, self.ticks // max(1, self.tick) - 1)


def read_clock(session: Session) -> Clock:
    """Read both clocks. Steps that surgery joined count as usual ones."""
    tick, time_ns = session.times
    ticks, seconds = np.diff(tick), np.diff(time_ns) / 1e9
    usual = int(np.median(ticks)) if len(ticks) else 1
    period = float(np.median(seconds)) if len(seconds) else 1 / session.hz
    ticks, seconds = np.concatenate([[usual], ticks]), np.concatenate([[period], seconds])
    for step in session.cuts:
        ticks[step], seconds[step] = usual, period
    return Clock(ticks, seconds, usual, period)


class DroppedFrames(Check):
    """Finds decisions that the recorder lost: the game's count goes on by more than one decision."""

    name = "dropped-frames"
    title = "Dropped frames"
    why = "The bot learns that one action had the effect of several."

    def look(self, session: Session) -> Iterable[Finding]:
        """Look for gaps in the tick, and in an even clock whose tick does not show them."""
        clock = read_clock(session)
        lost = np.where(clock.lost * clock.period <= _LONGEST_DROP_S, clock.lost, 0)
        if clock.steady:
            late = np.round(clock.seconds / clock.period).astype(np.int64) - 1
            told = (late >= 1) & (late * clock.period <= min(_JUMP_S, _LONGEST_DROP_S)) & (clock.lost == 0)
            lost = lost + np.where(told, late, 0)
        at = np.flatnonzero(lost)
        if not len(at):
            return
        total, share = int(lost.sum()), float(lost.sum() / (lost.sum() + session.num_steps))
        yield self.finding(
            session,
            Severity.PROBLEM if share > 0.02 else Severity.WARNING,
            f"{total} decisions are missing in {len(at)} gaps ({share:.1%} of the session).",
            steps=(int(at[0]), int(at[-1]) + 1),
            evidence=Evidence(value=total, unit="decisions", plot=along_steps(lost, "decisions missing", around=False)),
            fix=_split(session, at),
        )


class ClockJumps(Check):
    """Finds jumps of the tick or the wall clock, forwards and backwards, and drift between them."""

    name = "clock-jump"
    title = "Clock jumps"
    why = "What lies on either side of a jump did not follow from each other: a pause, another game, a clock set anew."

    def look(self, session: Session) -> Iterable[Finding]:
        """Look for jumps, then for drift."""
        clock = read_clock(session)
        beside = clock.seconds - clock.period * np.maximum(clock.ticks, 1) / max(1, clock.tick)
        limit = max(_JUMP_S, _JUMP_PERIODS * clock.period)
        jumps = {
            "the game's count goes backwards": clock.ticks < 0,
            "the wall clock goes backwards": clock.seconds < -1e-9,
            "the game's count leaps": clock.lost * clock.period > _LONGEST_DROP_S,
            "the wall clock leaps": (beside > limit) | (clock.seconds - clock.period > 4 * _LONGEST_DROP_S),
        }
        told: set[int] = set()
        for what, found in jumps.items():
            at = [int(step) for step in np.flatnonzero(found) if int(step) not in told]
            told.update(at)
            for step in at[:_MOST_SHOWN]:
                yield self._jump(session, clock, what, step)
        if not told:
            yield from self._drift(session, clock)

    def _jump(self, session: Session, clock: Clock, what: str, step: int) -> Finding:
        seconds = float(clock.seconds[step])
        return self.finding(
            session,
            Severity.PROBLEM if clock.ticks[step] < 0 or seconds < 0 else Severity.WARNING,
            f"At step {step} {what}: {int(clock.ticks[step])} ticks and {seconds:.3g} s after the step before, "
            f"where {clock.tick} and {clock.period:.3g} s are usual.",
            steps=(step, step + 1),
            evidence=Evidence(
                value=seconds,
                unit="s",
                plot=along_steps(clock.seconds, "seconds since the last step", (step, step + 1)),
            ),
            fix=_split(session, np.array([step])),
        )

    def _drift(self, session: Session, clock: Clock) -> Iterable[Finding]:
        """Compare how fast the clocks go against each other in the parts of a session."""
        size = session.num_steps // _DRIFT_WINDOWS
        if not clock.steady or size < session.steps(5.0, at_least=50):
            return
        ticks = clock.ticks[: size * _DRIFT_WINDOWS].reshape(_DRIFT_WINDOWS, size).sum(axis=1)
        rates = clock.seconds[: size * _DRIFT_WINDOWS].reshape(_DRIFT_WINDOWS, size).sum(axis=1) / np.maximum(ticks, 1)
        drift = float(np.ptp(rates) / np.median(rates)) if np.median(rates) > 0 else 0.0
        if drift > _DRIFT:
            yield self.finding(
                session,
                Severity.WARNING,
                f"The clocks drift: a tick takes between {rates.min() * 1e3:.3g} and {rates.max() * 1e3:.3g} ms.",
                evidence=Evidence(
                    value=drift, plot=along_steps(np.repeat(rates, size), "seconds a tick", around=False)
                ),
            )


def _split(session: Session, at: np.ndarray) -> Fix | None:
    inside = tuple(int(step) for step in at if 0 < step < session.num_steps)
    if not inside:
        return None
    operation = Split(recordings=(session.name,), at=inside)
    return Fix(name="split-gaps", sentence="Cut the recording in two at each gap.", operations=(operation,))
