"""Check of choices that are hardly ever made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from gymnasium import spaces

from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Plot, Severity
from understudy.recordings.doctor.plots import bars
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session
from understudy.recordings.surgery import Mask
from understudy.spec import ActionSpec

_RARE = 50
_MOST_WORDS = 16


class ClassBalance(Check):
    """Finds choices, buttons and numbers that nobody, or hardly anybody, ever uses."""

    name = "class-balance"
    title = "Choices never or hardly made"
    why = "The bot cannot learn what it is not shown; a part that never changes only costs capacity."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Count each choice over all sessions."""
        steps = sum(session.num_steps for session in sessions)
        zero = np.zeros(1, np.int64)
        counted = [
            (part, sum((_counts(session, part) for session in sessions), start=zero))
            for part in sessions[0].behavior.actions
        ]
        alone = all(_never_changes(part, counts, steps) for part, counts in counted)
        for part, counts in counted:
            words = [part.labels[index] if part.labels else str(index) for index in range(len(counts))]
            if _never_changes(part, counts, steps):
                yield self._constant(part, counts, words, () if alone else [session.name for session in sessions])
            elif (few := (counts < _RARE)).any():
                yield self._rare(part, counts, words, few, steps)

    def _constant(self, part: ActionSpec, counts: np.ndarray, words: list[str], names: Sequence[str]) -> Finding:
        """Tell of a part, with a fix for recordings of these names."""
        masks = (Mask(recordings=tuple(names), parts=(part.name,)),) if names else ()
        fix = Fix(name="drop-constant-part", sentence="Take the part out of all recordings.", operations=masks)
        return self.finding(
            None,
            Severity.WARNING,
            f"'{part.name}' is the same at every step of every recording.",
            evidence=Evidence(value=1, unit="values", plot=_plot(words, counts)),
            fix=fix if names else None,
        )

    def _rare(self, part: ActionSpec, counts: np.ndarray, words: list[str], few: np.ndarray, steps: int) -> Finding:
        told = ", ".join(f"'{words[index]}' {_times(int(counts[index]))}" for index in np.flatnonzero(few)[:8])
        more = f" and {int(few.sum()) - 8} more" if few.sum() > 8 else ""
        return self.finding(
            None,
            Severity.NOTE,
            f"Of '{part.name}', {told}{more} in {steps} decisions.",
            evidence=Evidence(value=float(counts[few].min()), unit="decisions", plot=_plot(words, counts)),
        )


def _counts(session: Session, part: ActionSpec) -> np.ndarray:
    """How often each choice is made, each button held, or each number other than nought."""
    values = session.episode.action(part.name)
    if isinstance(part.space, spaces.Discrete):
        return np.bincount(values.reshape(-1), minlength=int(part.space.n))
    return (values.reshape(len(values), -1) != 0).sum(axis=0)


def _never_changes(part: ActionSpec, counts: np.ndarray, steps: int) -> bool:
    if isinstance(part.space, spaces.Discrete):
        return bool(counts.max() == steps)
    return not counts.any()


def _times(count: int) -> str:
    return "never" if count == 0 else "once" if count == 1 else f"{count} times"


def _plot(words: list[str], counts: np.ndarray) -> Plot:
    return bars(words[:_MOST_WORDS], counts[:_MOST_WORDS].tolist(), "decisions")
