from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import av
import grid_world
import pytest
from grid_specs import grid_form
from grid_world import CLEAN, GridWorld, planted

from understudy.agents.bundle import write_bundle
from understudy.evaluation.statistics import mean_interval
from understudy.playtest.junit import write_junit
from understudy.playtest.report import amount, clock, write_report
from understudy.playtest.runner import Results, run_playtest
from understudy.playtest.spec import PlaytestSpec
from understudy.playtest.words import action_words

Play = Callable[..., Results]
TWO = [{"name": "monkey", "agent": "random", "runs": 3}, {"name": "ape", "agent": "random", "runs": 1, "seed": 40}]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A playtest with a trap, two personas and videos."""
    folder = tmp_path_factory.mktemp("grid")
    shutil.copy(grid_world.__file__, folder)
    keys = {"personas": TWO, "video": {"runs": 1, "seconds": 2}, "notes": "Ask <b>Ada</b>."}
    spec = PlaytestSpec.model_validate(grid_form(planted("T", 3, 2), **keys))
    return run_playtest(spec, folder, folder / "out", workers=2)


def page_of(results: Results) -> str:
    """The report's HTML."""
    write_report(results, results.out / "report.html")
    return (results.out / "report.html").read_text()


def test_the_report_says_what_was_found(results: Results) -> None:
    """The page holds the verdict, the finding with picture, place and replay, the map, the curves and the personas."""
    page = page_of(results)
    assert "failed" in page
    assert "stuck-1" in page
    assert "(35, 25), decision" in page
    assert f"understudy replay {results.out}/findings/stuck-1" in page
    assert 'src="data:image/png;base64,' in page
    assert 'class="map"' in page
    assert 'class="curves"' in page
    for name in ("monkey", "ape", "time alive", "time stuck", "distance"):
        assert name in page


def test_the_report_needs_nothing_else(results: Results) -> None:
    """The page names no address, loads no file and runs no script; everything is inside."""
    page = page_of(results)
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)
    assert set(re.findall(r'(?:src|poster|href)="([a-z/]+)', page)) == {"data"} | set()


def test_what_a_spec_says_is_shown_not_run(results: Results) -> None:
    """Text from the spec is escaped."""
    page = page_of(results)
    assert "Ask &lt;b&gt;Ada&lt;/b&gt;." in page
    assert "<b>Ada" not in page


def test_the_videos_play(results: Results) -> None:
    """Each persona's first run is an H.264 video of as many frames as decisions fit, at the game's pace."""
    videos = re.findall(r"data:video/mp4;base64,([A-Za-z0-9+/=]+)", page_of(results))
    assert len(videos) == 2
    with av.open(io.BytesIO(base64.b64decode(videos[0]))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == 10.0
        assert sum(1 for _ in container.decode(stream)) == 20


def test_a_rendered_picture_is_recorded_where_the_game_has_none(play: Play) -> None:
    """A game without a picture among its sensors is rendered for the report, and its paths are not asked for."""
    personas = [{"name": "monkey", "agent": "random"}]
    form = grid_form([], game={"id": "CartPole-v1"}, personas=personas, budget={"steps": 15}, video={"runs": 1})
    page = page_of(play(form))
    assert "data:video/mp4" in page
    assert "does not report where the player is" in page


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"heads": rows}])
def test_what_a_bundle_learned_is_shown(play: Play, folder: Path, wrap: Callable[[object], object]) -> None:
    """The metrics in a bundle's card become a table, even if the bundle could not play."""
    rows = [{"head": "move", "model": 0.1234, "markov": 0.5, "marginal": 1.0986}, {"head": "broken"}]
    card = {"name": "bot", "behavior": GridWorld().behavior, "state_size": 0, "noise_size": 0, "logits_size": 0}
    bundle = folder / "bot"
    write_bundle(bundle, b"no graph", None, **card, provenance={"metrics": wrap(rows)}, certificate={})
    bot = {"name": "bot", "agent": "bundle", "bundle": str(bundle)}
    page = page_of(play(grid_form(CLEAN, personas=[TWO[1], bot], budget={"steps": 5})))
    assert "What was learned" in page
    assert "0.123" in page
    assert "1.099" in page
    assert "<td>broken" not in page


def test_junit_has_a_case_per_oracle_and_persona(results: Results) -> None:
    """JUnit counts its cases and failures right; a case fails exactly if its persona met a bug of its oracle."""
    write_junit(results, results.out / "junit.xml")
    suite = ElementTree.parse(results.out / "junit.xml").getroot()[0]
    cases = {(each.get("classname"), each.get("name")): each.find("failure") for each in suite}
    assert set(cases) == {
        *((f"playtest.{name}", kind) for name in ("monkey", "ape") for kind in ("crash", "stuck", "timeout")),
        ("playtest", "runs"),
    }
    met = {f"playtest.{each.persona}" for each in results.findings[0].seen}
    assert {key for key, failure in cases.items() if failure is not None} == {(name, "stuck") for name in met}
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(met))
    failure = cases["playtest.monkey", "stuck"]
    assert failure is not None
    assert "Asked to move for 2 s" in failure.get("message", "")
    assert "understudy replay" in (failure.text or "")


def test_allowed_findings_do_not_fail_a_case(play: Play) -> None:
    """Findings that the spec allows are listed in a passing case."""
    results = play(grid_form(planted("T", 3, 2), **{"pass": {"max_findings": 9}}))
    write_junit(results, results.out / "junit.xml")
    suite = ElementTree.parse(results.out / "junit.xml").getroot()[0]
    assert suite.get("failures") == "0"
    assert "stuck-1" in (suite.findtext("testcase/system-out") or "")


def test_the_interval_holds_the_mean() -> None:
    """The interval lies around the mean, shrinks to it for equal runs, and is the same each time."""
    interval = mean_interval([1.0, 2.0, 6.0])
    assert 1.0 <= interval.low < interval.mean == 3.0 < interval.high <= 6.0
    assert interval == mean_interval([1.0, 2.0, 6.0])
    assert mean_interval([4.0]).low == mean_interval([4.0, 4.0]).high == 4.0


def test_actions_read_as_words(play: Play) -> None:
    """An action under a video says what is asked for and leaves out what is not."""
    trace = play(grid_form(planted(".", 3, 2), budget={"steps": 30})).traces[0]
    assert trace.behavior is not None
    words = {int(each["move"]): action_words(trace.behavior, each) for each in trace.actions}
    assert words == {0: "nothing", 1: "move north", 2: "move south", 3: "move west", 4: "move east"}


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (3.0, "3"), (3.456, "3.46"), (34.56, "34.6"), (12345.6, "12,346")]
)
def test_amounts_are_short(value: float, text: str) -> None:
    """Numbers are written with the figures that matter."""
    assert amount(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(7, "0:07 min"), (83.4, "1:23 min"), (3725, "1:02:05 h")])
def test_times_are_clock_times(seconds: float, text: str) -> None:
    """Times are written as a clock shows them."""
    assert clock(seconds) == text
