"""Check of recordings that are cut, damaged, or hardly there."""

from __future__ import annotations

from collections.abc import Iterable

from understudy.errors import RecordingError
from understudy.recordings.doctor.finding import Evidence, Finding, Severity
from understudy.recordings.doctor.fixes import drop
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.session import Session
from understudy.recordings.reader import Episode

_SHORT_S = 2.0


class DamagedRecordings(Check):
    """Finds recordings whose writer was killed, or that are too short to learn from.

    Those that cannot be read at all are found before all checks, by `find_damage`.
    """

    name = "damaged"
    title = "Damaged and incomplete recordings"
    why = "What was lost is not known to be harmless; training stops at a recording that is damaged inside."

    def look(self, session: Session) -> Iterable[Finding]:
        """Look at the end, and the length."""
        damage = session.episode.damage
        if damage is not None:
            yield self.finding(
                session,
                Severity.WARNING if damage.lost_bytes else Severity.NOTE,
                f"The recording is incomplete: {damage.reason} ({damage.lost_bytes} bytes lost); {session.num_steps} "
                "steps are whole.",
                evidence=Evidence(value=float(damage.lost_bytes), unit="bytes"),
            )
        if session.num_steps < session.steps(_SHORT_S):
            yield self.finding(
                session,
                Severity.NOTE,
                f"The recording is only {session.num_steps / session.hz:.1f} s long.",
                evidence=Evidence(value=session.num_steps, unit="steps"),
                fix=drop("drop-short-recording", "Leave the recording out.", session.name),
            )


def find_damage(episode: Episode, name: str) -> Iterable[Finding]:
    """Yield why a recording of this name cannot be examined at all: a byte in it changed, or it holds no step."""
    try:
        episode.verify()
        what = "" if episode.num_steps else f"{episode.path} holds no step."
    except RecordingError as error:
        what = str(error)
    if what:
        yield Finding(
            check=DamagedRecordings.name,
            recording=name,
            severity=Severity.PROBLEM,
            sentence=f"{what} No other check has looked at it.",
            why=DamagedRecordings.why,
            fix=drop("drop-damaged-recording", "Leave the recording out.", name),
        )
