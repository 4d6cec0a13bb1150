from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("panda3d")

from parkland_engine_toys import DOORWAY, LEVEL, SIDE, box, toy_layout

from understudy.envs.parkland import body
from understudy.envs.parkland.body import Walker, Wish
from understudy.envs.parkland.collision import Collision
from understudy.envs.parkland.layout import Layout
from understudy.envs.parkland.physics import Physics

DT = 1 / 60
DOOR_FACE = DOORWAY[1] - 0.04 - body.RADIUS
PILLAR = box("wall", (30, 30, 0), (31, 31, 10))
LEDGES = (
    box("plinth", (40, 20, LEVEL), (44, 24, LEVEL + body.STEP - 0.05)),
    box("plinth", (46, 20, LEVEL), (50, 24, LEVEL + body.JUMP - 0.05)),
    box("plinth", (52, 20, LEVEL), (56, 24, LEVEL + body.JUMP + body.STEP + 0.1)),
)


@pytest.fixture(scope="module")
def layout() -> Layout:
    """The toy park with a pillar and three ledges."""
    return toy_layout((PILLAR, *LEDGES))


@pytest.fixture(scope="module")
def physics(layout: Layout) -> Physics:
    """Its physics."""
    return Physics(layout, Collision(layout))


def walk(physics: Physics, walker: Walker, seconds: float, velocity: tuple[float, float], **wish: bool) -> Walker:
    """Return the walker after so long with the same wish."""
    for _ in range(round(seconds / DT)):
        walker = physics.step(walker, Wish(velocity, **wish), DT)
    return walker


def test_on_the_level_the_speed_is_the_one_asked_for(physics: Physics) -> None:
    """After getting under way, a run covers its speed each second, in its direction, and stays on the ground."""
    start = walk(physics, Walker(70.0, 10.0, LEVEL), 0.5, (6.0, 0.0))
    end = walk(physics, start, 1.0, (6.0, 0.0))
    assert end.x - start.x == pytest.approx(6.0)
    assert (end.y, end.z, end.grounded) == (pytest.approx(10.0), LEVEL, True)


def test_the_ground_is_the_layouts(layout: Layout, physics: Physics) -> None:
    """Feet stand where `Layout.ground` says, anywhere and outside too."""
    places = np.random.default_rng(0).uniform(-20, SIDE + 20, (200, 2))
    for x, y in places.tolist():
        assert physics.ground(x, y) == pytest.approx(float(layout.ground(x, y)), abs=1e-4)


def test_a_closed_door_and_walls_stop_a_runner(physics: Physics) -> None:
    """Who runs into them stands a body's radius before them, still on the ground."""
    at_door = walk(physics, Walker(60.0, 50.0, LEVEL), 2, (0.0, 6.0))
    assert at_door.y == pytest.approx(DOOR_FACE, abs=0.05)
    at_pillar = walk(physics, Walker(28.0, 30.5, LEVEL), 2, (6.0, 0.0))
    assert at_pillar.x == pytest.approx(30 - body.RADIUS, abs=0.05)


def test_one_slides_along_a_wall(physics: Physics) -> None:
    """Running into a wall aslant goes on along it."""
    end = walk(physics, Walker(57.0, 52.0, LEVEL), 1, (-2.0, 2.0))
    assert end.x == pytest.approx(55.0, abs=0.1)
    assert end.y < 54 - body.RADIUS


def test_a_jump_lifts_the_feet_as_high_as_it_should(physics: Physics) -> None:
    """Its top is `body.JUMP`, and it ends on the ground."""
    walker, top = Walker(70.0, 10.0, LEVEL), 0.0
    for tick in range(60):
        walker = physics.step(walker, Wish(jump=tick == 0), DT)
        top = max(top, walker.z - LEVEL)
    assert top == pytest.approx(body.JUMP, abs=0.05)
    assert walker.grounded
    assert walker.z == LEVEL


@pytest.mark.parametrize(("ledge", "by_walking", "by_jumping"), [(0, True, True), (1, False, True), (2, False, False)])
def test_ledges_ask_for_a_step_a_jump_or_stairs(
    physics: Physics, ledge: int, by_walking: bool, by_jumping: bool
) -> None:
    """A ledge below a step is walked up, one below a jump is jumped, a higher one stops both."""
    x = 42 + 6 * ledge
    walked = walk(physics, Walker(x, 18.0, LEVEL), 1.5, (0.0, 2.5))
    assert (walked.z > LEVEL + 0.1) == by_walking
    jumped = walk(physics, walk(physics, Walker(x, 18.0, LEVEL), 0.6, (0.0, 2.5)), 1.2, (0.0, 2.5), jump=True)
    assert (jumped.y > 20.2) == by_jumping


def test_stairs_lead_up_and_down(physics: Physics) -> None:
    """They are walked up to the upper floor and down again without a jump."""
    up = walk(physics, Walker(63.9, 55.2, LEVEL), 4, (0.0, 2.5))
    assert up.z == pytest.approx(LEVEL + 3.1, abs=0.01)
    down = walk(physics, up, 6, (0.0, -2.5))
    assert down.z == pytest.approx(LEVEL, abs=0.01)


def test_a_slope_that_is_too_steep_is_not_climbed() -> None:
    """Up to `body.MAX_SLOPE` one walks; beyond it one stays below."""
    flat = toy_layout()
    for rise, climbs in ((1.5, True), (2.5, False)):
        heights = flat.heights.copy()
        heights[:, 40:] = LEVEL + rise * np.clip(np.arange(25), 0, 4)
        steep = Layout(**{**vars(flat), "heights": heights})
        end = walk(Physics(steep, Collision(steep)), Walker(76.0, 100.0, LEVEL), 5, (2.5, 0.0))
        assert (end.z > LEVEL + 3) == climbs


def test_one_gets_down_from_heights_and_out_from_under_a_low_roof() -> None:
    """From a roof's edge one falls to the ground; under a beam one cannot stand up."""
    layout = toy_layout((box("roof", (80, 60, LEVEL + 1.3), (84, 64, LEVEL + 1.5)),))
    physics = Physics(layout, Collision(layout))
    low = walk(physics, Walker(82.0, 58.0, LEVEL, crouched=True), 4, (0.0, 1.2), crouch=True)
    assert low.y > 62
    inside = walk(physics, low, 0.5, (0.0, 0.0))
    assert inside.crouched
    fallen = walk(physics, Walker(82.0, 62.0, LEVEL + 1.5), 1.5, (4.0, 0.0))
    assert fallen.z == LEVEL


def test_water_slows(physics: Physics) -> None:
    """In the pond one wades at `body.WADING` of the speed."""
    bed = physics.ground(25.0, 64.0)
    start = walk(physics, Walker(25.0, 64.0, bed), 0.3, (2.5, 0.0))
    end = walk(physics, start, 0.2, (2.5, 0.0))
    assert physics.is_wading(end)
    assert end.x - start.x == pytest.approx(2.5 * body.WADING * 0.2, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_nobody_gets_through_walls(physics: Physics, seed: int) -> None:
    """Whatever somebody outside the house does, with the door shut, they stay outside, above ground and finite."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * math.pi)
    walker = Walker(60 + 9 * math.cos(angle), 60 + 9 * math.sin(angle), LEVEL)
    velocity = (0.0, 0.0)
    for tick in range(240):
        if tick % 20 == 0:
            aim = math.atan2(60 - walker.y, 60 - walker.x) + rng.normal(0, 0.8)
            velocity = 6 * math.cos(aim), 6 * math.sin(aim)
        wish = Wish(velocity, crouch=bool(rng.random() < 0.1), jump=bool(rng.random() < 0.3))
        walker = physics.step(walker, wish, DT)
        assert not (55.1 < walker.x < 64.9 and 54.0 < walker.y < 66.1)
        assert walker.z >= LEVEL - 1e-6
        assert all(map(math.isfinite, walker.velocity))
