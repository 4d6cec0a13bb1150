"""The environment's contract, and what its players sense."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from understudy.envs.skirmish.behavior import (
    ENEMY_LABELS,
    SELF_LABELS,
    SENSORS,
    TEAM_LABELS,
    WAYS,
    skirmish_behavior,
)
from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.level import PLACES
from understudy.envs.skirmish.rules import EVENTS, SOUNDS, WEAPONS, Rules
from understudy.errors import GameError, ObservationError, SpecError
from understudy.sensors import audio
from understudy.spec import BehaviorSpec

QUICK = Rules(round_s=4.0)


def sample(env: SkirmishEnv) -> dict[str, Any]:
    """An action of everybody who plays."""
    return {agent: env.action_space(agent).sample() for agent in env.agents}


def test_pettingzoo_finds_nothing_wrong() -> None:
    """The library's own tests of a parallel environment, and of its seeding, pass."""
    with warnings.catch_warnings():
        # Importing the tests imports pettingzoo's own games, which warn of their own names.
        warnings.simplefilter("ignore", DeprecationWarning)
        from pettingzoo.test import parallel_api_test, parallel_seed_test

    parallel_api_test(SkirmishEnv(), num_cycles=200)
    parallel_seed_test(lambda: SkirmishEnv(rules=QUICK), num_cycles=50)


@pytest.mark.parametrize("team_size", [1, 2])
@pytest.mark.parametrize("level", ["foundry", "generated-3"])
def test_observations_keep_the_behavior(level: str, team_size: int) -> None:
    """Every sensor has its shape, dtype and range at every step; infos hold what is promised; the round ends."""
    env = SkirmishEnv(level, sensors=(*SENSORS, "enemies"), team_size=team_size, rules=QUICK)
    observations, infos = env.reset(seed=4)
    assert env.agents == env.possible_agents
    steps = 0
    while env.agents:
        for agent, observation in observations.items():
            env.behavior.check_observation(observation)
            assert env.observation_space(agent).contains(observation), agent
            assert np.isfinite(infos[agent]["position"]).all()
            assert set(infos[agent]["events"]) <= set(EVENTS)
        assert not any("won" in info for info in infos.values())
        observations, rewards, terminations, truncations, infos = env.step(sample(env))
        assert set(rewards) == set(terminations) == set(truncations) == set(infos) == set(observations)
        steps += 1

    assert steps == 4 * 16
    assert all(terminations.values())
    assert [infos[agent]["won"] for agent in infos] == [agent.startswith("defender") for agent in infos]
    assert [rewards[agent] for agent in rewards] == [1.0 if agent.startswith("defender") else -1.0 for agent in infos]


def test_the_behavior_is_the_spaces_and_survives_json() -> None:
    """The spaces are the behaviour's, privileged sensors are off, and labels are as many as numbers."""
    env = SkirmishEnv()
    assert env.observation_space("attacker_0") == env.behavior.observation_space
    assert env.action_space("defender_1") == env.behavior.action_space
    assert env.behavior.sensor_names == SENSORS
    assert not any(each.privileged for each in env.behavior.sensors)
    everything = skirmish_behavior((*SENSORS, "enemies"))
    assert everything.sensor("enemies").privileged

    assert BehaviorSpec.from_json(everything.to_json()) == everything
    assert WAYS == PLACES
    assert SOUNDS == audio.SOUNDS
    for name, labels in (("self", SELF_LABELS), ("team", TEAM_LABELS)):
        assert everything.sensor(name).shape == (len(labels),)
    assert everything.sensor("enemies").shape == (2, len(ENEMY_LABELS))


def test_the_same_seed_is_the_same_round() -> None:
    """Sensors and all, also in the second round of an environment."""

    def observe(env: SkirmishEnv) -> list[bytes]:
        observations, _ = env.reset(seed=9)
        rng = np.random.default_rng(0)
        found = []
        for _ in range(40):
            actions = {
                agent: {
                    "move": rng.integers(9),
                    "gait": 0,
                    "turn": rng.uniform(-60, 60),
                    "pitch": 0,
                    "fire": 1,
                    "act": 2,
                }
                for agent in env.agents
            }
            observations = env.step(actions)[0]
            found += [values.tobytes() for each in observations.values() for values in each.values()]
        return found

    env = SkirmishEnv()
    assert observe(env) == observe(env) == observe(SkirmishEnv())


def test_the_dead_leave() -> None:
    """Who dies is terminated, reads the moment of its death, and is asked for nothing any more."""
    env = SkirmishEnv()
    env.reset(seed=0)
    env.world.rounds["wounds"][0, 2, 0] = 500
    observations, rewards, terminations, _, infos = env.step(sample(env))

    assert terminations["attacker_0"]
    assert not terminations["attacker_1"]
    assert "death" in infos["attacker_0"]["events"]
    assert rewards["attacker_0"] == pytest.approx(-0.2)
    assert observations["attacker_0"]["rays"].any()
    assert observations["attacker_0"]["self"][0] == 0
    assert "attacker_0" not in env.agents
    assert "attacker_0" not in env.step(sample(env))[0]


def test_money_and_options_decide_what_one_holds() -> None:
    """Money buys the dearest weapon up to the one asked for, a number for all or one by agent."""
    env = SkirmishEnv()

    def weapons(**options: Any) -> list[str]:
        env.reset(seed=0, options=options)
        return [WEAPONS[each] for each in env.world.weapon[0]]

    assert weapons() == ["rifle"] * 4
    assert weapons(money=800) == ["pistol"] * 4
    assert weapons(money={"attacker_0": 9000}) == ["rifle", "pistol", "pistol", "pistol"]
    assert weapons(money=9000, weapons={"defender_1": "sniper"}) == ["rifle", "rifle", "rifle", "sniper"]
    assert weapons(weapons="sniper") == ["sniper"] * 4


def test_options_change_level_and_teams() -> None:
    """A round may be on another level, or with one on each side."""
    env = SkirmishEnv()
    env.reset(seed=0, options={"level": "generated-3", "team_size": 1})

    assert env.agents == ["attacker_0", "defender_0"]
    assert env.world.levels[0].name == "generated-3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levle": "foundry"}, "no option 'levle'. Did you mean 'level'"),
        ({"level": "foundri"}, "no level 'foundri'. Did you mean 'foundry'"),
        ({"team_size": 3}, "Teams of 3"),
        ({"weapons": "rifel"}, "no weapon 'rifel'. Did you mean 'rifle'"),
        ({"weapons": {"atacker_0": "pistol"}}, "no agent 'atacker_0'. Did you mean 'attacker_0'"),
        ({"money": "much"}, "Money is a number"),
        ({"level": ["foundry", "harbour"]}, "one level, such as 'foundry', not on"),
        ({"level": 5}, "one level"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    """A wrong name is met with a suggestion."""
    with pytest.raises(GameError, match=message):
        SkirmishEnv().reset(options=options)


def test_wrong_use_is_refused() -> None:
    """Steps out of turn, wrong agents, sensors, levels and actions are named."""
    env = SkirmishEnv(rules=Rules(round_s=0.1), team_size=1)
    with pytest.raises(GameError, match="not started"):
        env.step({})
    env.reset(seed=0)
    with pytest.raises(ObservationError, match="action of 'attacker_0' lacks; give one"):
        env.step({})
    good = sample(env)
    with pytest.raises(ObservationError, match="'defender_0' lacks 'move'"):
        env.step({**good, "defender_0": {}})
    with pytest.raises(ObservationError, match="'move' of 'defender_0' should be one number"):
        env.step({**good, "defender_0": {**good["defender_0"], "move": 1.5}})
    with pytest.raises(ObservationError, match="'turn' must lie between"):
        env.step({**good, "defender_0": {**good["defender_0"], "turn": 90.0}})
    while env.agents:
        env.step(sample(env))
    with pytest.raises(GameError, match="is over"):
        env.step(good)
    with pytest.raises(GameError, match="no agent 'attacker_7'"):
        env.observation_space("attacker_7")
    with pytest.raises(GameError, match=r"needs SkirmishEnv\(team_size=2\)"):
        env.reset(options={"team_size": 2})
    with pytest.raises(SpecError, match=r"no sensor 'ray'\. Did you mean 'rays'"):
        SkirmishEnv(sensors=["ray"])
    with pytest.raises(GameError, match="no level"):
        SkirmishEnv("fondry")
    with pytest.raises(GameError, match="seed is -1"):
        SkirmishEnv().reset(seed=-1)
    with pytest.raises(GameError, match="render mode"):
        SkirmishEnv(render_mode="human")
    env.close()
    env.close()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_a_copy_plays_on_by_itself(copied: Callable[[SkirmishEnv], SkirmishEnv]) -> None:
    """Copied or sent to another process in the middle of a round, it goes on as the first does, and leaves it alone."""
    first = SkirmishEnv(rules=Rules(round_s=2.0, bomb_s=1.0))
    first.reset(seed=4)
    for _ in range(4):
        first.step(sample(first))
    second = copied(first)
    before = first.world.rounds.tobytes()
    played = []
    while second.agents:
        played.append(sample(second))
        observations, rewards, _, _, infos = second.step(played[-1])
    assert first.world.rounds.tobytes() == before

    for actions in played:
        expected, paid, _, _, told = first.step(actions)
    assert not first.agents
    for agent in expected:
        assert all(np.array_equal(expected[agent][name], observations[agent][name]) for name in expected[agent])
        assert paid[agent] == rewards[agent]
        assert np.array_equal(told[agent]["position"], infos[agent]["position"])
