"""Whether a playtest passes: one criterion a line, each with what was allowed and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from understudy.playtest.coverage import joined
from understudy.playtest.findings import Finding
from understudy.playtest.moment import Ended
from understudy.playtest.spec import PlaytestSpec
from understudy.playtest.trace import Trace


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
    criteria += [_few_enough(spec, each.kind, findings) for each in spec.oracles]
    if spec.pass_.min_coverage:
        cells = joined([each.coverage for each in traces], spec.coverage.cell).num_cells
        found = f"{cells} of at least {spec.pass_.min_coverage} cells visited"
        criteria.append(Criterion("coverage", cells >= spec.pass_.min_coverage, found))
    return Verdict(tuple(criteria))


def _played(traces: Sequence[Trace], planned: int, *, interrupted: bool) -> Criterion:
    broken = [each for each in traces if each.ending.how is Ended.BROKEN]
    played = sum(each.played for each in traces)
    found = f"{played} of {planned} runs played"
    if broken:
        found += f" ({broken[0].run.name}: {broken[0].ending.message.rstrip('.')})"
    elif interrupted:
        found += " before it was interrupted"
    elif played < planned:
        found += " before the time was up"
    return Criterion("runs", played > 0 and not broken and not interrupted, found)


def _few_enough(spec: PlaytestSpec, kind: str, findings: Sequence[Finding]) -> Criterion:
    count, allowed = sum(each.kind == kind for each in findings), spec.pass_.allowed(kind)
    found = f"{count} {kind} finding{'' if count == 1 else 's'}" + (f" ({allowed} allowed)" if allowed else "")
    return Criterion(kind, count <= allowed, found)
