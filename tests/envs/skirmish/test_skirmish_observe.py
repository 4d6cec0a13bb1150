"""What players sense: nothing hidden, and all that a screen shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skirmish_toys import ABILITY, COVER, MOVE, WALL, give_bomb, has_line, look, play, put, toy_level, toy_world

from understudy.envs.skirmish.behavior import (
    AUDIO,
    RAYS,
    SELF_LABELS,
    TEAM_LABELS,
    WAYS,
    skirmish_behavior,
)
from understudy.envs.skirmish.combat import CROWN
from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.observe import Observer
from understudy.envs.skirmish.rules import AGENTS, SOUNDS
from understudy.envs.skirmish.senses import surface_types
from understudy.envs.skirmish.world import World

SMOKE, ENEMY, CORPSE = (1 + RAYS.types.index(each) for each in ("smoke", "enemy", "corpse"))


def sense(world: World, name: str, agent: str = "attacker_0") -> np.ndarray:
    """What one agent reads now."""
    return Observer(world, skirmish_behavior([name])).read()[name][0, AGENTS.index(agent)]


def named(world: World, name: str, agent: str = "attacker_0") -> dict[str, float]:
    """The same by label, of `self` or `team`."""
    return dict(zip({"self": SELF_LABELS, "team": TEAM_LABELS}[name], sense(world, name, agent).tolist(), strict=True))


@pytest.mark.parametrize("name", ["foundry", "generated-3"])
def test_rays_are_those_of_the_sensor(name: str) -> None:
    """The world's kernel reads what the sensor reads when it is handed the same geometry."""
    level = load_level(name)
    world = toy_world(level, seed=3)
    play(world, 5, attacker_0={"move": MOVE["forward"], "turn": 10, "pitch": -4})
    kinds = ["teammate", "enemy", "enemy"]
    bodies = [
        [*world.position[0, 1 + index], 0, 1.6 + CROWN, 0.3, RAYS.types.index(kind)] for index, kind in enumerate(kinds)
    ]
    viewer = [*world.position[0, 0], 1.6, world.heading[0, 0], world.pitch[0, 0]]
    surfaces = surface_types(world.heights[0], world.places[0])
    expected = RAYS.on_heights(level.heights, surfaces, np.array([viewer]), np.array([bodies], float))[0]

    assert np.array_equal(sense(world, "rays"), expected)


def test_rays_show_enemies_smoke_and_the_fallen() -> None:
    """Straight ahead lies the enemy; then the smoke; then, when both are gone, the corpse."""
    world = toy_world()
    put(world, "defender_0", 25, 30)
    put(world, "attacker_0", 15, 30, 0, 0)
    middle = sense(world, "rays")[7, 7]
    assert middle.tolist() == [970, ENEMY]

    put(world, "attacker_0", 15, 30, 0, -20)
    play(world, 1, attacker_0={"act": ABILITY})
    put(world, "attacker_0", 15, 30, 0, 0)
    play(world, 12)
    assert not world.visible[0, 0, 2]
    assert (sense(world, "rays")[..., 1] == SMOKE).any()
    assert not (sense(world, "rays")[..., 1] == ENEMY).any()

    world.smokes[:] = 0
    world.alive[0, 2] = False
    put(world, "attacker_0", 15, 30, 0, -8)
    assert (sense(world, "rays")[..., 1] == CORPSE).any()
    assert not (sense(world, "rays")[..., 1] == ENEMY).any()


@pytest.mark.parametrize("level", ["foundry", "generated-3", "toy"])
def test_nothing_hidden_is_told(level: str) -> None:
    """An enemy to whom there is no line is met by no ray of who looks there, and is on no minimap."""
    ground = toy_level((28, 10, 28, 50, WALL), (10, 20, 40, 20, COVER)) if level == "toy" else load_level(level)
    world = toy_world(ground, team_sizes=(1, 1))
    rng = np.random.default_rng(1)
    free = np.argwhere(ground.heights == 0) + 0.5
    hidden = 0
    for _ in range(60):
        (y1, x1), (y2, x2) = free[rng.integers(len(free), size=2)]
        put(world, "defender_0", x2, y2)
        put(world, "attacker_0", x1, y1, math.degrees(math.atan2(y2 - y1, x2 - x1)))
        world.known_clock[:] = -1
        look(world)
        if not has_line(world, 0, 0, 2):
            hidden += 1
            assert not world.visible[0, 0, 2]
            assert not (sense(world, "rays")[..., 1] == ENEMY).any()
            assert named(world, "team")["enemy_0_known"] == 0
    assert hidden


@pytest.mark.parametrize(
    ("heading", "sector"), [(0, 0), (90, 2), (180, 4), (270, 6), (45, 1), (-45, 7), (22, 0), (-22, 0)]
)
def test_sound_comes_from_its_side(heading: float, sector: int) -> None:
    """A shot due +x is heard ahead by who looks there, and on the right by who looks to +y."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, heading)
    put(world, "defender_0", 35, 30, 180, 50)
    play(world, 1, defender_0={"fire": 1})
    heard = sense(world, "audio")

    assert heard[:, SOUNDS.index("shots")].argmax() == sector
    assert heard.max() == pytest.approx(1 - 15 / 60, abs=0.01)
    assert np.count_nonzero(heard) == 1


def test_sounds_fade_with_distance_and_walls() -> None:
    """Steps of a runner are heard within 20 m, less through a wall; one's own are not."""
    values = {}
    for name, distance, blocks in (("near", 8, ()), ("walled", 8, ((24, 1, 25, 58, WALL),)), ("far", 21, ())):
        world = toy_world(toy_level(*blocks))
        put(world, "attacker_0", 20, 30)
        put(world, "defender_0", 20 + distance, 30, 90)
        peak = 0.0
        for _ in range(8):
            play(world, 1, defender_0={"move": MOVE["forward"]}, attacker_0={"move": MOVE["none"]})
            peak = max(peak, float(sense(world, "audio").max()))
        values[name] = peak

    play(world, 1, attacker_0={"fire": 1})
    assert not sense(world, "audio").any()
    assert values["near"] > 0.5
    assert 0 < values["walled"] < values["near"] - 0.1
    assert values["far"] == 0
    assert AUDIO.reaches == (20, 60, 30, 25)


def test_self_tells_the_own_state() -> None:
    """Health, weapon, bomb, place and movement are as they are in the world."""
    world = toy_world()
    put(world, "attacker_0", 32, 16, 90)
    give_bomb(world, "attacker_0")
    put(world, "defender_0", 32, 40, 270, -1)
    play(world, 2, attacker_0={"move": MOVE["right"], "gait": 2}, defender_0={"fire": 1})
    found = named(world, "self")

    assert found["health"] == pytest.approx(world.health[0, 0] / 100)
    assert found["rifle"] == found["controller"] == found["attack"] == found["has_bomb"] == found["crouched"] == 1
    assert found["pistol"] == found["initiator"] == found["defend"] == found["can_use"] == 0
    assert found["speed_right"] == pytest.approx(1.632 / 5, abs=1e-3)
    assert found["speed_forward"] == pytest.approx(0, abs=1e-6)
    assert (found["heading_sin"], found["heading_cos"]) == pytest.approx((1, 0), abs=1e-6)
    assert found["y"] == pytest.approx(16 / 64, abs=1e-3)
    assert found["time_left"] == pytest.approx(1 - world.clock[0] / 75)


def test_self_tells_where_one_was_hurt_from() -> None:
    """Shot from the right, one reads a sine of 1."""
    world = toy_world()
    put(world, "attacker_0", 30, 30, 90)
    put(world, "defender_0", 38, 30, 180, -3)
    play(world, 1, defender_0={"fire": 1})
    found = named(world, "self")

    assert found["hurt"] == pytest.approx(0.27)
    assert (found["hurt_sin"], found["hurt_cos"]) == pytest.approx((1, 0), abs=1e-3)


def test_team_tells_what_a_screen_shows() -> None:
    """The mate, the count of who lives, the bomb, and where an enemy was last seen, for ten seconds."""
    world = toy_world()
    put(world, "attacker_0", 20, 30, 0)
    put(world, "attacker_1", 20, 40, 180)
    put(world, "defender_1", 19, 58)
    world.known_clock[:] = -1
    put(world, "defender_0", 30, 20, 0)
    give_bomb(world, "attacker_1")
    play(world, 1)
    put(world, "attacker_0", 20, 30, 180)
    put(world, "defender_0", 50, 58)
    play(world, 16)
    found = named(world, "team")

    assert (found["mate_alive"], found["mate_health"], found["own_alive"], found["enemies_alive"]) == (1, 1, 1, 1)
    assert (found["mate_sin"], found["mate_cos"]) == pytest.approx((1, 0), abs=1e-6)
    assert found["mate_distance"] == pytest.approx(0.1)
    assert found["bomb_carried"] == found["bomb_known"] == 1
    assert found["bomb_distance"] == pytest.approx(0.1)
    assert found["enemy_0_known"] == 1
    assert found["enemy_0_distance"] == pytest.approx(math.sqrt(200) / 100)
    assert (found["enemy_0_sin"], found["enemy_0_cos"]) == pytest.approx((-math.sqrt(0.5), -math.sqrt(0.5)), abs=1e-4)
    assert found["enemy_0_age"] == pytest.approx(0.1, abs=0.01)
    assert found["enemy_1_known"] == 0
    assert named(world, "team", "defender_0")["bomb_known"] == 0
    play(world, 10 * 16)
    assert named(world, "team")["enemy_0_known"] == 0


@pytest.mark.parametrize("name", ["foundry", "generated-3"])
def test_ways_lead_there(name: str) -> None:
    """Who follows the ways comes to each place, from anywhere."""
    level = load_level(name)
    for place in range(len(WAYS)):
        world = toy_world(level, seed=place)
        observer = Observer(world, skirmish_behavior(["ways"]))
        for _ in range(40 * 16):
            sin, cos, distance = observer.read()["ways"][0, 2, place]
            if distance < 0.015:
                break
            turn = float(np.clip(math.degrees(math.atan2(sin, cos)), -60, 60))
            play(world, 1, defender_0={"move": MOVE["forward"], "turn": turn})
        assert distance < 0.015, WAYS[place]


def test_enemies_are_privileged_and_true() -> None:
    """The sensor that sees through walls tells where the enemies are, and whether they live."""
    world = toy_world(toy_level((28, 10, 28, 50, WALL)))
    put(world, "attacker_0", 20, 30, 0)
    put(world, "defender_0", 40, 30)
    world.alive[0, 3] = False
    found = sense(world, "enemies")

    assert found[0].tolist() == pytest.approx([0, 1, 0.2, 1], abs=1e-6)
    assert found[1, 3] == 0
