"""A playtest from Python, with assertions on what it found: what the pytest plugin hands to a test."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from understudy.errors import PlaytestError, suggest
from understudy.playtest.coverage import union
from understudy.playtest.findings.finding import Finding
from understudy.playtest.report.cards import rate_words, replay_command
from understudy.playtest.report.junit import JUNIT_FILE, write_junit
from understudy.playtest.report.page import REPORT_FILE, write_report
from understudy.playtest.report.results_file import RESULTS_FILE
from understudy.playtest.results import Results
from understudy.playtest.runner import run_playtest
from understudy.playtest.spec_file import read_spec


class PlaytestFailedError(AssertionError):
    """A playtest found what it must not; the message says what, how to replay it, and where the report lies."""


class Playtested:
    """A finished playtest. Each assertion returns it again, so that they can be chained.

    Attributes:
        name: Of the spec.
        results: Everything that is known.
    """

    def __init__(self, name: str, results: Results) -> None:
        self.name = name
        self.results = results

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Each bug once."""
        return self.results.findings

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.results.out / REPORT_FILE

    def assert_no(self, *kinds: str) -> Playtested:
        """Assert that no oracle of these kinds saw anything; without kinds, that no oracle did.

        Raises:
            PlaytestFailedError: With each finding, its replay and the report; or if that cannot be told, since not
                every run could be played or an oracle threw.
            PlaytestError: If the spec has no such oracle.
        """
        __tracebackhide__ = True
        known = [each.kind for each in self.results.spec.oracles]
        for kind in kinds:
            if kind not in known:
                raise PlaytestError(f"The spec of '{self.name}' has no oracle '{kind}'.{suggest(kind, known)}")
        found = [each for each in self.findings if not kinds or each.kind in kinds]
        if found:
            number = f"{len(found)} finding{'' if len(found) == 1 else 's'}"
            raise self._failure([f"{self.name}: {number}.", *(line for each in found for line in self._lines(each))])
        unsure = self._unsure(kinds or known)
        if unsure:
            raise self._failure([f"{self.name}: {unsure[0].rstrip('.')}."])
        return self

    def assert_coverage(self, at_least: float, persona: str | None = None) -> Playtested:
        """Assert that enough was visited.

        Args:
            at_least: How many cells, polygons or states, as a whole number; or, below or at 1.0 and with a decimal
                point, the share of what the game says can be reached.
            persona: Count the runs of this one only.

        Raises:
            PlaytestFailedError: If it is less.
            PlaytestError: If a share is asked for and the game does not say what can be reached.
        """
        __tracebackhide__ = True
        traces = [each for each in self.results.traces if persona in (None, each.run.persona.name)]
        met = union(each.coverage for each in traces)
        measure = f"{self.results.traces[0].coverage.measure.noun}s"
        if isinstance(at_least, int):
            enough, words = len(met) >= at_least, f"{len(met)} of at least {at_least} {measure} visited"
        else:
            reachable = self._reachable()
            share = len(met & reachable) / len(reachable)
            enough, words = share >= at_least, f"{share:.1%} of at least {at_least:.1%} of the {measure} visited"
        if not enough:
            raise self._failure([f"{self.name}: {words}{f' by {persona}' if persona else ''}."])
        return self

    def assert_passed(self) -> Playtested:
        """Assert that the spec's own criteria hold.

        Raises:
            PlaytestFailedError: If one does not.
        """
        __tracebackhide__ = True
        if not self.results.verdict.passed:
            lines = [line for each in self.findings for line in self._lines(each)]
            raise self._failure([f"{self.name}: {self.results.verdict.sentence}", *lines])
        return self

    def _unsure(self, kinds: Collection[str]) -> list[str]:
        """Why having found nothing of these kinds says little."""
        runs = [each.found for each in self.results.verdict.criteria if each.name == "runs" and not each.passed]
        failures = (each.failures.items() for each in self.results.traces)
        return runs + [words for told in failures for kind, words in told if kind in kinds]

    def _reachable(self) -> frozenset[Any]:
        told = next((each.coverage.reachable for each in self.results.traces if each.coverage.reachable), None)
        if told is None:
            raise PlaytestError(
                f"The game of '{self.name}' does not say what can be reached, so there is no share of it; give a whole "
                "number, or the environment a reachable_cells()."
            )
        return told

    def _lines(self, finding: Finding) -> list[str]:
        times = len(finding.seen)
        seen = f"seen {times} time{'' if times == 1 else 's'}, {rate_words(finding)}"
        return [
            f"  {finding.id} at {finding.place}: {finding.message}",
            f"      {seen}",
            f"      {replay_command(self.results, finding)}",
        ]

    def _failure(self, lines: list[str]) -> PlaytestFailedError:
        return PlaytestFailedError("\n".join([*lines, f"  report: {self.report}"]))


def play(spec: Path, out: Path, *, workers: int = 1, seed: int | None = None) -> Playtested:
    """Play a spec and write its report and JUnit file below `out`; an earlier playtest there is replaced.

    Args:
        spec: The YAML file.
        out: The folder of the results.
        workers: Games at the same time.
        seed: Replaces the first seed of every persona.

    Raises:
        PlaytestError: If the spec is wrong, not one run could be played, or the disk is full.
        KeyboardInterrupt: If a Ctrl-C ended it, once its report is written.
    """
    asked = read_spec(spec)
    if (out / RESULTS_FILE).exists():
        shutil.rmtree(out)
    results = run_playtest(asked, spec.resolve().parent, out, workers=workers, seed=seed)
    if results.problem:
        raise PlaytestError(results.problem)
    write_junit(results, out / JUNIT_FILE)
    write_report(results, out / REPORT_FILE)
    if results.interrupted:
        # Whoever runs the tests should stop too.
        raise KeyboardInterrupt
    return Playtested(spec.stem, results)
