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
from understudy.evaluation.matched import Estimate
from understudy.evaluation.panel import Options, evaluate_play
from understudy.evaluation.pictures import side_by_side
from understudy.evaluation.ratings import Game
from understudy.evaluation.report import write_report
from understudy.evaluation.result import AMBER, GREEN, RED, Evaluation
from understudy.evaluation.styles import StyleOptions
from understudy.evaluation.telemetry import Telemetry, read_telemetry
from understudy.evaluation.turing import TuringOptions, in_steps
from understudy.evaluation.verdicts import judge
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


def test_one_who_never_shoots_is_given_away(players: list[Telemetry], same: list[Telemetry]) -> None:
    """A bot that could shoot and never does is red in what it never does, and a sentence says so."""
    tame = [replace(each, columns={**each.columns, "fire": 0 * each.columns["fire"]}) for each in same]
    found = evaluate_play(players, {"bot": tame}, _NO_TORCH)
    row = found.row("burst_length")
    assert row is not None
    assert (row.bot.mean, row.verdict) == (1.0, RED)
    assert any("never does what this is measured by; players do, " in each for each in found.giveaways)


def test_only_shared_levels_are_compared(players: list[Telemetry], same: list[Telemetry]) -> None:
    """What was played on a level that the other side was not on is left out, and a sentence says so."""
    away = [replace(each, map="away") for each in players[:6]]
    found = evaluate_play([*players[6:], *away], {"bot": same}, _NO_TORCH)
    assert {each.map for each in found.players} == {"square"}
    assert any("Left out 6 recordings of players and 0 of bots" in each for each in found.facts)
    nowhere = evaluate_play(away, {"bot": same}, _NO_TORCH)
    assert any("no level in common" in each for each in nowhere.warnings)


@pytest.mark.parametrize(
    ("mean", "low", "high", "verdict"),
    [(0.6, 0.5, 0.7, GREEN), (0.6, 0.5, 0.9, AMBER), (0.7, 0.6, 0.8, AMBER), (0.9, 0.6, 1, AMBER), (0.9, 0.8, 1, RED)],
)
def test_colours_need_evidence(mean: float, low: float, high: float, verdict: str) -> None:
    """Neither green nor red is said of a number whose interval reaches the other's ground."""
    assert judge(Estimate(mean, low, high), (0.65, 0.8)) == verdict


def test_three_positions_of_a_dial_are_never_green(players: list[Telemetry], same: list[Telemetry]) -> None:
    """Three in their order are too easily by chance to be called like; five are not."""
    for num, verdict in ((3, AMBER), (5, GREEN)):
        names = [f"bot {index}" for index in range(num)]
        games = [Game((a, b), int(a < b)) for a in names for b in names if a != b for _ in range(6)]
        dials = {name: index / num for index, name in enumerate(names)}
        row = evaluate_play(players, {"bot": same}, _NO_TORCH, games=games, dials=dials).row("skill_spearman")
        assert row is not None
        assert (row.bot.mean, row.verdict) == (pytest.approx(1), verdict)


def test_films_are_of_the_same_level(players: list[Telemetry], same: list[Telemetry]) -> None:
    """A player of the bot's level is shown beside it, though none there played its side or style."""
    bot = replace(same[0], notes={**same[0].notes, "side": "none"})
    away = [replace(each, map="away") for each in players[:3]]
    films = side_by_side(Evaluation("bot", {"bot": [bot]}, [*away, players[4]]), 1, 0.2)
    assert films[0].words.endswith("both on square")


def test_a_bot_that_moves_in_steps_is_measured_both_ways(players: list[Telemetry], same: list[Telemetry]) -> None:
    """A policy's bins alone make its turning red; with everybody's turns in these bins it is as players'."""
    bot = in_steps(same, {"turn": np.array([-8.0, -2.5, 0.0, 2.5, 8.0])})
    found = evaluate_play(players, {"bot": bot}, _NO_TORCH)
    rows = {each.key: each for each in found.rows}
    assert rows["turn_rate"].verdict == RED
    assert rows["turn_rate_stepped"].verdict in (GREEN, AMBER)
    assert rows["jsd_mean_stepped"].bot.mean < rows["jsd_mean"].bot.mean
    assert any("knows 5 steps of turn" in each for each in found.facts)
    plain = evaluate_play(players, {"bot": same}, _NO_TORCH)
    assert not any(each.key.endswith("_stepped") for each in plain.rows)
