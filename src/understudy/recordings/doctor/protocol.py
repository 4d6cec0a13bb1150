"""What a check is. One's own are found through the entry points `understudy.checks`, like ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from understudy.recordings.doctor.finding import Evidence, Finding, Fix, Severity
from understudy.recordings.doctor.runs import Range
from understudy.recordings.doctor.session import Session


class Check:
    """Looks at recordings for one kind of defect. Subclasses override `look`, `look_all`, or both.

    Attributes:
        name: Of the check, in lower case with hyphens: `stuck-key`.
        title: The same for people.
        why: Why it matters for a bot trained on the recordings.
    """

    name: str
    title: str
    why: str

    def look(self, session: Session) -> Iterable[Finding]:
        """Yield what is wrong with one session, by itself."""
        del session
        return ()

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Yield what is wrong with sessions of one behaviour, beside each other. Called once, after every `look`."""
        del sessions
        return ()

    def finding(
        self,
        session: Session | None,
        severity: Severity,
        sentence: str,
        *,
        steps: Range | None = None,
        evidence: Evidence | None = None,
        fix: Fix | None = None,
        others: tuple[str, ...] = (),
    ) -> Finding:
        """Make a finding of this check."""
        return Finding(
            check=self.name,
            recording=session.name if session else "",
            steps=steps,
            severity=severity,
            sentence=sentence,
            why=self.why,
            evidence=evidence,
            fix=fix,
            others=others,
        )
