"""How bodies turn and move, and what they stop at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skirmish_toys import (
    COVER,
    CROUCH,
    MOVE,
    RUN,
    WALK,
    WALL,
    play,
    put,
    random_actions,
    toy_level,
    toy_world,
)

from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.rules import AGENTS
from understudy.envs.skirmish.world import new_world, step

MAPS = ("foundry", "generated-3")


@pytest.mark.parametrize("name", MAPS)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=5)
def test_nobody_enters_a_wall_or_another(name: str, seed: int) -> None:
    """Whatever agents do, they stay out of walls and cover by their radius, and apart."""
    world = new_world(load_level(name), 1, [seed])
    rng = np.random.default_rng(seed)
    for _ in range(80):
        actions = random_actions(rng, 1)
        actions["move"][:] = MOVE["forward"]
        step(world, actions)
        for x, y in world.position[0]:
            assert gap_to_solid(world.heights[0], x, y) > world.rules.radius - 0.02
    apart = [np.hypot(*(world.position[0, a] - world.position[0, b])) for a in range(4) for b in range(a)]
    assert min(apart) > 2 * world.rules.radius - 0.05


def gap_to_solid(heights: np.ndarray, x: float, y: float) -> float:
    """How far it is to the nearest cell that is not free."""
    rows, columns = np.nonzero(heights)
    dx, dy = x - np.clip(x, columns, columns + 1), y - np.clip(y, rows, rows + 1)
    return float(np.hypot(dx, dy).min())


@pytest.mark.parametrize(("gait", "speed"), [(RUN, 4.8), (WALK, 2.4), (CROUCH, 1.632)])
def test_gaits_have_their_speed(gait: int, speed: float) -> None:
    """A second of each gait with a rifle in hand goes as far as the rules say, but for the start."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading=0)
    play(world, 16, attacker_0={"move": MOVE["forward"], "gait": gait})

    assert world.velocity[0, 0] == pytest.approx([speed, 0], abs=1e-9)
    assert 0.8 * speed < world.position[0, 0, 0] - 20 < speed


def test_move_is_relative_to_the_heading() -> None:
    """Right of +x is -y: headings turn the other way than a player's right."""
    world = toy_world()
    put(world, "attacker_0", 30, 30, heading=0)
    play(world, 8, attacker_0={"move": MOVE["right"]})

    assert world.position[0, 0, 0] == pytest.approx(30)
    assert world.position[0, 0, 1] < 29


def test_turns_are_spread_and_bounded() -> None:
    """A decision turns by what was asked, to the right, and nobody looks further up than the rules allow."""
    world = toy_world()
    put(world, "attacker_0", 30, 30, heading=10)
    play(world, 1, attacker_0={"turn": 40, "pitch": 30})

    assert world.heading[0, 0] == pytest.approx(330)
    assert world.pitch[0, 0] == pytest.approx(30)
    play(world, 3, attacker_0={"pitch": 30})
    assert world.pitch[0, 0] == world.rules.pitch_most


def test_agents_slide_along_walls() -> None:
    """Who runs into a wall at an angle goes on along it."""
    world = toy_world(toy_level((0, 40, 59, 40, WALL)))
    put(world, "attacker_0", 20, 38, heading=45)
    play(world, 32, attacker_0={"move": MOVE["forward"]})

    assert world.position[0, 0, 1] == pytest.approx(40 - 0.35, abs=0.01)
    assert world.position[0, 0, 0] > 25
    assert world.velocity[0, 0, 1] == pytest.approx(0, abs=0.05)


def test_cover_is_not_walked_over() -> None:
    """Cover stops a runner as a wall does."""
    world = toy_world(toy_level((20, 30, 30, 30, COVER)))
    put(world, "attacker_0", 25.5, 28, heading=90)
    play(world, 32, attacker_0={"move": MOVE["forward"]})

    assert world.position[0, 0, 1] < 30 - 0.34


def test_agents_block_each_other() -> None:
    """One who stands is pushed, never passed through."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading=0)
    put(world, "defender_0", 22, 30, heading=180)
    play(world, 32, attacker_0={"move": MOVE["forward"]})

    assert world.position[0, 2, 0] - world.position[0, 0, 0] == pytest.approx(0.7, abs=0.05)


def test_a_crowd_is_not_squeezed() -> None:
    """Four who push into a dead end a metre wide stand behind each other, and two against two do not change places."""
    world = toy_world(toy_level((1, 20, 58, 20, WALL), (1, 22, 58, 22, WALL)))
    push = {agent: {"move": MOVE["forward"]} for agent in AGENTS}
    for agent, x in zip(AGENTS, (56, 54, 52, 50), strict=True):
        put(world, agent, x, 21.5)
    play(world, 60, **push)
    assert -np.diff(world.position[0, :, 0]) == pytest.approx(0.7, abs=0.02)

    for agent, x, y, heading in zip(AGENTS, (50, 51, 49.2, 51.9), (21.5, 21.4, 21.6, 21.5), (0, 180) * 2, strict=True):
        put(world, agent, x, y, heading)
    play(world, 160, **push)
    assert world.position[0, :, 0].argsort().tolist() == [2, 0, 1, 3]
