"""The findings of the report: each with its pictures, its place, how surely it reproduces, and how to replay it."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from understudy.playtest.findings.finding import CLIP_FILE, PICTURE_FILE, Finding, Shrunk
from understudy.playtest.report.maps import Sheet, View, near
from understudy.playtest.results import Results
from understudy.playtest.run.trace import Trace

# A page of many findings stays one that a mail can carry.
_MOST_VIDEOS = 16


@dataclass(frozen=True)
class Card:
    """A finding in the page.

    Attributes:
        finding: It.
        allowed: Whether the spec lets it pass.
        picture: Of the moment, as a data URL.
        video: Of the seconds that lead to it, likewise.
        view: Its part of the map.
        walk: The way that its run took there, as an SVG path.
        facts: What is known of it: names and words.
        command: Replays it.
    """

    finding: Finding
    allowed: bool
    picture: str | None
    video: str | None
    view: View | None
    walk: str
    facts: Sequence[tuple[str, str]]
    command: str


def draw_cards(results: Results, sheet: Sheet | None) -> list[Card]:
    """Return the findings, those that fail the playtest first."""
    ordered = sorted(results.findings, key=lambda each: not results.verdict.is_failed_by(each))
    return [_card(each, results, sheet, index) for index, each in enumerate(ordered)]


def data_url(kind: str, data: bytes) -> str:
    """Return data as a URL."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def rate_words(finding: Finding) -> str:
    """Return how surely a finding reproduces, such as `3 of 5 times (flaky: 23 to 88 %)`."""
    return str(finding.rate) if finding.replays else finding.rate.word


def length_words(shrunk: Shrunk) -> str:
    """Return how short the replay became, such as `12 of 812 decisions (1 %)`."""
    share = shrunk.decisions / max(1, shrunk.original)
    words = f"{shrunk.decisions:,} of {shrunk.original:,} decisions ({share:.0%})"
    return words if shrunk.complete else f"{words}, and perhaps fewer"


def replay_command(results: Results, finding: Finding) -> str:
    """Return the command that replays a finding."""
    return f"understudy replay {shlex.quote(str(results.out / 'findings' / finding.id))}"


def _card(finding: Finding, results: Results, sheet: Sheet | None, index: int) -> Card:
    home = results.out / "findings" / finding.id
    trace = next(
        (t for t in results.traces if (t.run.persona.name, t.run.seed) == (finding.persona.name, finding.seed)), None
    )
    return Card(
        finding,
        not results.verdict.is_failed_by(finding),
        _url("image/png", home / PICTURE_FILE),
        _url("video/mp4", home / CLIP_FILE) if index < _MOST_VIDEOS else None,
        near(sheet.frame, finding) if sheet else None,
        _walk(finding, trace, sheet) if trace and sheet else "",
        _facts(finding),
        replay_command(results, finding),
    )


def _facts(finding: Finding) -> list[tuple[str, str]]:
    personas = sorted({each.persona for each in finding.seen})
    times = len(finding.seen)
    facts = [
        ("where", finding.place),
        ("after", f"{finding.seconds:.1f} s of game time"),
        ("seen", f"{'once' if times == 1 else f'{times} times'}, by {', '.join(personas)}"),
        ("shortest run", f"{finding.persona.name}, seed {finding.seed}"),
        ("reproduces", rate_words(finding)),
    ]
    if finding.shrunk:
        facts.append(("shrunk to", length_words(finding.shrunk)))
    return facts


def _walk(finding: Finding, trace: Trace, sheet: Sheet) -> str:
    points = trace.coverage.trail.path(finding.tick)
    return sheet.frame.line(points) if points else ""


def _url(kind: str, path: Path) -> str | None:
    return data_url(kind, path.read_bytes()) if path.exists() else None
