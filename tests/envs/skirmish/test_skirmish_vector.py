"""Many rounds at once: the same as one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from skirmish_toys import EMPTY, Rules, random_actions, toy_level

from understudy.envs.skirmish.behavior import SENSORS
from understudy.envs.skirmish.env import SkirmishEnv
from understudy.envs.skirmish.measures import EXTRAS
from understudy.envs.skirmish.rules import AGENTS, PISTOL, SNIPER
from understudy.envs.skirmish.vector import SkirmishVector
from understudy.envs.skirmish.world import World, idle_actions
from understudy.errors import GameError, ObservationError, SpecError

QUICK = Rules(round_s=2.0, bomb_s=2.0)


def test_readings_have_the_shapes_of_the_behavior() -> None:
    """B first, then the four agents, then the sensor's own shape; kept arrays are overwritten."""
    vector = SkirmishVector("foundry", 3, sensors=(*SENSORS, "enemies"))
    first = vector.reset(1)
    for sensor in vector.behavior.sensors:
        assert first[sensor.name].shape == (3, 4, *sensor.shape)
        assert first[sensor.name].dtype == sensor.dtype
    second = vector.step(idle_actions(3))

    assert second["rays"] is first["rays"]


def test_a_vector_is_the_environment_many_times() -> None:
    """Each round reads, rewards and keeps beside it what an environment of the same seed does."""
    vector = SkirmishVector("foundry", 3, seed=5)
    envs = [SkirmishEnv("foundry") for _ in range(3)]
    rng = np.random.default_rng(0)
    readings = vector.reset(5)
    for index, env in enumerate(envs):
        env.reset(seed=int(vector.world.seed[index]))
    for _ in range(40):
        actions = random_actions(rng, 3)
        actions["pitch"][:] = 0
        readings = vector.step(actions)
        extras = vector.extras()
        for index, env in enumerate(envs):
            acting = {agent: {n: v[index, AGENTS.index(agent)] for n, v in actions.items()} for agent in env.agents}
            observations, rewards, _, _, infos = env.step(acting)
            for agent, observation in observations.items():
                a = AGENTS.index(agent)
                assert rewards[agent] == vector.rewards[index, a]
                for name, values in observation.items():
                    assert np.array_equal(values, readings[name][index, a]), name
                for name in EXTRAS:
                    assert np.array_equal(infos[agent]["extras"][name], extras[name][index, a]), name


def test_rounds_begin_anew_when_asked() -> None:
    """The step after its end begins a round, with the next number, seed and level."""
    levels = [EMPTY, toy_level(name="other")]
    vector = SkirmishVector(levels, 2, seed=3, rules=QUICK, auto_reset=True)
    seeds = vector.world.seed.copy()
    assert vector.started.all()
    for _ in range(31):
        vector.step(idle_actions(2))
        assert not vector.ended.any()
    vector.step(idle_actions(2))
    assert vector.ended.all()
    assert vector.over.all()
    assert vector.rewards[0].tolist() == [-1, -1, 1, 1]
    vector.step(idle_actions(2))

    assert vector.started.all()
    assert not vector.over.any()
    assert not vector.rewards.any()
    assert vector.round_number.tolist() == [2, 3]
    assert vector.world.level.tolist() == [0, 1]
    assert (vector.world.tick == 0).all()
    assert not (vector.world.seed == seeds).any()


def test_rounds_stay_over_when_not_asked() -> None:
    """Without auto-reset, a round that is over neither goes on nor pays again."""
    vector = SkirmishVector(EMPTY, 1, rules=QUICK)
    for _ in range(40):
        vector.step(idle_actions(1))

    assert vector.over.all()
    assert not vector.ended.any()
    assert not vector.rewards.any()


def test_weapons_may_be_handed_out_before_a_round() -> None:
    """`before_round` may begin a round otherwise."""

    def armed(world: World, index: int) -> None:
        world.begin(index, 7, weapons=(SNIPER, PISTOL, PISTOL, PISTOL))

    vector = SkirmishVector(EMPTY, 2, before_round=armed)

    assert vector.world.weapon.tolist() == [[SNIPER, PISTOL, PISTOL, PISTOL]] * 2
    assert vector.world.seed.tolist() == [7, 7]


def test_kills_pay_and_deaths_cost() -> None:
    """Rewards of a decision add up what happened in it."""
    vector = SkirmishVector(EMPTY, 1)
    vector.world.rounds["wounds"][0, 0, 2] = 500
    vector.step(idle_actions(1))

    assert vector.rewards[0].tolist() == pytest.approx([0.2, 0, -0.2, 0])


def test_a_team_of_one_reads_nothing_for_the_absent() -> None:
    """Who is not there senses nothing."""
    vector = SkirmishVector(EMPTY, 2, team_sizes=(1, 2))
    readings = vector.step(idle_actions(2))

    assert not any(values[:, 1].any() for values in readings.values())
    assert readings["rays"][:, 0].any()


def test_extras_measure_the_aim() -> None:
    """The angle to an enemy's chest is 0 for who aims at it, and 180 if there is no such enemy."""
    vector = SkirmishVector(EMPTY, 1, team_sizes=(1, 1))
    world = vector.world
    world.position[0, 0], world.position[0, 2] = (20, 30), (30, 30)
    world.heading[0, 0], world.pitch[0, 0] = 0, -np.degrees(np.arctan2(0.4, 10))
    enemies = vector.extras()["enemies"][0, 0]
    assert enemies[0, :3].tolist() == [30, 30, 1]
    assert enemies[0, 4] == pytest.approx(0, abs=0.05)
    assert enemies[1].tolist() == [0, 0, 0, 0, 180]

    world.heading[0, 0] = 20
    assert vector.extras()["enemies"][0, 0, 0, 4] == pytest.approx(20, abs=0.1)


def test_wrong_use_is_refused() -> None:
    """No round, no level, no sensor and too few actions are named."""
    with pytest.raises(GameError, match="0 rounds"):
        SkirmishVector("foundry", 0)
    with pytest.raises(GameError, match="at least one level"):
        SkirmishVector([], 1)
    with pytest.raises(GameError, match="at least one level"):
        SkirmishVector(5, 1)  # type: ignore[arg-type]
    with pytest.raises(GameError, match="seed is -1"):
        SkirmishVector("foundry", 1, seed=-1)
    with pytest.raises(GameError, match="no level"):
        SkirmishVector("foundri", 1)
    with pytest.raises(SpecError, match="no sensor"):
        SkirmishVector("foundry", 1, sensors=["eyes"])
    with pytest.raises(ObservationError, match="'move' with shape"):
        SkirmishVector(EMPTY, 2).step(idle_actions(1))
