"""Checks of stretches that show no play: frozen pictures, menus, idling, and what comes after the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np

from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Severity
from understudy.recordings.doctor.fixes import cut
from understudy.recordings.doctor.plots import along_steps
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session
from understudy.recordings.doctor.stretches import Kind, Stretch, find_stretches
from understudy.recordings.surgery import Deduplicate


class _StretchCheck(Check, ABC):
    """What checks of stretches share.

    Attributes:
        kind: Of the stretches.
        severity: Of the findings.
    """

    kind: Kind
    severity = Severity.WARNING

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Find stretches of this kind."""
        found = find_stretches(tuple(sessions))
        for session in sessions:
            for each in found[session.name]:
                if each.kind == self.kind:
                    yield self._finding(session, each)

    def _finding(self, session: Session, stretch: Stretch) -> Finding:
        return self.finding(
            session,
            self.severity,
            self.sentence(stretch, stretch.length / session.hz),
            steps=stretch.steps,
            evidence=Evidence(
                value=stretch.length / session.hz,
                unit="s",
                plot=along_steps(session.view, "change of what is seen", stretch.steps),
            ),
            fix=self.fix(session, stretch),
        )

    @abstractmethod
    def sentence(self, stretch: Stretch, seconds: float) -> str:
        """Say what was found."""

    @abstractmethod
    def fix(self, session: Session, stretch: Stretch) -> Fix | None:
        """Offer what mends it."""


class DuplicateFrames(_StretchCheck):
    """Finds pictures that repeat while inputs go on that nearly always move them."""

    name = "duplicate-frames"
    title = "Duplicate frames"
    why = "The bot learns that its inputs do nothing, and sees old pictures as new ones."
    kind: Kind = "frozen"

    def sentence(self, stretch: Stretch, seconds: float) -> str:
        """Say how long it was frozen and how sure that is."""
        return (
            f"The picture is frozen for {stretch.length} decisions ({seconds:.2g} s) while inputs go on that nearly "
            f"always move it (odds of e^{stretch.surprise:.0f} to 1)."
        )

    def fix(self, session: Session, stretch: Stretch) -> Fix:
        """Drop the repeated steps."""
        steps = tuple(range(*stretch.steps))
        operation = Deduplicate(recordings=(session.name,), steps=steps)
        return Fix(
            name="drop-duplicate-frames", sentence="Drop the steps that repeat a picture.", operations=(operation,)
        )


class Menus(_StretchCheck):
    """Finds menus and other screens that are no play: still pictures between two cuts."""

    name = "menu"
    title = "Menus and other screens"
    why = "The bot learns menus where it should learn to play, and presses keys it has no use for."
    kind: Kind = "menu"

    def sentence(self, stretch: Stretch, seconds: float) -> str:
        """Say how long it was shown."""
        return (
            f"Another screen is shown for {seconds:.1f} s: the picture changes at once, stands still, and changes back "
            f"(inputs in {stretch.active:.0%} of the steps)."
        )

    def fix(self, session: Session, stretch: Stretch) -> Fix | None:
        """Cut it out."""
        return cut("cut-menu", "Cut the screen out.", session.name, session.num_steps, [stretch.steps])


class IdleStretches(_StretchCheck):
    """Finds long stretches without an input, and sessions that idle for much of their time."""

    name = "idle"
    title = "Idle stretches"
    why = "The bot learns to stand about."
    kind: Kind = "idle"

    def look(self, session: Session) -> Iterable[Finding]:
        """Note a large share of steps without an input, even where each pause is short."""
        share = float(1 - session.inputs.active.mean()) if session.num_steps else 0.0
        if share > 0.6 and session.inputs.rest_is_known:
            yield self.finding(
                session,
                Severity.NOTE,
                f"{share:.0%} of all decisions are without an input.",
                evidence=Evidence(
                    value=share,
                    plot=along_steps(_smooth(~session.inputs.active, session.steps(2)), "share idle", around=False),
                ),
            )

    def sentence(self, stretch: Stretch, seconds: float) -> str:
        """Say how long nothing was pressed."""
        del stretch
        return f"No input for {seconds:.1f} s."

    def fix(self, session: Session, stretch: Stretch) -> Fix | None:
        """Cut it out, but for half a second at its ends: people do pause."""
        margin = session.steps(0.25)
        start, stop = stretch.steps[0] + margin, stretch.steps[1] - margin
        if start >= stop:
            return None
        return cut("cut-idle", "Cut the stretch out.", session.name, session.num_steps, [(start, stop)])


class DeadTails(_StretchCheck):
    """Finds ends in which nothing happens any more: after a death, or with the recorder left running."""

    name = "dead-tail"
    title = "Dead tails"
    why = "The bot learns that doing nothing is what follows a fight."
    kind: Kind = "tail"

    def sentence(self, stretch: Stretch, seconds: float) -> str:
        """Say how much of the end is dead."""
        inputs = "no input" if stretch.active == 0 else f"inputs in {stretch.active:.0%} of them"
        return f"The last {stretch.length} decisions ({seconds:.1f} s) show no play: {inputs}, and nothing comes of it."

    def fix(self, session: Session, stretch: Stretch) -> Fix | None:
        """Trim it."""
        return cut("trim-tail", "Trim the end.", session.name, session.num_steps, [stretch.steps])


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    return np.convolve(values, np.ones(width) / width, mode="same")
