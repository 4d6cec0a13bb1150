"""The report as one HTML page that needs nothing else, neither network nor scripts."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import understudy
from understudy.errors import require
from understudy.recordings.doctor.drawing import draw
from understudy.recordings.doctor.finding import Finding, Severity
from understudy.recordings.doctor.report import Report

_SHOWN, _MOST = 6, 60
_PERCENT = 100


@dataclass(frozen=True)
class Mark:
    """A finding's place in the strip of its recording, in percent of it."""

    left: float
    width: float
    tone: str
    title: str


def write_page(report: Report, path: Path, title: str) -> None:
    """Write the page.

    Args:
        report: Of an examination.
        path: The file; what is there is replaced.
        title: What was examined.
    """
    jinja2 = require("jinja2", "play")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("understudy.recordings.doctor"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"clock": clock, "draw": draw}
    page = environment.get_template("doctor.html.j2").render(
        report=report,
        title=title,
        version=understudy.__version__,
        seconds=sum(each.seconds for each in report.recordings),
        counts=[(severity, report.counts[severity]) for severity in sorted(Severity, reverse=True)],
        groups=_groups(report),
        fixes=_fixes(report),
        worst={each.check: each.severity for each in reversed(report.findings)},
        totals=Counter(each.check for each in report.findings),
        measures=list(dict.fromkeys(name for each in report.recordings for name in each.measures)),
        marks=_marks(report),
        shown=_SHOWN,
        most=_MOST,
    )
    path.write_text(page, encoding="utf-8")


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds, or as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _groups(report: Report) -> list[tuple[str, list[Finding]]]:
    """The findings of each check, checks with the gravest first."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for each in report.findings:
        groups[each.check].append(each)
    return sorted(groups.items(), key=lambda group: (-group[1][0].severity, -len(group[1])))


def _fixes(report: Report) -> list[tuple[str, str, int]]:
    sentences = {each.fix.name: each.fix.sentence for each in report.findings if each.fix}
    return [(name, sentences[name], count) for name, count in report.fixes.most_common()]


def _marks(report: Report) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = defaultdict(list)
    for each in reversed(report.findings):
        if each.recording in report.lengths:
            length = report.lengths[each.recording]
            start, stop = each.steps or (0, length)
            left, width = _PERCENT * start / length, _PERCENT * (stop - start) / length
            title = report.checks.get(each.check, each.check)
            marks[each.recording].append(Mark(round(left, 2), round(width, 2), each.severity.word, title))
    return marks
