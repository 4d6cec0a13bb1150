"""No side is favoured, and nobody is told what is hidden."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from skirmish_toys import (
    CHEST,
    EMPTY,
    PISTOL,
    RIFLE,
    has_line,
    look,
    random_actions,
    toy_world,
)

from understudy.envs.skirmish.behavior import skirmish_behavior
from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.observe import Observer
from understudy.envs.skirmish.rules import CARRIED
from understudy.envs.skirmish.world import World, idle_actions, new_world, step


@pytest.mark.parametrize(("weapon", "distance"), [(RIFLE, 20), (PISTOL, 15)])
def test_a_mirrored_duel_favours_nobody(weapon: int, distance: float) -> None:
    """Over a thousand rounds of equal aim, attackers and defenders survive equally often."""
    world = new_world(EMPTY, 1000, range(1000), weapons=(weapon,) * 4, team_sizes=(1, 1))
    world.position[:, 0], world.position[:, 2] = (15, 30), (15 + distance, 30)
    world.heading[:, 0], world.heading[:, 2] = 0, 180
    world.pitch[:] = math.degrees(math.atan2(CHEST - 1.6, distance))
    actions, rng = idle_actions(1000), np.random.default_rng(0)
    actions["fire"][:] = 1
    for _ in range(120):
        actions["turn"] = rng.normal(0, 0.5, (1000, 4))
        step(world, actions)
    attackers, defenders = (int((world.alive[:, a] & ~world.alive[:, 2 - a]).sum()) for a in (0, 2))

    # Four standard deviations of a fair coin.
    assert attackers + defenders > 300
    assert abs(attackers - defenders) < 4 * math.sqrt(attackers + defenders)


@pytest.mark.parametrize("side", [0, 1])
def test_what_is_hidden_changes_nothing_that_is_read(side: int) -> None:
    """Of two rounds that differ in where and how the hidden enemies are, a team reads the same to the last bit."""
    rng, told_apart = np.random.default_rng(side), 0
    for seed in range(150):
        world = scattered(seed, rng)
        other = copy.deepcopy(world)
        foes = [2 - 2 * side, 3 - 2 * side]
        if any(is_met(world, side, foe) for foe in foes) or not all(hide(other, side, foe, rng) for foe in foes):
            continue
        if side == 1 and world.bomb_state[0] == CARRIED and world.alive[0, :2].all():
            other.carrier[0] = 1 - world.carrier[0]
            other.bomb_position[0] = other.position[0, other.carrier[0]]
        readings = [read(each) for each in (world, other)]
        for name, values in readings[0].items():
            assert np.array_equal(values[0, 2 * side : 2 * side + 2], readings[1][name][0, 2 * side : 2 * side + 2]), (
                name
            )
        told_apart += 1
    assert told_apart > 40


def scattered(seed: int, rng: np.random.Generator) -> World:
    """A round whose agents stand anywhere; in some, the bomb's carrier has just fallen."""
    world = toy_world(load_level("foundry"), seed=seed)
    world.position[0], world.heading[0] = anywhere(world, rng, 4), rng.uniform(0, 360, 4)
    if seed % 3 == 0:
        world.rounds["wounds"][0, 2, world.carrier[0]] = 1000
    actions = random_actions(rng, 1)
    actions["act"][:] = 0
    step(world, actions)
    return world


def anywhere(world: World, rng: np.random.Generator, num: int) -> np.ndarray:
    """The centres of some free cells, shape (num, 2)."""
    return rng.choice(np.argwhere(world.levels[0].free), num)[:, ::-1] + 0.5


def is_met(world: World, side: int, foe: int) -> bool:
    """Whether some of an enemy can be reached from a living player of a side."""
    players = [a for a in (2 * side, 2 * side + 1) if world.alive[0, a]]
    return bool(world.alive[0, foe]) and any(has_line(world, 0, a, foe) for a in players)


def hide(world: World, side: int, foe: int, rng: np.random.Generator) -> bool:
    """Put an enemy, if it lives, to another hidden place in another state; False if none was found."""
    if not world.alive[0, foe]:
        return True
    world.health[0, foe], world.weapon[0, foe], world.magazine[0, foe], world.charges[0, foe] = 37, 2, 1, 0
    world.heading[0, foe], world.velocity[0, foe] = rng.uniform(0, 360), (1, 2)
    world.crouched[0, foe] = not world.crouched[0, foe]
    for _ in range(50):
        world.position[0, foe] = anywhere(world, rng, 1)[0]
        if not is_met(world, side, foe):
            return True
    return False


def read(world: World) -> dict[str, np.ndarray]:
    """What everybody senses, after a look around."""
    look(world)
    return Observer(world, skirmish_behavior()).read()
