"""A finished playtest, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from understudy.playtest.findings.finding import Finding
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.run.trace import Trace
from understudy.playtest.spec import PlaytestSpec
from understudy.playtest.verdict import Verdict


@dataclass(frozen=True)
class Results:
    """A finished playtest.

    Attributes:
        spec: What was asked.
        out: Where everything lies.
        traces: The runs that were started, in the order of the spec.
        findings: Each bug once.
        verdict: Whether it passes.
        seconds: Wall-clock time of the runs.
        problem: Why it ended early if a machine was to blame, in a sentence; empty otherwise.
        interrupted: Whether it ended early, the replays of its findings included.
    """

    spec: PlaytestSpec
    out: Path
    traces: tuple[Trace, ...]
    findings: tuple[Finding, ...]
    verdict: Verdict
    seconds: float
    problem: str = ""
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """Of the command line: 0 if it passes, 1 if it fails, and 2 if it was not run to its end."""
        if self.interrupted:
            return 2
        return 0 if self.verdict.passed else 1

    def of(self, persona: PersonaSpec) -> list[Trace]:
        """Return the runs of a persona."""
        return [each for each in self.traces if each.run.persona.name == persona.name]
