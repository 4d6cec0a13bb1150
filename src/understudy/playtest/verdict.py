"""Whether a playtest passes: one criterion a line, each with what was allowed and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from understudy.playtest.coverage import union
from understudy.playtest.findings.finding import Finding
from understudy.playtest.run.moment import Ended
from understudy.playtest.run.trace import Trace
from understudy.playtest.spec import Criteria, PlaytestSpec


@dataclass(frozen=True)
class Criterion:
    """One thing that must hold: its name, whether it does, and what was found."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Verdict:
    """All criteria of a playtest."""

    criteria: tuple[Criterion, ...]

    @property
    def passed(self) -> bool:
        """Whether every criterion holds."""
        return all(each.passed for each in self.criteria)

    @property
    def sentence(self) -> str:
        """The verdict and, if it failed, why."""
        failed = [each.found for each in self.criteria if not each.passed]
        return f"Failed: {'; '.join(failed)}." if failed else "Passed."

    def is_failed_by(self, finding: Finding) -> bool:
        """Return whether a finding counts for a criterion that does not hold, of all runs or of one persona."""
        names = {finding.kind, *(f"{each.persona} {finding.kind}" for each in finding.seen)}
        return any(each.name in names and not each.passed for each in self.criteria)


def judge(
    spec: PlaytestSpec, traces: Sequence[Trace], findings: Sequence[Finding], *, planned: int, interrupted: bool
) -> Verdict:
    """Judge a playtest.

    Args:
        spec: Its spec.
        traces: The runs that were started.
        findings: Each bug once.
        planned: How many runs the spec asks for.
        interrupted: Whether a person stopped it.
    """
    criteria = [_played(traces, planned, interrupted=interrupted)]
    thrown = {kind: words for each in traces for kind, words in each.failures.items()}
    for each in spec.oracles:
        few = _at_most(spec.pass_.allowed(each.kind), each.kind, findings)
        # An oracle that failed has seen nothing, and that is no pass.
        words = f"{few.found} ({thrown[each.kind].rstrip('.')})" if each.kind in thrown else few.found
        criteria.append(Criterion(few.name, few.passed and each.kind not in thrown, words))
    if spec.pass_.min_coverage:
        criteria.append(_covered(spec.pass_.min_coverage, traces, "coverage"))
    for name, wanted in spec.pass_.personas.items():
        criteria += _of_persona(name, wanted, traces, findings)
    return Verdict(tuple(criteria))


def _of_persona(
    name: str, wanted: Criteria, traces: Sequence[Trace], findings: Sequence[Finding]
) -> Iterator[Criterion]:
    """What one persona must fulfil; each criterion is named `PERSONA KIND` or `PERSONA coverage`."""
    met = [each for each in findings if name in {seen.persona for seen in each.seen}]
    for kind, allowed in wanted.max_findings.items():
        yield _at_most(allowed, kind, met, name)
    if wanted.min_coverage:
        own = [each for each in traces if each.run.persona.name == name]
        yield _covered(wanted.min_coverage, own, f"{name} coverage", f" by {name}")


def _covered(wanted: int, traces: Sequence[Trace], name: str, by: str = "") -> Criterion:
    met = len(union(each.coverage for each in traces))
    noun = next((f"{each.coverage.measure.noun}s" for each in traces), "cells")
    found = f"{met} of at least {wanted} {noun} visited{by}"
    problem = next((each.coverage.problem for each in traces if each.coverage.problem), "")
    return Criterion(name, met >= wanted, f"{found} ({problem.rstrip('.')})" if problem else found)


def _played(traces: Sequence[Trace], planned: int, *, interrupted: bool) -> Criterion:
    broken = [each for each in traces if each.ending.how is Ended.BROKEN]
    played = sum(each.played for each in traces)
    found = f"{played} of {planned} runs played"
    lost = sum(len(each.lost) for each in traces)
    if lost:
        found += f", {lost} worker{'' if lost == 1 else 's'} lost and replaced"
    if broken:
        found += f" ({broken[0].run.name}: {broken[0].ending.message.rstrip('.')})"
    elif interrupted:
        found += " before it was interrupted"
    elif played < planned:
        found += " before the time was up"
    return Criterion("runs", played > 0 and not broken and not interrupted, found)


def _at_most(allowed: int, kind: str, findings: Sequence[Finding], persona: str = "") -> Criterion:
    count = sum(each.kind == kind for each in findings)
    found = f"{count} {kind} finding{'' if count == 1 else 's'}"
    found += (f" by {persona}" if persona else "") + (f" ({allowed} allowed)" if allowed else "")
    return Criterion(f"{persona} {kind}".lstrip(), count <= allowed, found)
