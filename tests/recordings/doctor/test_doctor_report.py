"""The report as JSON and as a page, fixes put together by name, and the checks of other packages."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from doctor_studies import STUDY, clean_play, write_study
from hypothesis import given
from hypothesis import strategies as st

from toys import write_episode
from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.doctor import Check, Finding, Fix, Report, Severity, examine, make_plan, registry
from understudy.recordings.doctor.page import write_page
from understudy.recordings.doctor.specimens import save, spoil
from understudy.recordings.surgery import AnyOperation, Deduplicate, Drop, Mask, Shift, Split, Trim, apply_plan


def finding(*operations: AnyOperation, name: str = "mend", recording: str = "walk") -> Finding:
    """A finding with a fix."""
    fix = Fix(name=name, sentence="Mend it.", operations=operations)
    return Finding(check="lag", recording=recording, severity=Severity.WARNING, sentence="Something.", fix=fix)


@pytest.fixture(scope="module")
def spoiled_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a few sessions, three of them spoiled."""
    folder = tmp_path_factory.mktemp("spoiled")
    write_study(folder, clean=4)
    rng = np.random.default_rng(5)
    for kind in ("dead-tail", "dropped-frames", "near-duplicate"):
        save(spoil(kind, clean_play(2 if kind == "near-duplicate" else 40), rng).play, folder, f"{kind}-<b>")
    return folder


def test_json_gives_the_report_back(spoiled_logs: Path, tmp_path: Path) -> None:
    """A report that was saved and loaded is the same report."""
    report = examine(list(open_recordings(spoiled_logs)), tmp_path / "cache")
    report.save(tmp_path / "report.json")

    assert len(report.findings) >= 3
    assert Report.load(tmp_path / "report.json") == report


def test_page_needs_nothing_else(spoiled_logs: Path, tmp_path: Path) -> None:
    """The page loads nothing, runs nothing, escapes names, and shows each finding and its fix."""
    report = examine(list(open_recordings(spoiled_logs)), tmp_path / "cache")
    write_page(report, tmp_path / "page.html", "some <logs>")
    page = (tmp_path / "page.html").read_text()

    assert not re.search(r"(?:src|href)=|<script|@import|url\(", page)
    assert "some &lt;logs&gt;" in page
    assert "<b>.arrows" not in page
    assert "dead-tail-&lt;b&gt;" in page
    for each in report.findings:
        assert each.fix is None or f"<code>{each.fix.name}</code>" in page
    assert page.count("<svg") == sum(1 for each in report.findings if each.evidence and each.evidence.plot)


def test_page_of_healthy_logs_says_so(tmp_path: Path) -> None:
    """A report without findings is a page too."""
    write_page(Report(recordings=(), findings=(), checks={"lag": "Lag"}), tmp_path / "page.html", "logs")

    assert "Nothing found" in (tmp_path / "page.html").read_text()


def test_second_examination_reads_the_cache(tmp_path: Path) -> None:
    """What was reduced once is found again, by the recording's digest, whatever its name is now."""
    write_study(tmp_path, clean=1)
    examine(list(open_recordings(tmp_path)), tmp_path / "cache")
    (signature,) = (tmp_path / "cache").iterdir()
    before = (signature / "frame.motion.npy").stat().st_mtime_ns
    (tmp_path / "clean-0.arrows").rename(tmp_path / "other.arrows")
    examine(list(open_recordings(tmp_path)), tmp_path / "cache")

    assert [each.name for each in (tmp_path / "cache").iterdir()] == [signature.name]
    assert (signature / "frame.motion.npy").stat().st_mtime_ns == before


def test_behaviours_are_examined_apart(tmp_path: Path) -> None:
    """A folder may hold recordings of several behaviours; all of them are in the report."""
    write_study(tmp_path, clean=2)
    write_episode(tmp_path, "toy-1", steps=40)

    report = examine(list(open_recordings(tmp_path)), tmp_path / "cache")

    assert {each.behavior for each in report.recordings} == {STUDY.behavior.name, "toy"}


def test_cuts_of_one_recording_are_made_at_once() -> None:
    """Two fixes that cut the same recording become one trim, numbered as the recording is now, before a shift."""
    findings = [
        finding(Shift(recordings=("walk",), steps=3)),
        finding(Trim(recordings=("walk",), keep=((0, 10), (20, 100)))),
        finding(Trim(recordings=("walk",), keep=((0, 80),))),
    ]

    plan = make_plan(findings, ["all"], {"walk": 100})

    assert plan.operations == (
        Trim(recordings=("walk",), keep=((0, 10), (20, 80))),
        Shift(recordings=("walk",), steps=3),
    )


def test_trims_after_dropped_steps_are_renumbered() -> None:
    """Steps dropped before a trim move its ranges, and a split inside them."""
    findings = [
        finding(Deduplicate(recordings=("walk",), steps=(2, 3, 50))),
        finding(Trim(recordings=("walk",), keep=((10, 90),))),
        finding(Split(recordings=("walk",), at=(60,))),
    ]

    plan = make_plan(findings, ["all"], {"walk": 100})

    assert plan.operations == (
        Deduplicate(recordings=("walk",), steps=(2, 3, 50)),
        Trim(recordings=("walk",), keep=((8, 57), (57, 87))),
    )


def test_dropped_recordings_are_not_mended_as_well() -> None:
    """A recording that is left out is not trimmed, sensors are masked for all, and equal operations are done once."""
    findings = [
        finding(Drop(recordings=("walk",))),
        finding(Trim(recordings=("walk",), keep=((0, 5),))),
        finding(Mask(sensors=("rays",)), recording=""),
        finding(Mask(sensors=("rays",)), recording=""),
    ]

    plan = make_plan(findings, ["all"], {"walk": 100})

    assert plan.operations == (Drop(recordings=("walk",)), Mask(sensors=("rays",)))


def test_fixes_are_chosen_by_name() -> None:
    """Only the fixes named are applied; a name that the report does not offer is refused with a suggestion."""
    findings = [
        finding(Trim(recordings=("walk",), keep=((0, 5),)), name="trim-tail"),
        finding(Drop(recordings=("run",)), name="drop-duplicate-session", recording="run"),
    ]

    plan = make_plan(findings, ["trim-tail"], {"walk": 100, "run": 100})

    assert plan.operations == (Trim(recordings=("walk",), keep=((0, 5),)),)
    with pytest.raises(RecordingError, match=r"no fix 'trim-tial'\. Did you mean 'trim-tail'"):
        make_plan(findings, ["trim-tial"], {})


@given(st.lists(st.integers(1, 29), unique=True, max_size=6), st.lists(st.integers(0, 29), unique=True, max_size=8))
def test_every_kept_step_is_kept_once(at: list[int], dropped: list[int]) -> None:
    """Whatever is split and dropped, the ranges of the plan hold each remaining step just once, in order."""
    findings = [finding(Trim(recordings=("walk",), keep=((4, 28),)))]
    if at:
        findings.append(finding(Split(recordings=("walk",), at=tuple(sorted(at)))))
    if dropped:
        findings.append(finding(Deduplicate(recordings=("walk",), steps=tuple(sorted(dropped)))))
    plan = make_plan(findings, ["all"], {"walk": 30})
    left = [step for step in range(30) if step not in dropped]
    for operation in plan.operations:
        if isinstance(operation, Trim):
            left = [left[step] for start, stop in operation.keep for step in range(int(start), int(stop or 0))]

    gone = any(isinstance(operation, Drop) for operation in plan.operations)
    assert gone or left == [step for step in range(4, 28) if step not in dropped]


def test_fixes_mend_what_was_found(spoiled_logs: Path, tmp_path: Path) -> None:
    """After all fixes are applied, a second examination has none of these findings."""
    recordings = list(open_recordings(spoiled_logs))
    report = examine(recordings, tmp_path / "cache")
    wanted = {"dead-tail", "dropped-frames", "near-duplicate"}
    assert wanted <= {each.check for each in report.findings}

    apply_plan(make_plan(report.findings, ["all"], report.lengths), recordings, tmp_path / "mended")
    again = examine(list(open_recordings(tmp_path / "mended")), tmp_path / "cache")

    assert not [each.sentence for each in again.of(Severity.WARNING) if each.check in wanted]


class Longest(Check):
    """A check as a user would write it."""

    name = "longest"
    title = "Long recordings"
    why = "They take long."

    def look(self, session):  # type: ignore[no-untyped-def]  # noqa: D102
        if session.num_steps > 100:
            yield self.finding(session, Severity.NOTE, "It is long.")


def test_own_checks_are_found_through_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that an installed package offers is run with ours; one that cannot be loaded is named."""
    points = [EntryPoint("longest", f"{__name__}:Longest", registry.CHECKS)]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.CHECKS else [])
    write_study(tmp_path, clean=1)

    report = examine(list(open_recordings(tmp_path)), tmp_path / "cache", checks=registry.checks(["longest"]))

    assert [each.sentence for each in report.findings] == ["It is long."]
    points.append(EntryPoint("broken", "no_such_module:Check", registry.CHECKS))
    with pytest.raises(RecordingError, match="'broken'"):
        registry.checks()


def test_unknown_check_is_refused() -> None:
    """A check that is not there is refused with a suggestion."""
    with pytest.raises(RecordingError, match=r"no check 'lagg'\. Did you mean 'lag'"):
        registry.checks(["lagg"])


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', "\x00"])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is no report is refused in one sentence."""
    (tmp_path / "report.json").write_text(text)

    with pytest.raises(RecordingError, match="not a doctor's report"):
        Report.load(tmp_path / "report.json")
