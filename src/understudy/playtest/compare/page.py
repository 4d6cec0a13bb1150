"""The comparison as one self-contained HTML page, and as JSON for other programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import understudy
from understudy.playtest.compare.bugs import BugChange
from understudy.playtest.compare.comparing import Comparison, Shift
from understudy.playtest.compare.playtest_files import Bug
from understudy.playtest.coverage import Key
from understudy.playtest.findings.finding import PICTURE_FILE
from understudy.playtest.report.cards import data_url
from understudy.playtest.report.heat import GAINED, KEPT, MISSING, Heat, Paint, heat_of_cells
from understudy.playtest.report.maps import Frame, Mark, fit
from understudy.playtest.report.page import environment

FORMAT = 1
COMPARISON_FILE = "comparison.json"
COMPARISON_PAGE = "comparison.html"
_WIDTH = 160.0
_LISTED = 12


@dataclass(frozen=True)
class ChangeMap:
    """The plan of the level with what was visited before, after, and in both, and the new bugs."""

    frame: Frame
    walls: str
    kept: Heat | None
    lost: Heat | None
    gained: Heat | None
    marks: list[Mark]


@dataclass(frozen=True)
class Whisker:
    """An interval as a drawing `_WIDTH` wide, with no difference in its middle."""

    low: float
    mean: float
    high: float


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write `comparison.html` and `comparison.json` into a folder, which is made if it is not there."""
    out.mkdir(parents=True, exist_ok=True)
    form = json.dumps(comparison_form(comparison), indent=1)
    (out / COMPARISON_FILE).write_text(form, encoding="utf-8")
    page = (
        environment()
        .get_template("compare.html.j2")
        .render(
            comparison=comparison,
            version=understudy.__version__,
            change=_draw(comparison),
            pictures={each.bug.id: _picture(each.bug) for each in comparison.of("new")},
            command=_replay_command,
            whisker_of=partial(_whisker, _widest(comparison)),
            width=_WIDTH,
            listed={name: _listed(keys) for name, keys in (("lost", comparison.lost), ("gained", comparison.gained))},
        )
    )
    (out / COMPARISON_PAGE).write_text(page, encoding="utf-8")


def comparison_form(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON values."""
    return {
        "format": FORMAT,
        "passed": comparison.passed,
        "verdict": comparison.sentence,
        "before": {"folder": str(comparison.before.folder), "name": comparison.before.name},
        "after": {"folder": str(comparison.after.folder), "name": comparison.after.name},
        "pairs": [list(each) for each in comparison.pairs],
        "tests": comparison.num_tests,
        "notes": list(comparison.notes),
        "bugs": [_bug_form(each) for each in comparison.bugs],
        "coverage": {
            "lost": sorted(map(list, comparison.lost), key=str),
            "gained": sorted(map(list, comparison.gained), key=str),
            "kept": len(comparison.kept),
            "shifts": [_shift_form(each) for each in comparison.coverage],
        },
        "difficulty": [_shift_form(each) for each in comparison.difficulty],
    }


def _bug_form(change: BugChange) -> dict[str, Any]:
    bug = change.bug
    return {
        "status": change.status,
        "kind": bug.kind,
        "message": bug.message,
        "position": bug.position,
        "before": change.before.id if change.before else None,
        "after": change.after.id if change.after else None,
        "runs_before": change.runs_before,
        "runs_after": change.runs_after,
        "p": change.p,
        "corrected": change.corrected,
        "replay": _replay_command(bug),
    }


def _shift_form(shift: Shift) -> dict[str, Any]:
    return {**asdict(shift), "certain": shift.is_certain}


def _picture(bug: Bug) -> str | None:
    path = bug.folder / PICTURE_FILE
    return data_url("image/png", path.read_bytes()) if path.exists() else None


def _replay_command(bug: Bug) -> str:
    return f"understudy replay {shlex.quote(str(bug.folder))}"


def _widest(comparison: Comparison) -> dict[str, float]:
    """How far the intervals of each measure reach: they are drawn on one scale, so that personas can be compared."""
    widest: dict[str, float] = {}
    for each in (*comparison.coverage, *comparison.difficulty):
        reach = max(abs(each.difference.low), abs(each.difference.high), 1e-9)
        widest[each.measure] = max(widest.get(each.measure, 0.0), reach)
    return widest


def _whisker(widest: Mapping[str, float], shift: Shift) -> Whisker:
    unit, interval = _WIDTH / 2 * 0.92 / widest[shift.measure], shift.difference
    return Whisker(*(_WIDTH / 2 + unit * value for value in (interval.low, interval.mean, interval.high)))


def _listed(keys: frozenset[Key]) -> list[str]:
    return [", ".join(map(str, each)) for each in sorted(keys, key=str)[:_LISTED]]


def _draw(comparison: Comparison) -> ChangeMap | None:
    """The map, where coverage is of cells."""
    before, after = comparison.before, comparison.after
    visited = comparison.lost | comparison.gained | comparison.kept
    if not visited or after.kind != "cells":
        return None
    side, lines = after.cell, after.lines or before.lines
    corners = np.array([(x, y) for a, b, c, d, _ in lines for x, y in ((a, b), (c, d))]).reshape(-1, 2)
    walked = np.array([each[:2] for each in visited], float) * side + side / 2
    frame = fit(corners, walked, side)

    def heat(keys: frozenset[Key], paint: Paint) -> Heat | None:
        return heat_of_cells(dict.fromkeys(keys, 1), side, frame.place, frame.whole, paint) if keys else None

    return ChangeMap(
        frame,
        " ".join(frame.line([each[:2], each[2:4]]) for each in lines if each[4]),
        heat(comparison.kept, KEPT),
        heat(comparison.lost, MISSING),
        heat(comparison.gained, GAINED),
        [Mark(*frame.place(*c.bug.position[:2]), c.bug.id) for c in comparison.of("new") if c.bug.position],
    )
