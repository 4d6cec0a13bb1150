from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skirmish_bundle import make_skirmish_bundle

from understudy.agents.bundle import Bundle
from understudy.agents.random import RandomAgent
from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.errors import GameError
from understudy.playtest.arena.contestants import Contestant, parse_contestant
from understudy.playtest.arena.matches import Fixture, likeness_fixtures, play_fixtures, round_robin
from understudy.recordings import Recordings, open_recordings


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bot that runs to site a."""
    return make_skirmish_bundle(tmp_path_factory.mktemp("arena") / "runner")


def actions(recordings: Recordings) -> dict[str, np.ndarray]:
    """What was done in each recording, by its name."""
    return {each.name: each.action("turn") for each in recordings}


def test_a_round_is_the_same_whoever_plays_beside_it(bundle: Bundle, tmp_path: Path) -> None:
    """A fixture gives the same recordings alone and in a batch: seeds, not places in the batch, decide."""
    team = (Contestant("runner", bundle, "anchor", 0.9), Contestant("other", bundle, "rusher", 0.1))
    scripted = (parse_contestant("s", "rusher@0.5"), parse_contestant("r", "random"))
    fixtures = [Fixture((team, scripted), "foundry", seed, 2) for seed in (7, 8)]
    alone = play_fixtures(fixtures[1:], tmp_path / "alone")
    together = play_fixtures(fixtures, tmp_path / "together")
    assert [each for each in together if each.seed in {game.seed for game in alone}] == alone
    once, twice = (actions(open_recordings(tmp_path / name)) for name in ("alone", "together"))
    assert set(once) < set(twice)
    for name, turns in once.items():
        np.testing.assert_array_equal(turns, twice[name])


def test_recordings_say_who_played_and_who_won(bundle: Bundle, tmp_path: Path) -> None:
    """Sides are swapped half way, notes hold style, skill and outcome, and each style turns as it is made to."""
    teams = (2 * (Contestant("steady", bundle, "rusher", 1.0),), 2 * (Contestant("waverer", bundle, "anchor", 1.0),))
    games = play_fixtures([Fixture(teams, "foundry", 3, 2)], tmp_path)
    assert [each.sides for each in games] == [("steady", "waverer"), ("waverer", "steady")]
    found = open_recordings(tmp_path)
    assert len(found) == 8
    for each in found:
        notes = each.provenance.notes
        game = next(game for game in games if game.seed == each.provenance.seed)
        assert notes["won"] == ((notes["side"] == "attack") == (game.winner == 0))
        assert notes["skill"] == 1.0
        assert not each.action("fire").any()
    jerks = {
        style: np.mean(
            [np.abs(np.diff(each.action("turn"))).mean() for each in found if each.provenance.notes["persona"] == style]
        )
        for style in ("rusher", "anchor")
    }
    assert jerks["anchor"] > 2 * jerks["rusher"]


def test_everybody_meets_everybody_as_often() -> None:
    """A round robin has each pair on the same levels and seeds; a league lets all play about as often."""
    three = [parse_contestant(name, "random") for name in "abc"]
    fixtures = round_robin(three, ["foundry", "harbour"], 2)
    assert [each.sides for each in fixtures] == [("a", "b")] * 2 + [("a", "c")] * 2 + [("b", "c")] * 2
    assert [each.level for each in fixtures] == ["foundry", "harbour"] * 3
    assert fixtures[0].seed == fixtures[2].seed != fixtures[1].seed
    seats = [seat.name for each in likeness_fixtures(three, ["foundry"], 6) for team in each.teams for seat in team]
    assert {seats.count(name) for name in "abc"} == {8}


def test_the_usual_bot_beats_chance() -> None:
    """The scripted baseline wins every round against players who act at random."""
    usual, chance = parse_contestant("usual", "scripted"), parse_contestant("chance", "random")
    games = play_fixtures([Fixture(((usual, usual), (chance, chance)), "foundry", 1, 2)])
    assert all(each.sides[each.winner] == "usual" for each in games)


def test_random_play_is_that_of_the_random_agent(tmp_path: Path) -> None:
    """Choices are spread evenly, as `RandomAgent`'s are."""
    chance = parse_contestant("chance", "random")
    play_fixtures([Fixture(((chance, chance), (chance, chance)), "foundry", 1, 2)], tmp_path)
    moves = np.concatenate([each.action("move") for each in open_recordings(tmp_path)])
    assert RandomAgent(skirmish_behavior()).behavior.action("move").num_labels == 9
    shares = np.bincount(moves, minlength=9) / len(moves)
    assert np.abs(shares - 1 / 9).max() < 0.03


@pytest.mark.parametrize(("text", "words"), [("rushr", "Did you mean 'rusher'"), ("rusher@high", "rusher@0.8")])
def test_unknown_contestants_are_named(text: str, words: str) -> None:
    """A contestant that is not there, or a skill that is no number, is a sentence."""
    with pytest.raises(GameError, match=words):
        parse_contestant("x", text)


def test_nobody_cannot_play() -> None:
    """Without players or levels there is a sentence."""
    with pytest.raises(GameError, match="--levels"):
        likeness_fixtures([], ["foundry"], 1)
