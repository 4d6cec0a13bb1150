from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import toys
from understudy.errors import RecordingError
from understudy.evaluation.giveaways import bin_words
from understudy.evaluation.panel import Options, evaluate_play
from understudy.evaluation.ratings import Game
from understudy.evaluation.report import write_report
from understudy.evaluation.result import AMBER, GREEN, RED, Evaluation
from understudy.evaluation.styles import StyleOptions
from understudy.evaluation.telemetry import Telemetry, read_telemetry
from understudy.evaluation.turing import TuringOptions
from understudy.recordings import open_recordings

QUICK = Options(4, 30, 4, TuringOptions(folds=2, updates=20), StyleOptions(updates=20))
_NO_TORCH = replace(QUICK, turing=None, styles=None)


@pytest.fixture(scope="module")
def found(players: list[Telemetry], same: list[Telemetry], hasty: list[Telemetry]) -> Evaluation:
    """An evaluation of the hasty bot, with one that plays like players as its baseline."""
    games = [Game(("bot", "same"), index % 3 == 0) for index in range(9)]
    return evaluate_play(players, {"bot": hasty, "same": same}, QUICK, games=games)


def test_verdicts_follow_the_floor(found: Evaluation) -> None:
    """Red where the habits differ, not where they are the same; the baseline that is alike is near the floor."""
    verdicts = {each.key: each.verdict for each in found.rows}
    assert [verdicts[key] for key in ("jsd_mean", "speed", "turn_rate", "burst_length", "turing_auc")] == [RED] * 5
    assert verdicts["pitch_rate"] in (GREEN, AMBER)
    assert found.rows[0].baselines["same"].mean < found.rows[0].bot.mean / 10
    assert "act_held" not in verdicts


def test_giveaways_are_sentences_with_the_worst_first(found: Evaluation) -> None:
    """What gives the bot away says in which direction, by how much, and where most of it lies."""
    ratios = [row.ratio.mean for key in ("turn_rate", "speed") if (row := found.row(key)) and row.ratio]
    assert min(ratios) > 10
    texts = " ".join(found.giveaways)
    assert "turns faster or more often" in texts
    assert "moves faster" in texts
    assert "of the players'" in texts
    assert not any("Pitch" in each for each in found.giveaways)


def test_the_page_needs_nothing_else(found: Evaluation, tmp_path: Path) -> None:
    """The page holds its plots, maps and videos itself: no script, and no address but its own data."""
    data = write_report(found, tmp_path / "deep" / "report.html", "hasty <b>", films=1)
    text = (tmp_path / "deep" / "report.html").read_text()
    addresses: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag != "script"
            addresses.extend(str(value) for name, value in attrs if name in ("src", "href", "poster"))

    Reader().feed(text)
    assert all(each.startswith("data:") for each in addresses)
    assert {each[:15] for each in addresses} >= {"data:image/png;", "data:video/mp4;"}
    assert "hasty &lt;b&gt;" in text
    assert "What gives it away" in text
    form = json.loads(data.read_text())
    assert form["episodes"] == {"players": 36, "bot": 12, "same": 12}
    assert {each["key"] for each in form["rows"]} == {each.key for each in found.rows}


def test_what_is_missing_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    """Recordings of another game, without extras, still give a report; what it lacks is named."""
    for name in ("players", "bot"):
        for index in range(4):
            toys.write_episode(tmp_path / name, f"{name}-{index}", seed=index, player=str(index), steps=30)
    everyone = {name: read_telemetry(open_recordings(tmp_path / name)) for name in ("players", "bot")}
    found = evaluate_play(everyone["players"], {"bot": everyone["bot"]}, _NO_TORCH)
    keys = {each.key for each in found.rows}
    assert keys >= {"jsd_mean", "turn_rate", "move_held"}
    assert not keys & {"speed", "occupancy_jsd", "choices_jsd"}
    left_out = " ".join(found.left_out)
    assert "Speed: needs positions" in left_out
    assert "Occupancy: needs the extra 'position'" in left_out
    write_report(found, tmp_path / "report.html", "toy", films=1)


def test_one_player_is_warned_of(players: list[Telemetry], same: list[Telemetry]) -> None:
    """A corpus with one player is compared with itself by rounds, and the report says that the floor is too low."""
    own = [each for each in players if each.player == players[0].player]
    found = evaluate_play(own, {"bot": same}, _NO_TORCH)
    assert any("by one player" in each for each in found.warnings)
    bold = [each for each in players if each.persona == "bold"]
    found = evaluate_play([*own, *bold], {"bot": same}, _NO_TORCH)
    assert "The style calm has one player each: floors are between styles there, and too high." in found.warnings


def test_nobody_is_an_error(players: list[Telemetry]) -> None:
    """A bot without recordings is a sentence."""
    with pytest.raises(RecordingError, match="no recording of bot"):
        evaluate_play(players, {"bot": []}, _NO_TORCH)


def test_bins_are_told_in_words() -> None:
    """The first and the last bin are open."""
    edges = np.array([1.0, 2.5])
    assert [bin_words(edges, index, "m/s") for index in range(3)] == [
        "at most 1 m/s",
        "from 1 to 2.5 m/s",
        "above 2.5 m/s",
    ]
