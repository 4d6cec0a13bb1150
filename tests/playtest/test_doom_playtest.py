from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("vizdoom")

from understudy.playtest.report.page import write_report
from understudy.playtest.runner import run_playtest
from understudy.playtest.spec import PlaytestSpec


def test_doom_can_be_playtested(tmp_path: Path) -> None:
    """A random player in Doom is followed on the level's map, counted and filmed; the seed repeats the run."""
    spec = PlaytestSpec.model_validate(
        {
            "game": {"id": "understudy/Doom-v0", "args": {"map": "E1M1"}},
            "personas": [{"name": "monkey", "agent": "random"}],
            "budget": {"steps": 40},
            "video": {"seconds": 2},
        }
    )
    first, again = (run_playtest(spec, tmp_path, tmp_path / name) for name in ("first", "again"))
    (trace,) = first.traces
    assert first.verdict.passed
    assert len(trace.lines) > 100
    assert trace.totals()["distance"] > 0
    assert {"kills", "damage dealt", "area", "seconds stuck"} <= set(trace.totals())
    assert trace.path == again.traces[0].path
    write_report(first, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert 'class="walls"' in page
    assert "data:video/mp4" in page
