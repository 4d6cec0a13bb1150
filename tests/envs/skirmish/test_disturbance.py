"""Disturbed play: hands do something else now and then, and what is recorded is what their players wanted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from understudy.envs.skirmish.behavior import MOVES
from understudy.envs.skirmish.corpus import Corpus
from understudy.envs.skirmish.players.disturbance import Disturbance
from understudy.envs.skirmish.players.matches import MatchPlan, Seat, record_matches
from understudy.errors import GameError
from understudy.recordings import Episode, open_recordings

SEATS = (Seat("rusher", 0, 0.5), Seat("anchor", 1, 0.5), Seat("roamer", 2, 0.5), Seat("novice", 3, 0.5))
PLAN = MatchPlan(1, 77, "foundry", 2, SEATS, 0.2)


def disturbed(seed: int, share: float, decisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Moves and turns of players who want to stand still, each (decisions, 4)."""
    disturbance, moves, turns = Disturbance(seed, share), [], []
    for _ in range(decisions):
        actions = {"move": np.zeros(4, np.int64), "turn": np.zeros(4, np.float32), "fire": np.zeros(4, np.int64)}
        disturbance.disturb(actions)
        assert not actions["fire"].any()
        moves.append(actions["move"])
        turns.append(actions["turn"])
    return np.stack(moves), np.stack(turns)


def test_so_many_decisions_are_disturbed_as_was_asked_for() -> None:
    """A fifth of them, in pieces; the same seed disturbs the same, and each player on its own."""
    moves, turns = disturbed(3, 0.2, 20_000)
    assert (turns != 0).mean() == pytest.approx(0.2, abs=0.02)
    assert set(np.unique(moves)) == set(range(len(MOVES)))
    runs = np.diff(np.flatnonzero(np.diff(np.r_[0, turns[:, 0] != 0, 0])))[::2]
    assert np.mean(runs) > 4
    again = disturbed(3, 0.2, 20_000)
    np.testing.assert_array_equal(again[0], moves)
    assert not np.array_equal(disturbed(4, 0.2, 200)[1], turns[:200])
    assert not np.array_equal(turns[:, 0], turns[:, 1])


def test_recordings_hold_what_was_wanted(tmp_path: Path) -> None:
    """Where play is disturbed the game moves somebody whose recorded choice is to stand; else hardly: by a push."""
    pushed = {}
    for plan in (PLAN, replace(PLAN, disturbed=0.0)):
        folder = tmp_path / str(plan.disturbed)
        record_matches([plan], folder)
        pushed[plan.disturbed] = np.mean([shoved(each) for each in open_recordings(folder)])
    assert pushed[0.0] < 0.01
    assert 5 * pushed[0.0] < pushed[0.2] < 0.4


def shoved(episode: Episode) -> float:
    """Of decisions to go on standing, the share after which somebody who stood moves."""
    stands = episode.action("move")[:-1] == 0
    speed = np.linalg.norm(episode.extra("velocity"), axis=1)
    still = stands & (speed[:-1] == 0)
    return float((speed[1:][still] > 0).mean()) if still.any() else 0.0


def test_a_disturbed_match_is_played_alike_beside_another(tmp_path: Path) -> None:
    """What disturbs a match hangs on nothing but the match."""
    record_matches([PLAN, replace(PLAN, number=2, seed=5)], tmp_path / "together")
    record_matches([PLAN], tmp_path / "alone")
    alone = {each.name: each for each in open_recordings(tmp_path / "alone")}
    together = {each.name: each for each in open_recordings(tmp_path / "together") if each.name in alone}
    assert together.keys() == alone.keys()
    for name, each in together.items():
        np.testing.assert_array_equal(each.extra("position"), alone[name].extra("position"))


@pytest.mark.parametrize("share", [-0.1, 0.6])
def test_a_share_has_its_bounds(share: float) -> None:
    """Who is disturbed most of the time plays no more."""
    with pytest.raises(GameError, match=r"from 0 to 0\.5"):
        Corpus(disturbed=share)
