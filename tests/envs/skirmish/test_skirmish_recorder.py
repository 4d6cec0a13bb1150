"""Recordings of skirmish hold what was seen, done and measured, for each player and round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skirmish_toys import EMPTY, Rules, random_actions

from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.measures import EXTRAS
from understudy.envs.skirmish.recorder import Player, RecordSkirmish, VectorRecorder
from understudy.envs.skirmish.rules import AGENTS, EVENTS
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.envs.skirmish.world import idle_actions
from understudy.errors import GameError
from understudy.recordings import Episode, open_recordings

QUICK = Rules(round_s=2.0, bomb_s=2.0)
CAST = [Player(f"rusher-{a:02d}", "rusher", 0.5, match=3) for a in range(4)]


def by_seat(folder: Path) -> dict[tuple[int, str], Episode]:
    """Recordings by seed and seat."""
    found = {}
    for each in open_recordings(folder):
        notes = each.provenance.notes
        found[each.provenance.seed, f"{notes['side']}_{notes['slot']}"] = each
    return found


def test_a_vector_writes_each_round_of_each_player(tmp_path: Path) -> None:
    """Rows are the readings before each action, with what was done then and what followed; provenance says who."""
    vector = SkirmishVector(EMPTY, 2, seed=8, rules=QUICK, auto_reset=True)
    recorder = VectorRecorder(vector, tmp_path, [CAST, [CAST[0], None, None, CAST[3]]])
    rng = np.random.default_rng(0)
    readings = vector.reset(8)
    seeds = vector.world.seed.tolist()
    seen, done, extras, rewards = [], [], [], []
    for _ in range(32):
        actions = random_actions(rng, 2)
        seen.append({name: values.copy() for name, values in readings.items()})
        done.append(actions)
        extras.append(vector.extras())
        recorder.before(readings, actions)
        readings = vector.step(actions)
        recorder.after(readings)
        rewards.append(vector.rewards.copy())
    assert recorder.num_written == 6
    found = by_seat(tmp_path)
    assert set(found) == {(seeds[0], f"{side}_{slot}") for side in ("attack", "defend") for slot in range(2)} | {
        (seeds[1], "attack_0"),
        (seeds[1], "defend_1"),
    }
    for index, (seat, a) in [(0, ("attack_0", 0)), (0, ("defend_0", 2)), (1, ("defend_1", 3))]:
        episode = found[seeds[index], seat]
        assert episode.num_steps == 32
        final = episode.final_observation() or {}
        for name in vector.behavior.sensor_names:
            expected = np.stack([each[name][index, a] for each in seen])
            assert np.array_equal(episode.observation(name)[:32], expected), name
            assert np.array_equal(np.asarray(final[name]), readings[name][index, a]), name
        for name in vector.behavior.action_names:
            assert np.array_equal(episode.action(name)[:32], np.stack([each[name][index, a] for each in done])), name
        for name in EXTRAS:
            assert np.array_equal(episode.extra(name)[:32], np.stack([each[name][index, a] for each in extras])), name
        assert np.array_equal(episode.reward, np.stack([each[index, a] for each in rewards]))
        assert {word for words in episode.events for word in words} <= set(EVENTS)
        assert episode.terminated
    notes = found[seeds[0], "defend_1"].provenance
    assert notes.game == "skirmish"
    assert notes.map == "toy"
    assert notes.player == "rusher-03"
    assert notes.notes == {
        "persona": "rusher",
        "skill": 0.5,
        "side": "defend",
        "slot": 1,
        "match": 3,
        "round": 0,
        "won": True,
    }


def test_the_dead_end_their_recording(tmp_path: Path) -> None:
    """A recording ends with its player's death, and the last observation is of that moment."""
    vector = SkirmishVector(EMPTY, 1, rules=QUICK)
    recorder = VectorRecorder(vector, tmp_path, [CAST])
    rng = np.random.default_rng(0)
    readings = vector.reset(0)
    last = {}
    for step in range(32):
        if step == 10:
            vector.world.rounds["wounds"][0, 2, 0] = 500
        actions = random_actions(rng, 1)
        for part in actions.values():
            part[:] = 0
        recorder.before(readings, actions)
        readings = vector.step(actions)
        if step == 10:
            last = {name: values[0, 0].copy() for name, values in readings.items()}
        recorder.after(readings)
    found = by_seat(tmp_path)
    fallen = found[int(vector.world.seed[0]), "attack_0"]

    assert fallen.num_steps == 11
    assert "death" in fallen.events[-1]
    assert fallen.terminated
    final = fallen.final_observation() or {}
    for name, values in last.items():
        assert np.array_equal(np.asarray(final[name]), values)
    assert found[int(vector.world.seed[0]), "attack_1"].num_steps == 32


def test_rounds_that_are_not_over_are_written_as_truncated(tmp_path: Path) -> None:
    """Closing keeps what was played."""
    vector = SkirmishVector(EMPTY, 1)
    recorder = VectorRecorder(vector, tmp_path, [CAST])
    actions = random_actions(np.random.default_rng(0), 1)
    readings = vector.reset(0)
    for _ in range(5):
        recorder.before(readings, actions)
        readings = vector.step(actions)
        recorder.after(readings)
    recorder.close()
    found = list(by_seat(tmp_path).values())

    assert [each.num_steps for each in found] == [5] * 4
    assert all(each.truncated and not each.terminated for each in found)
    assert found[0].provenance.notes["won"] is None


def test_a_recorder_needs_players_for_each_round(tmp_path: Path) -> None:
    """A row of four for each round."""
    with pytest.raises(GameError, match="2 rounds need as many rows"):
        VectorRecorder(SkirmishVector(EMPTY, 2), tmp_path, [CAST])


def test_an_environment_is_recorded_while_it_is_played(tmp_path: Path) -> None:
    """The wrapper writes the same as it hands out, round after round, for the players asked for."""
    env = RecordSkirmish(SkirmishEnv(EMPTY, rules=QUICK), tmp_path, {"attacker_0": Player("me"), "defender_1": CAST[3]})
    seen: dict[int, list[np.ndarray]] = {}
    for seed in (11, 12):
        observations, _ = env.reset(seed=seed)
        seen[seed] = []
        while env.agents:
            seen[seed].append(observations["attacker_0"]["self"])
            observations = env.step({agent: env.action_space(agent).sample() for agent in env.agents})[0]
    env.close()
    found = by_seat(tmp_path)

    assert set(found) == {(seed, seat) for seed in (11, 12) for seat in ("attack_0", "defend_1")}
    # A person's name is hidden, a script's is not.
    assert found[11, "attack_0"].provenance.player not in ("", "me")
    assert found[11, "defend_1"].provenance.player == "rusher-03"
    for seed, expected in seen.items():
        episode = found[seed, "attack_0"]
        assert episode.terminated
        assert np.array_equal(episode.observation("self")[: len(expected)], np.stack(expected))
        assert episode.extra("enemies").shape[1:] == (2, 5)
    assert len({found[each, "attack_0"].provenance.player for each in (11, 12)}) == 1


def test_a_round_left_early_is_truncated(tmp_path: Path) -> None:
    """Another reset, or closing, ends the recordings of a round that is not over."""
    env = RecordSkirmish(SkirmishEnv(EMPTY), tmp_path, {AGENTS[0]: Player("me")})
    env.reset(seed=1)
    for _ in range(3):
        env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    env.reset(seed=2)
    env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    env.close()
    found = by_seat(tmp_path)

    assert [found[seed, "attack_0"].num_steps for seed in (1, 2)] == [3, 1]
    assert all(each.truncated for each in found.values())


def test_who_died_in_the_last_step_before_closing_keeps_its_last_look(tmp_path: Path) -> None:
    """A recording that ends with a death ends with what was seen then, though no step followed."""
    vector = SkirmishVector(EMPTY, 1)
    recorder = VectorRecorder(vector, tmp_path, [CAST])
    readings = vector.reset(0)
    vector.world.rounds["wounds"][0, 2, 0] = 100
    actions = idle_actions(1)
    recorder.before(readings, actions)
    readings = vector.step(actions)
    recorder.after(readings)
    recorder.close()
    episode = by_seat(tmp_path)[int(vector.world.seed[0]), "attack_0"]
    final = episode.final_observation() or {}

    assert episode.terminated
    assert np.array_equal(np.asarray(final["rays"]), readings["rays"][0, 0])
    assert np.asarray(final["rays"]).any()


def test_a_round_that_is_left_for_another_is_not_mixed_with_it(tmp_path: Path) -> None:
    """After a reset in the middle of a round, what is written is the new round alone."""
    vector = SkirmishVector(EMPTY, 1, rules=QUICK)
    recorder = VectorRecorder(vector, tmp_path, [CAST])
    actions = idle_actions(1)
    for seed, steps in ((0, 5), (1, 32)):
        readings = vector.reset(seed)
        for _ in range(steps):
            recorder.before(readings, actions)
            readings = vector.step(actions)
            recorder.after(readings)
    found = by_seat(tmp_path)

    assert {seed for seed, _ in found} == {int(vector.world.seed[0])}
    assert [each.num_steps for each in found.values()] == [32] * 4
