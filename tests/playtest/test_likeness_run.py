from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from skirmish_bundle import make_skirmish_bundle
from typer.testing import CliRunner

from understudy.agents.bundle import Bundle
from understudy.errors import GameError, RecordingError, UnderstudyError
from understudy.evaluation.panel import Options
from understudy.evaluation.pictures import side_by_side
from understudy.evaluation.styles import StyleOptions
from understudy.evaluation.turing import TuringOptions
from understudy.playtest.arena.contestants import PERSONA, Contestant
from understudy.playtest.arena.likeness import BOT, Request, evaluate, ground_of, mixed, thin
from understudy.playtest.arena.matches import likeness_fixtures, play_fixtures
from understudy.recordings import open_recordings

QUICK = Options(4, 20, 4, TuringOptions(folds=2, updates=15), StyleOptions(updates=15))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scripted players' games on two levels."""
    folder = tmp_path_factory.mktemp("logs")
    players = [
        Contestant(f"{persona}-{index}", None, persona, 0.5, PERSONA, index)
        for persona in ("rusher", "anchor")
        for index in range(2)
    ]
    play_fixtures(likeness_fixtures(players, ["foundry", "harbour"], 4, seed=1, rounds=2), folder)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, logs: Path) -> Bundle:
    """A bot that says it was trained on the games on foundry."""
    trained = [
        {"name": each.name, "digest": each.digest, "map": each.provenance.map, "player": each.provenance.player}
        for each in open_recordings(logs)
        if each.provenance.map == "foundry"
    ]
    return make_skirmish_bundle(tmp_path_factory.mktemp("bundle") / "runner", {"recordings": trained})


@pytest.fixture
def request_(bundle: Bundle, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """The smallest evaluation of the bot."""
    monkeypatch.setattr("understudy.playtest.arena.likeness._ROUNDS", 2)
    return Request(
        bundle.folder,
        logs,
        tmp_path / "play",
        {"random": "random"},
        rounds=4,
        skills=(0.0, 0.5, 1.0),
        rated=1,
        options=QUICK,
    )


def test_a_bundle_is_let_play_as_the_players_did(request_: Request, bundle: Bundle) -> None:
    """The bot plays the players' level and styles that were not trained on; every measure has its row."""
    found, title = evaluate(request_)
    assert title == bundle.name
    assert {each.map for each in found.players} == {"harbour"}
    assert {each.map for each in found.play[BOT]} == {"harbour"}
    assert {each.persona for each in found.play[BOT]} == {"rusher", "anchor"}
    assert {each.notes["skill"] for each in found.play[BOT]} == {0.5}
    assert {each.provenance.notes["skill"] for each in open_recordings(request_.out / "blends")} == {0.5}
    keys = {each.key for each in found.rows}
    assert keys >= {"jsd_mean", "speed", "turn_rate", "occupancy_jsd", "occupancy_ot", "choices_jsd", "turing_auc"}
    assert keys >= {"style_recovery", "win_rate", "skill_spearman"}
    assert found.curve is not None
    assert found.curve.dials == (0.0, 0.5, 1.0)
    assert "random" in found.rows[0].baselines
    assert found.rows[0].floor is not None
    assert any("Left out" in each for each in found.facts)
    assert any("trained on" in each and "player" in each for each in found.warnings)


def test_players_of_everywhere_are_thinned_evenly(logs: Path) -> None:
    """Of many recordings, as many of each player as there can be are kept."""
    kept = thin(list(open_recordings(logs)), 8)
    names = [each.provenance.player for each in kept]
    assert {names.count(name) for name in names} == {2}


def test_levels_are_played_as_often_as_players_did() -> None:
    """Levels come in the players' mix, in random order; of no level there is none."""
    levels = mixed(["a"] * 60 + ["b"] * 30 + ["c"] * 10, 20, seed=1)
    assert [levels.count(name) for name in "abc"] == [12, 6, 2]
    assert levels != sorted(levels)
    assert mixed([], 4) == []


def test_few_matches_have_the_mix_of_many() -> None:
    """However few matches are played, every style has its share of the seats."""
    players = [Contestant("bot", None, style, 0.5, PERSONA) for style in ["rusher"] * 30 + ["anchor"] * 10]
    for seed in range(10):
        seats = [
            seat.style
            for each in likeness_fixtures(players, ["foundry"], 4, seed=seed)
            for t in each.teams
            for seat in t
        ]
        assert 11 <= seats.count("rusher") <= 13


def test_what_cannot_be_evaluated_is_a_sentence(request_: Request, tmp_path: Path) -> None:
    """A missing baseline, an unknown style or level, and play that is there already are sentences."""
    with pytest.raises(GameError, match="no contestant 'nobody'"):
        evaluate(replace(request_, baselines={"x": "nobody"}, rounds=4, out=tmp_path / "a"))
    with pytest.raises(UnderstudyError, match="no style 'lurkr'"):
        evaluate(replace(request_, styles=("lurkr",), out=tmp_path / "b"))
    with pytest.raises(UnderstudyError, match="foundri"):
        evaluate(replace(request_, levels=("foundri",), out=tmp_path / "c"))
    (tmp_path / "d" / BOT).mkdir(parents=True)
    (tmp_path / "d" / BOT / "file").touch()
    with pytest.raises(RecordingError, match="is there already"):
        evaluate(replace(request_, out=tmp_path / "d"))


def test_levels_are_known_by_name() -> None:
    """A level of skirmish has its plan, another game's map has none."""
    ground = ground_of("foundry")
    assert ground is not None
    assert set(ground.lanes) == {"a", "mid", "b"}
    assert ground_of("E1M1") is None


def test_the_command_compares_recordings(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`understudy evaluate LOGS --against LOGS` prints a verdict and writes the page and the JSON."""
    import typer

    from understudy.cli.evaluate import evaluate as command

    monkeypatch.setattr(Options, "quick", classmethod(lambda _cls, seed=0: replace(QUICK, seed=seed)))
    monkeypatch.setattr("understudy.evaluation.report.side_by_side", lambda found, _count: side_by_side(found, 1, 2.0))
    app = typer.Typer()
    app.command()(command)
    page = tmp_path / "new" / "report.html"
    arguments = [str(logs), "--against", str(logs), "--quick", "--out", str(page)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "Automated Turing test" in result.output
    assert "Report:" in result.output
    form = json.loads(page.with_suffix(".json").read_text())
    assert {each["verdict"] for each in form["rows"]} <= {"green", "amber", "plain"}
    assert "<video" in page.read_text()
    with pytest.raises(RecordingError, match="is there already"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    with pytest.raises(GameError, match="should be NAME=PATH"):
        CliRunner().invoke(
            app, [*arguments[:-1], str(tmp_path / "b.html"), "--baseline", "random"], catch_exceptions=False
        )
