from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from understudy.agents.agent import Agent
from understudy.agents.random import RandomAgent
from understudy.agents.scripted import RayWalker
from understudy.envs.doom.behavior import FRAME, RAYS, doom_behavior
from understudy.envs.vizdoom.env import DoomEnv
from understudy.errors import ObservationError, SpecError
from understudy.sensors import RayFan
from understudy.spec import ActionSpec, BehaviorSpec

Make = Callable[..., DoomEnv]


def _play(env: DoomEnv, agent: Agent, seed: int) -> tuple[set[tuple[int, int]], float]:
    """Return the cells of 128 map units the player was in, and the monsters that died."""
    observation, info = env.reset(seed=seed)
    agent.reset(seed)
    cells, kills = set(), 0.0
    while True:
        cells.add((int(info["position"][0] // 128), int(info["position"][1] // 128)))
        observation, reward, terminated, truncated, info = env.step(agent.act(observation))
        kills += reward
        if terminated or truncated:
            return cells, kills


@pytest.mark.parametrize("level", ["E1M1", "E3M1"])
def test_the_walker_gets_about_and_shoots(make_doom: Make, level: str) -> None:
    """In thirty seconds it sees much more of a level than a player who fumbles, and kills somebody."""
    env = make_doom(map=level, sensors=("rays",), max_seconds=30)
    walked = [_play(env, RayWalker(env.behavior), seed) for seed in (0, 1)]
    fumbled = [_play(env, RandomAgent(env.behavior), seed) for seed in (0, 1)]
    assert sum(len(cells) for cells, _ in walked) > 1.5 * sum(len(cells) for cells, _ in fumbled)
    assert sum(kills for _, kills in walked) > 0


def _reading(distances: np.ndarray, hits: np.ndarray | None = None) -> dict[str, np.ndarray]:
    rays = np.zeros(RAYS.shape, np.float32)
    rays[:, 0] = distances
    rays[:, 1] = 1
    if hits is not None:
        rays[hits, 1:3] = (0, 1)
    return {"rays": rays}


@pytest.fixture
def walker() -> RayWalker:
    """A walker for Doom's rays, just reset."""
    return RayWalker(doom_behavior(RAYS.spec()))


def test_the_same_seed_acts_the_same(walker: RayWalker) -> None:
    """A reset starts the whims again; another seed has others."""
    observation = _reading(np.full(31, 500.0))

    def turns(seed: int) -> list[float]:
        walker.reset(seed)
        return [float(walker.act(observation)["turn"][0]) for _ in range(60)]

    assert turns(3) == turns(3)
    assert turns(3) != turns(4)


def test_it_is_an_agent_whose_actions_fit(walker: RayWalker) -> None:
    """Each action has every part, of its own dtype and in its space."""
    assert isinstance(walker, Agent)
    rng = np.random.default_rng(0)
    for _ in range(200):
        action = walker.act(_reading(rng.uniform(0, 800, 31), rng.random(31) < 0.05))
        for part in walker.behavior.actions:
            assert action[part.name].dtype == part.dtype
            assert part.space.contains(action[part.name])
        assert action["strafe"] == 1
        assert action["weapon"] == 0
    walker.close()


def test_it_turns_to_a_monster_and_fires_once_it_is_ahead(walker: RayWalker) -> None:
    """To the right for one on the right, and no shot before it is under the crosshair."""
    hits = np.zeros(31, bool)
    hits[26] = True
    action = walker.act(_reading(np.full(31, 400.0), hits))
    assert action["turn"][0] > 5
    assert action["fire"] == 0
    action = walker.act(_reading(np.full(31, 400.0), np.arange(31) == 15))
    assert action["turn"][0] == 0
    assert action["fire"] == 1


def test_it_tries_a_near_wall_as_a_door_and_turns_away(walker: RayWalker) -> None:
    """Use is pressed again and again, not held, since a held key opens one door only."""
    actions = [walker.act(_reading(np.full(31, 30.0))) for _ in range(6)]
    assert [int(action["use"]) for action in actions] == [1, 0, 1, 0, 1, 0]
    assert all(abs(action["turn"][0]) > 5 for action in actions)


def test_it_prefers_an_opening_it_fits_through(walker: RayWalker) -> None:
    """A slit of one ray is no way; a wide opening on the left is."""
    distances = np.full(31, 200.0)
    distances[25] = 2000.0
    distances[:8] = 900.0
    assert walker.act(_reading(distances))["turn"][0] < -4


def test_it_says_what_it_needs(walker: RayWalker) -> None:
    """A behaviour without rays, walls or the actions of walking is refused; so is an observation without rays."""
    doom = doom_behavior(RAYS.spec())
    no_walls = RayFan.even(5, 90, reach=9.0, types=("door",)).spec()
    for behavior, message in [
        (doom_behavior(FRAME.spec()), "no sensor 'rays'"),
        (doom_behavior(no_walls), "the type 'wall'"),
        (doom_behavior(FRAME.spec("rays")), "must be 'rays'"),
        (BehaviorSpec("x", doom.sensors, doom.actions[1:], 10), "no action part 'move'"),
        (BehaviorSpec("x", doom.sensors, (ActionSpec("move", doom.action("fire").space),), 10), "labels back, none"),
    ]:
        with pytest.raises(SpecError, match=message):
            RayWalker(behavior)
    with pytest.raises(ObservationError, match="lacks 'rays'"):
        walker.act({"frame": np.zeros(1)})
