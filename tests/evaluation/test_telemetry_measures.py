from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import toys
from understudy.evaluation.matched import compare_matched, split_players
from understudy.evaluation.measures import (
    SHOOTER,
    Measure,
    burst_lengths,
    divergences,
    panel_measures,
    reaction_times,
)
from understudy.evaluation.telemetry import Telemetry, aim_error, read_telemetry
from understudy.recordings import open_recordings


def telemetry(name: str = "a", player: str = "a", **columns: list[float]) -> Telemetry:
    """Telemetry of columns alone, at 10 decisions a second."""
    held = {key: np.array(values, float) for key, values in columns.items()}
    return Telemetry(name, player, "map", {}, 10.0, held, {})


def measure(key: str) -> Measure:
    """The shooter's measure of that name."""
    return next(each for each in SHOOTER if each.key == key)


def test_reaction_is_from_first_sight_to_first_aimed_shot() -> None:
    """A shot wide of the enemy does not count, nor one that was under way when the enemy came into sight."""
    one = telemetry(
        visible=[0, 1, 1, 1, 1, 0, 1, 1, 0],
        fire=[0, 0, 1, 1, 1, 0, 1, 1, 0],
        aim_error=[np.nan, 30, 30, 2, 1, np.nan, 1, 1, np.nan],
    )
    found = reaction_times(one)
    assert found is not None
    assert found.tolist() == [0.2]


def test_bursts_are_runs_of_the_trigger() -> None:
    """Each run of firing counts once, with its length, also at the ends."""
    found = burst_lengths(telemetry(fire=[1, 1, 0, 1, 0, 0, 1, 1, 1]))
    assert found is not None
    assert found.tolist() == [2, 1, 3]


def test_aim_error_is_of_the_best_aimed_at_visible_enemy() -> None:
    """Dead and hidden enemies do not count; with none visible there is no aim error."""
    enemies = np.zeros((3, 2, 5))
    enemies[..., 4] = [[9, 4], [9, 4], [9, 4]]
    enemies[0, :, 2:4], enemies[1, 0, 2:4], enemies[2, 1, 2] = 1, 1, 1
    np.testing.assert_array_equal(aim_error(enemies), [4, 9, np.nan])


def test_columns_come_from_the_recordings_extras(players: list[Telemetry]) -> None:
    """Speed is the velocity's length, turning is positive to the right, clearance is read from the level's plan."""
    one = players[0]
    assert one.source is not None
    velocity = one.source.extra("velocity")
    np.testing.assert_allclose(one.columns["speed"], np.linalg.norm(velocity, axis=1), rtol=1e-6)
    asked = one.source.action("turn")
    np.testing.assert_allclose(one.columns["turn"][:-1], asked[1:] * one.hz, atol=0.3)
    assert one.columns["clearance"].min() >= 0
    assert {"speed", "turn", "pitch", "fire", "aim_error", "visible", "clearance"} == set(one.columns)


def test_a_game_without_extras_keeps_what_it_has(tmp_path: Path) -> None:
    """Of a recording without extras, turning and how long choices are held can still be measured."""
    toys.write_episode(tmp_path, steps=50)
    found = read_telemetry(open_recordings(tmp_path))
    assert {"turn"} == set(found[0].columns)
    assert {"move", "buttons"} == set(found[0].choices)
    assert measure("speed").inner_edges(found) is None
    assert "move_held" in {each.key for each in panel_measures(found)}


def test_between_kinds_is_further_than_within(
    players: list[Telemetry], same: list[Telemetry], hasty: list[Telemetry]
) -> None:
    """A bot of other habits is above the players' floor in each habit it differs in, one of the same is near it."""
    measures = [
        measure(key) for key in ("speed", "turn_rate", "aim_error", "reaction_time", "burst_length", "pitch_rate")
    ]
    edges = [each.inner_edges(players) for each in measures]

    def features(episodes: list[Telemetry]) -> list[list[np.ndarray]]:
        return [
            [m.histogram(each, e) for m, e in zip(measures, edges, strict=True) if e is not None] for each in episodes
        ]

    found = compare_matched(
        players, features(players), {"same": features(same), "hasty": features(hasty)}, divergences, splits=6, draws=40
    )
    for each in found[:5]:
        assert each.candidates["hasty"].low > each.floor.high
        assert each.candidates["same"].mean < each.candidates["hasty"].mean / 4
        assert each.ratios["hasty"].mean > 5
    # The hands look up and down alike.
    assert found[5].ratios["hasty"].mean < 3
    assert found[-1].candidates["hasty"].mean == pytest.approx(
        np.mean([each.candidates["hasty"].mean for each in found[:-1]])
    )


def test_halves_hold_whole_players_of_every_style(players: list[Telemetry]) -> None:
    """No player is in both halves, each style is in both, and they are about as large."""
    for seed in range(8):
        halves = split_players(players, np.random.default_rng(seed))
        names = [{players[index].player for index in half} for half in (halves.reference, halves.others)]
        styles = [{players[index].persona for index in half} for half in (halves.reference, halves.others)]
        assert not names[0] & names[1]
        assert styles[0] == styles[1] == {"calm", "bold"}
        assert len(halves.reference) == len(halves.others) == len(players) // 2


def test_one_player_is_split_by_episode() -> None:
    """A single player's episodes are divided; a single episode is refused with a sentence."""
    halves = split_players([telemetry(str(index)) for index in range(5)], np.random.default_rng(0))
    assert sorted([*halves.reference, *halves.others]) == list(range(5))
    with pytest.raises(Exception, match="at least two recordings of players"):
        split_players([telemetry()], np.random.default_rng(0))


def test_the_same_seed_gives_the_same_numbers(players: list[Telemetry], same: list[Telemetry]) -> None:
    """A comparison can be repeated exactly."""

    def distance(left: list[float], right: list[float]) -> np.ndarray:
        return np.array([abs(np.mean(left) - np.mean(right))])

    own, other = ([float(each.columns["speed"].mean()) for each in group] for group in (players, same))
    twice = [compare_matched(players, own, {"same": other}, distance, splits=4, draws=10, seed=3) for _ in range(2)]
    assert twice[0] == twice[1]


def test_rounds_are_resampled_whole(players: list[Telemetry]) -> None:
    """Those who share a round and play alike say no more than one of them: the interval is wider than if they did."""
    rng = np.random.default_rng(0)
    rounds = [index // 12 for index in range(36)]
    own, alone = rng.normal(size=36).tolist(), [1.0, 2.0, 3.0]
    alike = [alone[index] for index in rounds]

    def distance(left: list[float], right: list[float]) -> np.ndarray:
        return np.array([5 + np.mean(left)]) + 0 * np.mean(right)

    apart, whole = (
        compare_matched(players, own, {"bot": alike}, distance, rounds=each, splits=4, draws=200)[0].candidates["bot"]
        for each in (None, {"bot": rounds})
    )
    assert (whole.high - whole.low) > 1.5 * (apart.high - apart.low)


def test_one_who_never_does_it_has_nothing_in_common() -> None:
    """Never shooting is as far as can be from shooting; neither doing it, or not knowing, is no number."""
    some, none = np.array([1, 2]), np.array([0, 0])
    assert divergences([[some]], [[none]]).tolist() == [1.0, 1.0]
    assert np.isnan(divergences([[none]], [[none]])).all()
    assert np.isnan(divergences([[some]], [[None]])).all()
