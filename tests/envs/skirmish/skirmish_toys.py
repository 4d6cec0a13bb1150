"""Levels made by hand and agents put where a test wants them, so that it knows what should happen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from understudy.envs.skirmish.behavior import MOVES
from understudy.envs.skirmish.level import COVER, PLACES_MARKED, WALL, Level
from understudy.envs.skirmish.rules import AGENTS, PISTOL, RIFLE, SNIPER, Rules, event_names
from understudy.envs.skirmish.sightlines import is_clear
from understudy.envs.skirmish.ticking import look_around_all
from understudy.envs.skirmish.world import World, idle_actions, new_world, step

__all__ = ["COVER", "PISTOL", "RIFLE", "SNIPER", "WALL", "Rules", "replace"]

SIZE = 60
CHEST, HEAD = 1.2, 1.6
"""Heights to aim at."""
MOVE = {name: index for index, name in enumerate(MOVES)}
RUN, WALK, CROUCH = range(3)
USE, ABILITY, RELOAD = 1, 2, 3


def toy_level(*blocks: tuple[int, int, int, int, float], name: str = "toy", size: int = SIZE) -> Level:
    """An empty square with walls around it, and blocks of (first x, first y, last x, last y, height).

    Site a is x and y from 4 to 7, site b x from 50 and y from 4 to 7; attackers start at the bottom, defenders at the
    top.
    """
    heights = np.full((size, size), WALL, np.float32)
    heights[1:-1, 1:-1] = 0
    for x1, y1, x2, y2, height in blocks:
        heights[y1 : y2 + 1, x1 : x2 + 1] = height
    places = np.zeros((size, size), np.uint8)
    marks = {name: 1 + index for index, name in enumerate(PLACES_MARKED)}
    places[4:8, 4:8], places[4:8, 50:54] = marks["site_a"], marks["site_b"]
    places[1:3, 20:40], places[57:59, 20:40] = marks["attacker_spawn"], marks["defender_spawn"]
    places[heights > 0] = 0
    spawns = np.zeros((2, 4, 3), np.float32)
    spawns[..., 0] = (22, 26, 30, 34)
    spawns[0, :, 1:], spawns[1, :, 1:] = (2, 90), (58, -90)
    mid = np.array([[22, 2], [30.5, 30.5]], np.float32)
    return Level(name, heights, places, spawns, {"a": mid, "mid": mid, "b": mid})


EMPTY = toy_level()


def toy_world(level: Level = EMPTY, *, seed: int = 0, rules: Rules | None = None, **options: Any) -> World:
    """One round."""
    return new_world(level, 1, [seed], rules, **options)


def put(world: World, agent: str, x: float, y: float, heading: float = 0.0, pitch: float = 0.0) -> None:
    """Put an agent somewhere, standing still, and let everybody look."""
    index = AGENTS.index(agent)
    world.position[0, index], world.velocity[0, index] = (x, y), 0
    world.heading[0, index], world.pitch[0, index] = heading % 360, pitch
    if world.carrier[0] == index:
        world.bomb_position[0] = x, y
    look(world)


def duel(distance: float, height: float = CHEST, level: Level = EMPTY, weapon: int = RIFLE, seed: int = 0) -> World:
    """Attacker 0 aims from x = 15 at defender 0; the others are far away."""
    world = toy_world(level, seed=seed, weapons=(weapon,) * 4)
    put(world, "attacker_1", 3, 50)
    put(world, "defender_1", 57, 50)
    put(world, "defender_0", 15 + distance, 30, heading=0)
    put(world, "attacker_0", 15, 30, 0, math.degrees(math.atan2(height - 1.6, distance)))
    return world


def look(world: World) -> None:
    """Bring up to date what everybody sees."""
    look_around_all(world.rounds, world.rules.record, world.heights)


def play(world: World, decisions: int = 1, **agents: Mapping[str, float]) -> list[dict[str, tuple[str, ...]]]:
    """Play decisions in which the agents named do the same thing all along, and return everybody's events in each."""
    actions = idle_actions(len(world))
    for agent, parts in agents.items():
        for name, value in parts.items():
            actions[name][:, AGENTS.index(agent)] = value
    happened = []
    for _ in range(decisions):
        step(world, actions)
        happened.append({name: event_names(int(world.events[0, index])) for index, name in enumerate(AGENTS)})
    return happened


def count(happened: Sequence[Mapping[str, tuple[str, ...]]], agent: str, event: str) -> int:
    """In how many decisions an event happened to an agent."""
    return sum(event in each[agent] for each in happened)


def give_bomb(world: World, agent: str) -> None:
    """Put the bomb into an attacker's hands."""
    index = AGENTS.index(agent)
    world.carrier[0] = world.rounds["carrier"][0] = index
    world.bomb_position[0] = world.position[0, index]


def has_line(world: World, index: int, a: int, b: int) -> bool:
    """Whether something of agent b, from its feet to its crown, can be reached from agent a's eyes, both standing."""
    (x, y), (to_x, to_y) = world.position[index, a], world.position[index, b]
    side = np.array([-(to_y - y), to_x - x]) / max(np.hypot(to_y - y, to_x - x), 1e-6)
    return any(
        is_clear(world.heights[world.level[index]], x, y, 1.6, to_x + shift * side[0], to_y + shift * side[1], z)
        for shift in np.linspace(-0.31, 0.31, 9)
        for z in (0.1, 0.6, 1.2, 1.6)
    )


def random_actions(rng: np.random.Generator, num_rounds: int) -> dict[str, np.ndarray]:
    """Actions at random, shape (B, 4)."""
    actions = idle_actions(num_rounds)
    shape = (num_rounds, 4)
    for name, choices in (("move", 9), ("gait", 3), ("fire", 2), ("act", 4)):
        actions[name] = rng.integers(0, choices, shape)
    for name, most in (("turn", 60), ("pitch", 30)):
        actions[name] = rng.uniform(-most, most, shape).astype(np.float32)
    return actions
