from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from understudy.evaluation.held_out import choose_held_out, describe_players, trained_levels
from understudy.evaluation.telemetry import Telemetry
from understudy.recordings import Episode, open_recordings


@pytest.fixture(scope="module")
def episodes(play_folder: Path) -> list[Episode]:
    """Recordings of six players."""
    return list(open_recordings(play_folder / "players"))


def bundle(listed: list[dict[str, Any]] | None, held_out: tuple[str, ...] = ()) -> Any:
    """A bundle that says what it was trained on."""
    recipe = {"split": {"players": list(held_out)}}
    provenance = {"recipe": recipe, **({} if listed is None else {"recordings": listed})}
    return SimpleNamespace(name="bot", card=SimpleNamespace(provenance=provenance))


def entry(episode: Episode) -> dict[str, Any]:
    """What a card says of a recording."""
    source = episode.provenance
    return {"digest": episode.digest, "player": source.player, "map": source.map, "seed": source.seed}


def test_what_was_trained_on_is_left_out(episodes: list[Episode]) -> None:
    """Recordings whose digests the card names are not compared with, and the report says so."""
    found = choose_held_out(bundle([entry(each) for each in episodes[:10]]), episodes)
    assert [each.name for each in found.episodes] == [each.name for each in episodes[10:]]
    assert "Left out 10 recordings" in found.facts[0]


def test_players_that_the_recipe_kept_back_are_held_out(episodes: list[Episode]) -> None:
    """A recording that was given to training, of a player in split.players, was not trained on."""
    player = episodes[0].provenance.player
    found = choose_held_out(bundle([entry(each) for each in episodes], (player,)), episodes)
    assert {each.provenance.player for each in found.episodes} == {player}
    assert any("No player" in each for each in found.facts)
    assert any("1 of 1 levels compared with was trained on: square" in each for each in found.warnings)
    alone = [each for each in episodes if each.provenance.player == player]
    found = choose_held_out(bundle([entry(each) for each in alone], (player,)), alone)
    assert found.warnings == ()


def test_a_warning_if_all_was_trained_on(episodes: list[Episode]) -> None:
    """Where nothing is held out, everything is compared with, and a sentence says what that is worth."""
    found = choose_held_out(bundle([entry(each) for each in episodes]), episodes)
    assert len(found.episodes) == len(episodes)
    assert "Every recording given was trained on" in found.warnings[0]


def test_a_card_that_says_nothing_is_warned_of(episodes: list[Episode]) -> None:
    """Without a list in the card nothing is known to be held out; of recordings nothing is known at all."""
    assert "does not say what it was trained on" in choose_held_out(bundle(None), episodes).warnings[0]
    assert choose_held_out(None, episodes).warnings == ()


def test_trained_levels_are_listed(episodes: list[Episode]) -> None:
    """The levels come from the card."""
    assert trained_levels(bundle([entry(episodes[0])])) == {"square"}


def test_players_are_described_in_a_sentence(players: list[Telemetry]) -> None:
    """How many, how long, which styles and where."""
    assert describe_players(players) == ("36 recordings of 6 players, 0.15 hours, of the styles bold, calm, on square.")
