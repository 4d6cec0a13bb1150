from __future__ import annotations

import io
import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import grid_world
import pytest
from grid_specs import grid_form
from grid_world import planted

from understudy.playtest.checking import Playtested, PlaytestFailedError
from understudy.playtest.report.annotations import annotate, summary_text
from understudy.playtest.report.junit import write_junit
from understudy.playtest.results import Results
from understudy.playtest.runner import run_playtest
from understudy.playtest.spec import PassSpec, PlaytestSpec
from understudy.playtest.verdict import judge

TWO = [{"name": "monkey", "agent": "random", "runs": 1}, {"name": "ape", "agent": "random", "runs": 1, "seed": 40}]
# What Ant's schema wants of a suite; that of Jenkins wants less.
SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "time", "skipped"}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A playtest with a trap and two personas."""
    folder = tmp_path_factory.mktemp("grid")
    shutil.copy(grid_world.__file__, folder)
    spec = PlaytestSpec.model_validate(grid_form(planted("T", 3, 2), personas=TWO))
    return run_playtest(spec, folder, folder / "out", workers=2)


def suite_of(results: Results) -> ElementTree.Element:
    """The JUnit suite."""
    write_junit(results, results.out / "junit.xml")
    return ElementTree.parse(results.out / "junit.xml").getroot()[0]


def test_junit_is_valid_by_the_usual_schemas(results: Results) -> None:
    """A suite has the attributes, and its parts in the order, that Ant's schema wants; a case has a failure at most."""
    suite = suite_of(results)
    assert set(suite.attrib) == SUITE
    parts = [each.tag for each in suite]
    cases = parts.count("testcase")
    assert parts == ["properties", *["testcase"] * cases, "system-out", "system-err"]
    for case in suite.iter("testcase"):
        assert set(case.attrib) == {"name", "classname", "time"}
        assert [each.tag for each in case] in ([], ["failure"])
    assert all(set(each.attrib) == {"name", "value"} for each in suite.iter("property"))
    assert all(set(each.attrib) == {"message", "type"} for each in suite.iter("failure"))
    assert len(suite.get("timestamp", "")) == len("2026-01-31T23:59:59")


def test_junit_has_a_case_per_oracle_and_persona(results: Results) -> None:
    """JUnit counts its cases and failures right; a case fails exactly if its persona met a bug of its oracle."""
    suite = suite_of(results)
    cases = {(each.get("classname"), each.get("name")): each.find("failure") for each in suite.iter("testcase")}
    assert set(cases) == {
        *((f"playtest.{name}", kind) for name in ("monkey", "ape") for kind in ("crash", "stuck", "timeout")),
        ("playtest", "runs"),
    }
    met = {f"playtest.{each.persona}" for each in results.findings[0].seen}
    assert {key for key, failure in cases.items() if failure is not None} == {(name, "stuck") for name in met}
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), str(len(met)))
    failure = cases["playtest.monkey", "stuck"]
    assert failure is not None
    assert "Asked to move for 2 s" in failure.get("message", "")
    assert "understudy replay" in (failure.text or "")


def test_allowed_findings_do_not_fail_a_case(results: Results) -> None:
    """Findings that the spec allows are listed in the suite's output, and annotated as warnings."""
    spec = results.spec.model_copy(update={"pass_": PassSpec(max_findings={"stuck": 9})})
    verdict = judge(spec, results.traces, results.findings, planned=2, interrupted=False)
    results = replace(results, spec=spec, verdict=verdict)
    suite = suite_of(results)
    assert suite.get("failures") == "0"
    assert "stuck-1" in (suite.findtext("system-out") or "")
    stream = io.StringIO()
    annotate(results, None, stream, {"GITHUB_ACTIONS": "true"})
    assert stream.getvalue().startswith("::warning title=stuck-1::")


def test_an_oracle_that_failed_is_no_pass(results: Results) -> None:
    """Where an oracle threw, its criterion fails with what it threw, although it saw nothing."""
    (first, *others) = results.traces
    broken = replace(first, failures={"crash": "The oracle 'crash' failed."})
    verdict = judge(results.spec, (broken, *others), (), planned=2, interrupted=False)
    assert verdict.sentence == "Failed: 0 crash findings (The oracle 'crash' failed)."
    suite = suite_of(replace(results, verdict=verdict, findings=()))
    failed = [each.get("name") for each in suite.iter("testcase") if each.find("failure") is not None]
    assert (failed, suite.get("failures")) == (["crash"], "1")


def test_coverage_that_could_not_be_counted_is_told(results: Results) -> None:
    """The criterion of coverage says what went wrong with counting, and in what it counts."""
    spec = results.spec.model_copy(update={"pass_": PassSpec(max_findings={"stuck": 9}, min_coverage=99)})
    for trace in results.traces:
        trace.coverage.problem = "There is no number 'quest'."
    verdict = judge(spec, results.traces, (), planned=2, interrupted=False)
    for trace in results.traces:
        trace.coverage.problem = ""
    assert re.search(r"\d+ of at least 99 cells visited \(There is no number 'quest'\)\.", verdict.sentence)


def test_a_workflow_shows_each_finding(results: Results, tmp_path: Path) -> None:
    """In a GitHub workflow a finding is an error at the spec's file, on one line, and the summary has its replay."""
    stream, summary = io.StringIO(), tmp_path / "summary.md"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(tmp_path)}
    annotate(results, tmp_path / "specs" / "a,b.yaml", stream, environ)
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("::error file=specs/a%2Cb.yaml,title=stuck-1::Asked to move for 2 s")
    assert "%0Aunderstudy replay " in line
    text = summary.read_text()
    assert text == summary_text(results)
    assert "❌ Playtest of `playtest/Grid-v0`: failed" in text
    assert "| stuck-1 | Asked to move" in text
    assert f"understudy replay {results.out}/findings/stuck-1" in text


def test_a_failure_without_a_finding_is_annotated(results: Results) -> None:
    """Where only coverage fails, beside findings that are allowed, there is an error and the findings are warnings."""
    spec = results.spec.model_copy(update={"pass_": PassSpec(max_findings={"stuck": 9}, min_coverage=999)})
    verdict = judge(spec, results.traces, results.findings, planned=2, interrupted=False)
    stream = io.StringIO()
    annotate(replace(results, spec=spec, verdict=verdict), None, stream, {"GITHUB_ACTIONS": "true"})
    levels = [each.split(" ")[0] for each in stream.getvalue().splitlines()]
    assert levels == ["::warning"] * len(results.findings) + ["::error"]


def test_a_finding_that_one_persona_may_not_meet_fails(results: Results) -> None:
    """A finding that is allowed to all but not to a persona that met it is an error."""
    (finding, *_) = results.findings
    allowed = {"max_findings": {"stuck": 9}, "personas": {finding.persona.name: {"max_findings": {"stuck": 0}}}}
    spec = results.spec.model_copy(update={"pass_": PassSpec.model_validate(allowed)})
    verdict = judge(spec, results.traces, results.findings, planned=2, interrupted=False)
    assert not verdict.passed
    assert verdict.is_failed_by(finding)
    other = finding.model_copy(
        update={"seen": tuple(each.model_copy(update={"persona": "x"}) for each in finding.seen)}
    )
    assert not verdict.is_failed_by(other)


def test_nothing_found_is_no_pass_where_little_was_played(results: Results) -> None:
    """`assert_no` fails too if a run could not be played, or an oracle that was asked about threw."""
    spec = results.spec
    unplayed = judge(spec, results.traces, (), planned=9, interrupted=True)
    played = Playtested("level", replace(results, verdict=unplayed, findings=()))
    with pytest.raises(PlaytestFailedError, match="level: 2 of 9 runs played before it was interrupted"):
        played.assert_no("crash")
    (first, *others) = results.traces
    traces = (replace(first, failures={"crash": "The oracle 'crash' failed."}), *others)
    verdict = judge(spec, traces, (), planned=2, interrupted=False)
    played = Playtested("level", replace(results, traces=traces, verdict=verdict, findings=()))
    played.assert_no("timeout")
    with pytest.raises(PlaytestFailedError, match="The oracle 'crash' failed"):
        played.assert_no("crash")


def test_outside_of_a_workflow_nothing_is_said(results: Results) -> None:
    """On a desk there are no annotations."""
    stream = io.StringIO()
    annotate(results, None, stream, {})
    assert stream.getvalue() == ""
