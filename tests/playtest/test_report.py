from __future__ import annotations

import base64
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import grid_world
import pytest
from grid_specs import grid_form
from grid_world import CLEAN, GridWorld, planted

from understudy.agents.bundle import write_bundle
from understudy.evaluation.statistics import mean_interval
from understudy.playtest.report.maps import Mark, View, label_marks
from understudy.playtest.report.page import amount, clock, percent, write_report
from understudy.playtest.report.words import action_words
from understudy.playtest.runner import Results, run_playtest
from understudy.playtest.spec import PlaytestSpec

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
    shown = page_of(results).partition('<section id="videos">')[2]
    videos = re.findall(r"data:video/mp4;base64,([A-Za-z0-9+/=]+)", shown)
    assert len(videos) == 2
    with av.open(io.BytesIO(base64.b64decode(videos[0]))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == 10.0
        assert sum(1 for _ in container.decode(stream)) == 20


def test_a_finding_has_a_video_that_ends_just_after_it(results: Results) -> None:
    """The video of a finding holds the seconds before it, is in the page, and lies beside the finding for a ticket."""
    page = page_of(results)
    clip = (results.out / "findings" / "stuck-1" / "clip.mp4").read_bytes()
    assert base64.b64encode(clip).decode() in page.partition('<section id="coverage">')[0]
    with av.open(io.BytesIO(clip)) as container:
        frames = sum(1 for _ in container.decode(container.streams.video[0]))
    assert frames == results.findings[0].tick + 1 + 10


def test_a_finding_is_on_the_map_with_the_way_to_it(results: Results) -> None:
    """Each finding has a map of its surroundings with its ring and the way of its run, and a ring on the large map."""
    page = page_of(results)
    card = page.partition('<article class="finding" id="stuck-1">')[2].partition("</article>")[0]
    assert 'class="spot"' in card
    assert 'class="approach"' in card
    assert card.count("<title>stuck-1</title>") == 1
    assert page.count("<title>stuck-1</title>") == 2


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


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0%"), (0.004, "0.4%"), (0.5, "50%"), (0.999, "99.9%"), (1.0, "100%")]
)
def test_shares_never_say_all_or_nothing_wrongly(share: float, text: str) -> None:
    """A share is whole percent, but 0 % and 100 % are said only where they hold."""
    assert percent(share) == text


def test_labels_do_not_lie_on_each_other() -> None:
    """Of findings at one place each has its ring, and as many names as there is room for."""
    marks = [Mark(50.0, 50.0, f"crash-{index}") for index in range(9)]
    labels = label_marks(marks, View(0, 0, 500, 500))
    assert len(labels) == 9
    assert 1 <= sum(bool(each.text) for each in labels) < 9
    assert label_marks([Mark(-9.0, 0.0, "far")], View(0, 0, 500, 500)) == []
