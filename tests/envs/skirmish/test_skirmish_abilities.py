"""Smokes and scans."""

from __future__ import annotations

import math

import pytest
from skirmish_toys import (
    ABILITY,
    COVER,
    WALL,
    count,
    duel,
    play,
    put,
    toy_level,
    toy_world,
)


def test_a_smoke_blocks_sight_until_it_is_gone() -> None:
    """Thrown between two who see each other, it hides them within half a second, and shows them again in the end."""
    world = duel(20)
    put(world, "defender_0", 35, 30, heading=180)
    put(world, "attacker_0", 15, 30, 0, math.degrees(math.atan2(-1.6, 8)))
    assert world.visible[0, 0, 2]
    happened = play(world, 1, attacker_0={"act": ABILITY})
    assert count(happened, "attacker_0", "ability") == 1
    assert world.smokes[0, 0, :2] == pytest.approx([23, 30], abs=0.6)
    play(world, 10)
    assert world.smokes[0, 0, 3] == pytest.approx(3.5)
    assert not world.visible[0, 0, 2]
    assert not world.visible[0, 2, 0]

    play(world, 12 * 16)
    assert world.smokes[0, 0, 3] == 0
    assert world.visible[0, 0, 2]


def test_an_ability_is_used_up() -> None:
    """With one charge, the second use does nothing; what it lies in, it lands before a wall."""
    world = duel(20, level=toy_level((25, 20, 26, 40, WALL)))
    happened = play(world, 5, attacker_0={"act": ABILITY})

    assert count(happened, "attacker_0", "ability") == 1
    assert world.charges[0].tolist() == [0, 1, 1, 1]
    assert world.smokes[0, 0, 0] == pytest.approx(24.6, abs=0.01)


def test_nothing_is_thrown_too_far() -> None:
    """An ability lands at most 25 m away."""
    world = toy_world()
    put(world, "attacker_0", 5, 30, 0, 0)
    play(world, 1, attacker_0={"act": ABILITY})

    assert world.smokes[0, 0, 0] == pytest.approx(30 - 0.4, abs=1e-4)


def test_a_scan_reveals_who_is_near_and_in_its_sight() -> None:
    """For five seconds the thrower's team knows enemies within 12 m of the device, not those behind a wall."""
    world = toy_world(toy_level((30, 30, 40, 30, WALL)))
    put(world, "attacker_1", 10, 20, 0)
    put(world, "attacker_0", 5, 50, 180)
    put(world, "defender_0", 34, 22, 0)
    put(world, "defender_1", 34, 36, 0)
    put(world, "attacker_1", 10, 20, 0, 0)
    play(world, 1, attacker_1={"act": ABILITY})
    assert world.devices[0, 1, :2] == pytest.approx([34.6, 20], abs=0.01)
    put(world, "attacker_1", 10, 20, 180)
    play(world, 1)
    assert world.revealed[0].tolist() == [False, False, True, False]
    assert world.known_clock[0, 0, 0] == world.clock[0]

    play(world, 5 * 16)
    assert not world.revealed.any()
    assert world.known_clock[0, 0, 0] < world.clock[0]


@pytest.mark.parametrize(("x", "up"), [(6.5, 0.0), (26.0, -6.0)])
def test_nothing_lands_in_cover(x: float, up: float) -> None:
    """Thrown onto or over cover, a scan's device lies beside it and reveals who stands in the open."""
    world = toy_world(toy_level((30, 28, 32, 32, COVER)))
    put(world, "attacker_0", 3, 50, 180)
    put(world, "defender_0", 28, 38, 0)
    put(world, "attacker_1", x, 30, 0, up)
    play(world, 1, attacker_1={"act": ABILITY})
    column, row = (math.floor(each) for each in world.devices[0, 1, :2])

    assert world.heights[0, row, column] == 0
    assert world.revealed[0, 2]
