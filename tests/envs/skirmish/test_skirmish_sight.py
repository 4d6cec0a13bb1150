"""Who sees and hears whom, and what a team remembers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skirmish_toys import (
    COVER,
    CROUCH,
    MOVE,
    RUN,
    WALK,
    WALL,
    give_bomb,
    play,
    put,
    toy_level,
    toy_world,
)

from understudy.envs.skirmish.behavior import TEAM_LABELS, skirmish_behavior
from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.observe import Observer
from understudy.envs.skirmish.rules import STEPS
from understudy.envs.skirmish.world import World, new_world

MAPS = ("foundry", "generated-3")


def test_only_runners_are_heard() -> None:
    """A runner's steps sound once a stride; walking and crouching are silent."""
    heard = {}
    for gait in (RUN, WALK, CROUCH):
        world = toy_world()
        put(world, "attacker_0", 10, 30, heading=0)
        happened = play(world, 48, attacker_0={"move": MOVE["forward"], "gait": gait})
        heard[gait] = sum("footstep" in each["attacker_0"] for each in happened)

    assert heard[RUN] == pytest.approx(3 * 4.8 / 1.6, abs=1.5)
    assert heard[WALK] == heard[CROUCH] == 0


def test_sounds_are_of_one_decision_and_know_their_place() -> None:
    """A step sounds where it was made, and is gone in the next decision."""
    world = toy_world()
    put(world, "attacker_0", 10, 30, heading=0)
    while not world.sounds[0, 0, STEPS]:
        play(world, 1, attacker_0={"move": MOVE["forward"]})

    assert world.sound_position[0, 0, STEPS] == pytest.approx(world.position[0, 0], abs=0.4)
    play(world, 1)
    assert not world.sounds.any()


BLOCKED = toy_level((28, 20, 28, 40, WALL))
COVERED = toy_level((28, 20, 28, 40, COVER))


def test_walls_block_sight_and_cover_only_who_crouches() -> None:
    """Standing, one sees and is seen over cover; crouched behind it, neither; through a wall, never."""
    seen = {}
    for name, level, gait in (("wall", BLOCKED, RUN), ("stand", COVERED, RUN), ("crouch", COVERED, CROUCH)):
        world = toy_world(level)
        put(world, "attacker_0", 20, 30, heading=0)
        put(world, "defender_0", 29.6, 30, heading=180)
        play(world, 1, defender_0={"gait": gait})
        seen[name] = bool(world.visible[0, 0, 2]), bool(world.visible[0, 2, 0])

    assert seen == {"wall": (False, False), "stand": (True, True), "crouch": (False, False)}


def test_sight_ends_at_the_edge_of_the_view() -> None:
    """An enemy is seen up to 50 degrees to each side, and 35 up or down."""
    world = toy_world()
    put(world, "attacker_0", 30, 30)
    put(world, "defender_0", 40, 30)
    for heading, pitch, seen in ((49, 0, 1), (51, 0, 0), (-49, 0, 1), (-51, 0, 0), (0, 30, 1), (0, 40, 0), (0, -40, 0)):
        put(world, "attacker_0", 30, 30, heading, pitch)
        assert bool(world.visible[0, 0, 2]) == bool(seen), (heading, pitch)


@pytest.mark.parametrize("name", MAPS)
def test_sight_is_mutual_where_both_look(name: str) -> None:
    """Between two standing agents who face each other, a sees b's head if b sees a's, on real maps too."""
    level = load_level(name)
    rng = np.random.default_rng(0)
    free = np.argwhere(level.heights == 0) + 0.5
    world = new_world(level, 1, [0])
    both = 0
    for _ in range(60):
        (y1, x1), (y2, x2) = free[rng.integers(len(free), size=2)]
        heading = math.degrees(math.atan2(y2 - y1, x2 - x1))
        put(world, "attacker_0", x1, y1, heading)
        put(world, "defender_0", x2, y2, heading + 180)
        both += world.visible[0, 0, 2]
        assert world.visible[0, 0, 2] == world.visible[0, 2, 0]
    assert both


def test_a_team_remembers_what_one_of_it_sees() -> None:
    """What one sees, both know; when nobody sees it any more, the place and the time stay."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading=0)
    put(world, "attacker_1", 20, 50, heading=180)
    put(world, "defender_0", 30, 30, heading=0)
    world.known_clock[:] = -1
    play(world, 1)
    assert world.known_position[0, 0, 0] == pytest.approx([30, 30])
    assert world.known_clock[0, 0, 0] == world.clock[0]

    put(world, "attacker_0", 20, 30, heading=180)
    put(world, "defender_0", 40, 40)
    play(world, 5)
    assert world.known_position[0, 0, 0] == pytest.approx([30, 30])
    assert world.clock[0] - world.known_clock[0, 0, 0] == pytest.approx(5 / 16)
    assert world.known_clock[0, 0, 1] == -1


def test_the_dead_are_forgotten() -> None:
    """Everybody is told who has fallen: no memory of it stays on the minimap."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading=0)
    put(world, "defender_0", 30, 30, heading=0)
    assert world.known_clock[0, 0, 0] == 0
    world.rounds["wounds"][0, 0, 2] = 500
    play(world, 1)

    assert world.known_clock[0, 0, 0] == -1
    assert not world.visible[0, 0, 2]


def test_seeing_an_enemy_is_an_event_once() -> None:
    """An enemy who comes into view is an event of that decision only."""
    world = toy_world(team_sizes=(1, 1))
    put(world, "attacker_0", 20, 30, heading=180)
    put(world, "defender_0", 30, 30, heading=0)
    happened = play(world, 6, attacker_0={"turn": 60})

    assert sum("saw_enemy" in each["attacker_0"] for each in happened) == 1


def test_defenders_do_not_feel_an_unseen_pick_up() -> None:
    """Who saw the bomb lie takes it to lie there until a defender sees that it is gone, or it is planted."""
    world = toy_world()
    put(world, "defender_1", 57, 57, 90)
    put(world, "attacker_1", 20, 5)
    put(world, "attacker_0", 6, 20)
    give_bomb(world, "attacker_0")
    put(world, "defender_0", 6, 30, -90)
    world.rounds["wounds"][0, 2, 0] = 100
    play(world)
    assert told(world) == {"bomb_dropped": 1, "bomb_known": 1, "bomb_distance": pytest.approx(0.1)}

    put(world, "defender_0", 6, 30, 90)
    put(world, "attacker_1", 6, 20.5)
    play(world)
    assert world.carrier[0] == 1
    put(world, "attacker_1", 30, 5)
    play(world)
    assert told(world) == {"bomb_dropped": 1, "bomb_known": 1, "bomb_distance": pytest.approx(0.1)}

    put(world, "defender_0", 6, 30, -90)
    play(world)
    assert told(world) == {"bomb_carried": 1}


def told(world: World) -> dict[str, float]:
    """What the first defender's screen shows of the bomb, less where it lies zero."""
    reading = Observer(world, skirmish_behavior(["team"])).read()["team"][0, 2].tolist()
    shown = dict(zip(TEAM_LABELS, reading, strict=True))
    wanted = [name for name in shown if name.startswith("bomb") and name[-3:] not in ("sin", "cos")]
    return {name: shown[name] for name in wanted if shown[name]}
