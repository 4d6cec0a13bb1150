from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.evaluation.sequences import cut_windows, shared_layout
from understudy.evaluation.telemetry import Telemetry
from understudy.evaluation.turing import (
    TuringOptions,
    _bot_folds,
    _player_folds,
    area_under_curve,
    hand_steps,
    in_steps,
    players_as_bots,
    turing_test,
)

QUICK = TuringOptions(window_s=3.0, folds=2, updates=40)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    """The AUC is the share of (positive, negative) pairs in which the positive is above, ties counting half."""
    scores, positive = (np.array(each) for each in zip(*rows, strict=True))
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    if pairs:
        assert area_under_curve(scores, positive) == pytest.approx(np.mean(pairs))
    else:
        assert np.isnan(area_under_curve(scores, positive))


def test_the_same_habits_cannot_be_told_apart(players: list[Telemetry], same: list[Telemetry]) -> None:
    """The AUC of a bot that plays as players do is near one half."""
    found = turing_test(players, same, QUICK)
    assert found is not None
    assert 0.3 < found.auc.mean < 0.7
    assert found.auc.low <= found.auc.mean <= found.auc.high


def test_other_habits_are_told_apart(players: list[Telemetry], hasty: list[Telemetry]) -> None:
    """The AUC of a bot of other habits is near one, by windows and by rounds, and its curve is above chance."""
    found = turing_test(players, hasty, QUICK)
    assert found is not None
    assert found.auc.low > 0.9
    assert found.episode_auc > 0.95
    assert (found.roc[1] >= found.roc[0] - 1e-9).all()
    assert set(found.giveaways) >= {"speed", "turn", "fire", "aim_error", "move"}
    assert len(found.scores) == len(players) + len(hasty)


def test_players_against_players_are_the_floor(players: list[Telemetry]) -> None:
    """With players of the same styles in the bot's place, the AUC is near one half."""
    found = players_as_bots(players, QUICK)
    assert found is not None
    assert 0.3 < found.auc.mean < 0.7


def test_a_player_is_unknown_to_the_classifier_that_judges_it(players: list[Telemetry]) -> None:
    """Whole players are held out where others play their style; the only player of a style is by rounds."""
    folds = _player_folds(players, QUICK)
    by_player = {
        each.player: {fold for fold, one in zip(folds, players, strict=True) if one.player == each.player}
        for each in players
    }
    assert all(len(each) == 1 for each in by_player.values())
    for style in ("calm", "bold"):
        assert {fold for fold, each in zip(folds, players, strict=True) if each.persona == style} == {0, 1}
    alone = [each for each in players if each.player == players[0].player]
    assert set(_player_folds(alone, QUICK)) == {0, 1}


def test_too_few_rounds_give_no_number(players: list[Telemetry], hasty: list[Telemetry]) -> None:
    """A bot of one round cannot be trained on and tested: there is no result, and no error."""
    assert turing_test(players, hasty[:1], QUICK) is None


def test_windows_are_of_what_all_recordings_have(players: list[Telemetry]) -> None:
    """A column that one recording lacks is told of nobody."""
    poor = replace(players[0], columns={"speed": players[0].columns["speed"]}, choices={})
    assert shared_layout([players[1], poor]).columns == ("speed",)
    assert shared_layout([players[1], poor]).choices == ()


def test_windows_overlap_by_half() -> None:
    """Windows start every half length; short episodes are filled up, very short ones left out."""
    rows = [np.arange(20, dtype=np.float32)[:, None], np.ones((6, 1), np.float32), np.ones((3, 1), np.float32)]
    found = cut_windows(rows, 8)
    assert found.owner.tolist() == [0, 0, 0, 0, 1]
    assert found.values[:4, 0, 0].tolist() == [0, 4, 8, 12]
    assert cut_windows(rows, 8, pool=4).values[0, :, 0].tolist() == [1.5, 5.5]


def test_one_of_several_in_the_bots_place_is_unknown_too(players: list[Telemetry]) -> None:
    """Several who stand in the bot's place are held out as players are; a single bot is known, and by rounds."""
    folds = _bot_folds(players, QUICK)
    for name in {each.player for each in players}:
        assert len({fold for fold, one in zip(folds, players, strict=True) if one.player == name}) == 1
    assert set(_bot_folds([replace(each, player="bot") for each in players], QUICK)) == {0, 1}


def test_a_hand_that_knows_few_steps_is_found(players: list[Telemetry]) -> None:
    """A policy's bins are found in its play, a player's hand knows none; in these steps both turn alike."""
    bins = np.array([-8.0, -2.5, 0.0, 2.5, 8.0])
    bots = in_steps(players, {"turn": bins})
    steps = hand_steps(bots, players)
    np.testing.assert_allclose(steps["turn"], bins)
    assert hand_steps(players, players) == {}
    for bot, same in zip(bots, in_steps(players, steps), strict=True):
        np.testing.assert_allclose(same.columns["turn"], bot.columns["turn"])
