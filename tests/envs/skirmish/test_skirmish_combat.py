"""Shots, recoil, wounds, smokes and scans."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skirmish_toys import (
    CHEST,
    COVER,
    CROUCH,
    HEAD,
    MOVE,
    PISTOL,
    RELOAD,
    RIFLE,
    RUN,
    SNIPER,
    WALL,
    count,
    duel,
    has_line,
    play,
    put,
    random_actions,
    toy_level,
)

from understudy.envs.skirmish.level import load_level
from understudy.envs.skirmish.rules import ARSENAL, SHOTS, WEAPONS
from understudy.envs.skirmish.sightlines import COVER as MEETS_COVER
from understudy.envs.skirmish.sightlines import FLOOR as MEETS_FLOOR
from understudy.envs.skirmish.sightlines import WALL as MEETS_WALL
from understudy.envs.skirmish.sightlines import line_end
from understudy.envs.skirmish.world import new_world, step


@pytest.mark.parametrize(
    ("weapon", "height", "shots"), [(RIFLE, CHEST, 4), (RIFLE, HEAD, 1), (PISTOL, CHEST, 6), (SNIPER, CHEST, 1)]
)
def test_shots_to_kill(weapon: int, height: float, shots: int) -> None:
    """At 5 m, a rifle kills with four shots to the body or one to the head, a sniper rifle with one."""
    world = duel(5, height, weapon=weapon)
    fired = 0
    while world.alive[0, 2]:
        before = world.magazine[0, 0]
        play(world, 1, attacker_0={"fire": 1})
        fired += before - world.magazine[0, 0]
        assert fired < 10

    assert fired == shots


def test_a_kill_is_told_to_both() -> None:
    """The shooter reads shot, hit, headshot and kill, the victim hurt and death; the dead lie still."""
    world = duel(8, HEAD)
    happened = play(world, 1, attacker_0={"fire": 1})[0]

    assert set(happened["attacker_0"]) >= {"shot", "hit", "headshot", "kill"}
    assert set(happened["defender_0"]) >= {"hurt", "death"}
    assert world.kills[0].tolist() == [1, 0, 0, 0]
    assert world.health[0, 2] == 0
    place = world.position[0, 2].copy()
    play(world, 4, defender_0={"move": MOVE["forward"], "fire": 1})
    assert np.array_equal(place, world.position[0, 2])


def test_who_is_hurt_knows_from_where() -> None:
    """The hurt of a decision is a sum of directions to who did it."""
    world = duel(8, CHEST)
    play(world, 1, attacker_0={"fire": 1})

    assert world.hurt[0, 2] == ARSENAL["rifle"].body
    assert world.hurt_from[0, 2] == pytest.approx([-ARSENAL["rifle"].body, 0], abs=1e-4)
    play(world, 1)
    assert world.hurt[0, 2] == 0


def test_two_can_kill_each_other() -> None:
    """Wounds of a tick are dealt at once, whoever is listed first."""
    world = duel(10, HEAD)
    put(world, "defender_0", 25, 30, heading=180)
    play(world, 1, attacker_0={"fire": 1}, defender_0={"fire": 1})

    assert not world.alive[0, 0]
    assert not world.alive[0, 2]


@pytest.mark.parametrize(
    ("height", "gait", "is_hit"), [(WALL, RUN, False), (COVER, RUN, True), (COVER, CROUCH, False), (0.0, CROUCH, True)]
)
def test_walls_stop_shots_and_cover_who_crouches(height: float, gait: int, is_hit: bool) -> None:
    """Shots pass over cover to the head of one who stands behind it, never through it, and through no wall."""
    world = duel(9.4, HEAD if gait == RUN else 0.9, toy_level((23, 25, 23, 35, height)))
    happened = play(world, 4, attacker_0={"fire": 1}, defender_0={"gait": gait})

    assert bool(count(happened, "attacker_0", "hit")) == is_hit


@pytest.mark.parametrize("name", ["foundry", "generated-3"])
def test_nobody_is_hit_whom_no_line_reaches(name: str) -> None:
    """On real maps, too: whoever hits has a clear line to some part of the victim."""
    world = new_world(load_level(name), 64, range(64))
    rng = np.random.default_rng(0)
    free = np.argwhere(world.levels[0].heights == 0) + 0.5
    hits = 0
    for _ in range(40):
        world.position[:, :] = free[rng.integers(len(free), size=(64, 4))][..., ::-1]
        world.health[:], world.magazine[:], world.fire_left[:] = 100, 12, 0
        toward = world.position[:, 2] - world.position[:, 0]
        world.heading[:, 0] = np.degrees(np.arctan2(toward[:, 1], toward[:, 0])) % 360
        actions = random_actions(rng, 64)
        for part in actions.values():
            part[:] = 0
        actions["fire"][:, 0] = 1
        step(world, actions)
        for index in np.flatnonzero(world.hurt[:, 2] > 0):
            assert has_line(world, index, 0, 2)
            hits += 1
    assert hits


@given(st.floats(1.5, 58.5), st.floats(1.5, 58.5), st.floats(0.2, 3), st.floats(-180, 180), st.floats(-60, 60))
@settings(max_examples=60)
def test_a_line_ends_where_small_steps_find_something(x: float, y: float, z: float, heading: float, up: float) -> None:
    """Walking the cells ends where going on in steps of a centimetre first meets wall, cover or floor."""
    level = toy_level((20, 20, 24, 24, WALL), (40, 10, 41, 50, COVER), (10, 40, 12, 42, COVER))
    flat, dz = math.cos(math.radians(up)), math.sin(math.radians(up))
    dx, dy = flat * math.cos(math.radians(heading)), flat * math.sin(math.radians(heading))
    found, ending = line_end(level.heights, x, y, z, dx, dy, dz, 100.0)
    distances = np.arange(0, found + 0.02, 0.01)
    columns, rows = np.floor(x + dx * distances).astype(int), np.floor(y + dy * distances).astype(int)
    tall = level.heights[np.clip(rows, 0, 59), np.clip(columns, 0, 59)]
    height = z + dz * distances
    met = (height < 0) | (tall >= 3) | (height < tall)

    assert not met[distances < found - 0.02].any()
    assert ending in (MEETS_WALL, MEETS_COVER, MEETS_FLOOR)
    assert met[-2:].any() or found < 0.02


def test_spraying_far_away_mostly_misses_and_tapping_hits() -> None:
    """At 25 m, a held trigger climbs over the head; shots with a pause find their body."""
    shares = {}
    for name, pause in (("spray", 1), ("tap", 6)):
        hits = shots = 0
        for seed in range(12):
            world = duel(25, CHEST, seed=seed)
            for k in range(24):
                world.health[0, 2] = 100
                happened = play(world, 1, attacker_0={"fire": int(k % pause == 0)})
                hits += count(happened, "attacker_0", "hit")
                shots += count(happened, "attacker_0", "shot")
        shares[name] = hits / shots

    assert shares["spray"] < 0.4
    assert shares["tap"] > 0.9


def test_recoil_climbs_and_recovers() -> None:
    """Each shot raises the next; a second's rest brings the aim back."""
    world = duel(25, CHEST)
    play(world, 8, attacker_0={"fire": 1})
    climbed = world.recoil[0, 0]
    play(world, 24)

    assert climbed > 1.5
    assert world.recoil[0, 0] == 0


def test_moving_ruins_the_aim() -> None:
    """Spread grows with speed, and crouching steadies."""
    spreads = []
    for parts in ({"gait": CROUCH}, {}, {"move": MOVE["right"], "gait": 1}, {"move": MOVE["right"]}):
        world = duel(25)
        play(world, 12, attacker_0=parts)
        spreads.append(float(world.spread[0, 0]))

    assert spreads == sorted(set(spreads))
    assert spreads[0] < 0.2
    assert spreads[-1] > 3


@pytest.mark.parametrize("weapon", range(3))
def test_weapons_keep_their_rate_and_magazine(weapon: int) -> None:
    """A held trigger shoots at the weapon's interval until the magazine is empty, then loads by itself."""
    world = duel(40, 3.0, weapon=weapon)
    facts = ARSENAL[WEAPONS[weapon]]
    ticks = math.ceil(facts.interval * (facts.magazine - 1) * 64) + 1
    play(world, math.ceil(ticks / 4), attacker_0={"fire": 1})
    assert world.magazine[0, 0] == 0
    play(world, math.ceil((facts.interval + facts.reload) * 16) + 1, attacker_0={"fire": 1})
    assert world.magazine[0, 0] >= facts.magazine - 2
    assert world.reload_left[0, 0] == 0


def test_reloading_is_asked_for_and_stops_shots() -> None:
    """Loading a magazine that is not full takes its time, in which no shot comes; a full one is left alone."""
    world = duel(40, 3.0)
    assert count(play(world, 1, attacker_0={"act": RELOAD}), "attacker_0", "reload") == 0
    play(world, 1, attacker_0={"fire": 1})
    happened = play(world, 1, attacker_0={"act": RELOAD})
    assert count(happened, "attacker_0", "reload") == 1
    assert count(play(world, 30, attacker_0={"fire": 1}), "attacker_0", "shot") == 0
    play(world, 6)
    assert world.magazine[0, 0] == 25


def test_team_mates_are_not_hurt() -> None:
    """A shot passes through a team mate and hits the enemy behind."""
    world = duel(10, HEAD)
    put(world, "attacker_1", 20, 30)
    play(world, 1, attacker_0={"fire": 1})

    assert world.health[0, 1] == 100
    assert not world.alive[0, 2]


def test_shots_are_heard() -> None:
    """A shot sounds where the shooter stands."""
    world = duel(10)
    play(world, 1, attacker_0={"fire": 1})

    assert world.sounds[0, 0, SHOTS] == 1
    assert world.sound_position[0, 0, SHOTS] == pytest.approx(world.position[0, 0])
