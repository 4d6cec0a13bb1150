"""The pictures of skirmish, compared by what they show; no display is needed."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pytest

os.environ["PYGAME_HIDE_SUPPORT_PROMPT"] = "1"
pytest.importorskip("pygame", reason="the package 'pygame-ce' is not installed")
pytest.importorskip("pettingzoo", reason="the package 'pettingzoo' is not installed")

import pygame
from hypothesis import given, settings
from hypothesis import strategies as st
from skirmish_toys import COVER, EMPTY, WALL, World, duel, put, toy_level, toy_world

from understudy.envs.skirmish.level import Level
from understudy.envs.skirmish.rules import KILL, SHOTS, STEPS
from understudy.envs.skirmish.sightlines import line_end
from understudy.envs.skirmish.viewer import aiming, ink, poses
from understudy.envs.skirmish.viewer.camera import Camera
from understudy.envs.skirmish.viewer.chart import Chart
from understudy.envs.skirmish.viewer.columns import FAR, draw_level
from understudy.envs.skirmish.viewer.feed import Feed
from understudy.envs.skirmish.viewer.figures import draw_figure
from understudy.envs.skirmish.viewer.first_person import FirstPerson
from understudy.envs.skirmish.viewer.speaker import loudness, make_waves
from understudy.envs.skirmish.viewer.surfaces import Surfaces, make_surfaces

SIZE = WIDTH, HEIGHT = 320, 180
BLOCKS = toy_level((20, 25, 22, 35, WALL), (30, 20, 31, 40, COVER), (40, 28, 40, 32, WALL), name="blocks")
_SURFACES: dict[str, Surfaces] = {}


def surfaces(level: Level) -> Surfaces:
    """How a level looks, made once."""
    if level.name not in _SURFACES:
        _SURFACES[level.name] = make_surfaces(level)
    return _SURFACES[level.name]


def draw(level: Level, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Draw an empty level; returns pixels and depths, shape (width, height)."""
    pixels, depth = np.zeros(SIZE, np.uint32), np.zeros(SIZE, np.float32)
    eye = np.array([camera.x, camera.y, camera.z])
    draw_level(pixels, depth, eye, *camera.forward, camera.focal, camera.horizon, surfaces(level))
    return pixels, depth


def see(world: World, agent: int = 0) -> np.ndarray:
    """What an agent sees, without its own weapon: float64 colours, shape (width, height, 3)."""
    pixels = np.zeros(SIZE, np.uint32)
    eyes = FirstPerson(world.levels[0], surfaces(world.levels[0]), world.rules, SIZE)
    eyes._draw_hands = lambda *_: None  # type: ignore[method-assign]
    eyes.draw(pixels, world.rounds[0], agent, 10.0)
    return np.stack([pixels >> 16 & 255, pixels >> 8 & 255, pixels & 255], -1).astype(float)


def reddest(picture: np.ndarray) -> int:
    """How many pixels have the colour of an enemy's armour."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return int(((red > 90) & (red > 2 * green) & (red > 2 * blue)).sum())


def bluest(picture: np.ndarray) -> int:
    """How many pixels have the colour of a friend's armour, which no sky has."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return int(((blue > 90) & (blue > 1.9 * red) & (blue > 1.3 * green)).sum())


@settings(max_examples=60)
@given(
    x=st.floats(1.5, 58.5), y=st.floats(1.5, 58.5), heading=st.floats(0, 360), pitch=st.floats(-40, 40),
    crouched=st.booleans(), column=st.integers(0, WIDTH - 1), row=st.integers(0, HEIGHT - 1),
)  # fmt: skip
def test_every_pixel_is_as_deep_as_a_shot_through_it_goes(
    x: float, y: float, heading: float, pitch: float, crouched: bool, column: int, row: int
) -> None:
    """A pixel's depth is where the simulation's own line of a shot through that pixel ends, whatever it ends at."""
    if BLOCKS.heights[int(y), int(x)] > 0:
        return
    camera = Camera(x, y, 1.0 if crouched else 1.6, heading, pitch, *SIZE)
    across, up = (column + 0.5 - WIDTH / 2) / camera.focal, (camera.horizon - row - 0.5) / camera.focal
    cos, sin = camera.forward
    ray = np.array([cos + across * sin, sin - across * cos, up])
    length = float(np.linalg.norm(ray))
    expected, _ = line_end(BLOCKS.heights, x, y, camera.z, *(ray / length), 500.0)
    depth = float(draw(BLOCKS, camera)[1][column, row])
    top = camera.z + expected / length * up
    if top > WALL - 0.02 or depth == np.float32(FAR):
        # Lines know no sky over the walls.
        assert top > WALL - 0.2
        return
    # Where a line grazes an edge, either side of it is right.
    nearby = draw(BLOCKS, Camera(x + 1e-4, y + 1e-4, camera.z, heading, pitch, *SIZE))[1][column, row]
    assert min(abs(depth - expected / length), abs(nearby - expected / length)) < 0.02 * (1 + depth)


def test_a_crate_is_lower_than_a_wall() -> None:
    """Standing, one looks over a crate at the wall behind it; crouched, the crate fills the middle."""
    standing = draw(BLOCKS, Camera(27.0, 30.0, 1.6, 0.0, 0.0, *SIZE))[1]
    crouched = draw(BLOCKS, Camera(27.0, 30.0, 1.0, 0.0, 0.0, *SIZE))[1]
    middle = WIDTH // 2, HEIGHT // 2
    assert standing[middle] == pytest.approx(13.0, abs=0.01)
    assert crouched[middle] == pytest.approx(3.0, abs=0.01)


@settings(max_examples=40)
@given(ahead=st.floats(0.5, 20), across=st.floats(-0.9, 0.9), heading=st.floats(0, 360), pitch=st.floats(-45, 45))
def test_a_point_is_projected_where_the_picture_shows_it(
    ahead: float, across: float, heading: float, pitch: float
) -> None:
    """The floor's pixel that a point of the floor is projected to has that point's depth."""
    camera = Camera(30.0, 30.0, 1.6, heading, pitch, *SIZE)
    cos, sin = camera.forward
    right = across * ahead
    found = camera.project(30 + ahead * cos + right * sin, 30 + ahead * sin - right * cos, 0.0)
    assert found is not None
    column, row, depth = found
    assert depth == pytest.approx(ahead)
    if 0 <= column < WIDTH and 0 <= row < HEIGHT - 1:
        shown = draw(EMPTY, camera)[1][int(column), int(row) : int(row) + 2]
        assert shown[1] - 1e-3 <= depth <= shown[0] * 1.2 + 0.1
    assert camera.project(30 - cos, 30 - sin, 0.0) is None


def test_looking_up_moves_the_horizon_down() -> None:
    """The middle of the screen is where the pitch points, and the further up one looks, the more sky there is."""
    skies = [
        float((draw(EMPTY, Camera(30, 30, 1.6, 0, pitch, *SIZE))[1] == np.float32(FAR)).mean())
        for pitch in (-30, 0, 30)
    ]
    assert skies[0] < skies[1] < skies[2]
    camera = Camera(30, 30, 1.6, 0, 20.0, *SIZE)
    assert camera.horizon - HEIGHT / 2 == pytest.approx(camera.focal * math.tan(math.radians(20)))


def test_teams_are_told_apart_by_colour() -> None:
    """An enemy is red and a team mate blue, for whoever looks."""
    world = duel(6.0)
    assert reddest(see(world)) > 50
    assert bluest(see(world)) < 20
    put(world, "attacker_1", 21, 30)
    put(world, "defender_0", 3, 30)
    put(world, "defender_1", 3, 40)
    assert bluest(see(world)) > 50
    assert reddest(see(world)) == 0
    put(world, "defender_1", 12, 31, heading=0)
    assert reddest(see(world, agent=3)) > 50


def test_walls_hide_and_crates_cover() -> None:
    """Nobody is seen behind a wall; behind a crate a standing enemy shows head and chest, a crouched one nothing."""
    world = toy_world(BLOCKS)
    for agent in ("attacker_1", "defender_1"):
        put(world, agent, 3, 50)
    put(world, "attacker_0", 27, 30, 0)
    put(world, "defender_0", 44, 30, 180)
    assert reddest(see(world)) == 0
    put(world, "defender_0", 32.5, 30, 180)
    standing = reddest(see(world))
    world.rounds["crouched"][0, 2] = 1
    crouched = reddest(see(world))
    put(world, "attacker_0", 27, 30, 0)
    world.rounds["crouched"][0, 0] = 1
    assert standing > 20
    assert crouched < standing / 3
    assert reddest(see(world)) == 0


def test_the_body_that_is_drawn_is_the_body_that_is_hit() -> None:
    """Of the rays that a shot at a standing enemy could take, those the rules let hit show the enemy, nearly all."""
    from understudy.envs.skirmish.combat import hit_cylinder

    eye, depth = np.array([0.0, 0.0, 1.6]), np.full(SIZE, FAR, np.float32)
    camera = Camera(0, 0, 1.6, 0, 0, *SIZE)
    figure = poses.Figure(4.0, 0.0, 180.0, 0.0, poses.ENEMY)
    pixels, haze = np.zeros(SIZE, np.uint32), np.zeros(3)
    draw_figure(pixels, depth, eye, 1.0, 0.0, camera.focal, camera.horizon, poses.pose(figure), haze)
    drawn, hit = depth < np.float32(FAR), np.zeros(SIZE, bool)
    for column in range(WIDTH):
        for row in range(HEIGHT):
            ray = 1.0, -(column + 0.5 - WIDTH / 2) / camera.focal, (camera.horizon - row - 0.5) / camera.focal
            body = hit_cylinder(4.0, 0.0, 1.6, *ray, 0.3, 0.0, 1.45)
            hit[column, row] = min(body, hit_cylinder(4.0, 0.0, 1.6, *ray, 0.14, 1.45, 1.7)) < math.inf
    assert (drawn & hit).sum() > 0.75 * drawn.sum()
    assert (drawn & hit).sum() > 0.6 * hit.sum()


def test_smoke_is_opaque() -> None:
    """Nothing of an enemy shows through a smoke between, and a smoke around the eye leaves only grey."""
    world = duel(10.0)
    assert reddest(see(world)) > 10
    world.smokes[0, 0] = 20, 30, 10, 3.5
    assert reddest(see(world)) == 0
    world.smokes[0, 0] = 15, 30, 10, 3.5
    inside = see(world)[:, : HEIGHT // 2]
    assert (np.ptp(inside, axis=-1) < 12).mean() > 0.99


def test_a_muzzle_flashes_when_it_has_shot() -> None:
    """Just after a shot the picture is brighter at the muzzle, and not long after."""
    world = duel(6.0)
    put(world, "defender_0", 21, 30, heading=90)
    before = see(world)
    world.fire_left[0, 2] = 0.1
    flash = see(world)
    world.fire_left[0, 2] = 0.03
    assert np.abs(flash - before).max() > 60
    assert np.array_equal(see(world), before)


def screen() -> Any:
    """An empty surface."""
    return pygame.Surface(SIZE, 0, 32)


def drawn_columns(surface: Any) -> np.ndarray:
    """The columns of the middle row that hold something."""
    return np.flatnonzero(pygame.surfarray.array3d(surface)[:, HEIGHT // 2].any(-1))


def test_the_crosshair_opens_with_spread() -> None:
    """Its gap is the angle by which shots scatter: nought to a steady shooter, wide to one who runs."""
    world, gaps = duel(6.0), []
    for spread in (0.0, 1.0, 4.0):
        world.spread[0, 0] = spread
        surface = screen()
        aiming.draw_crosshair(surface, world.rounds[0], 0, Camera(0, 0, 1.6, 0, 0, *SIZE))
        gaps.append(int(np.diff(drawn_columns(surface)).max()))
    assert gaps[0] < gaps[1] < gaps[2]
    focal = Camera(0, 0, 1.6, 0, 0, *SIZE).focal
    assert gaps[2] - gaps[0] == pytest.approx(2 * focal * math.tan(math.radians(4)), abs=3)


def test_hits_and_wounds_are_marked_and_fade() -> None:
    """A hit is marked for a moment; a wound shows its direction: from the right it is right of the middle."""
    world, feed = duel(6.0), Feed()
    world.events[0, 0] = 1 << KILL
    world.hurt[0, 0], world.hurt_from[0, 0] = 30, (0, -30)
    feed.note(world.rounds[0], 1.0)
    marks, arcs, late = screen(), screen(), screen()
    aiming.draw_hits(marks, feed, 0, 1.1)
    aiming.draw_hurts(arcs, feed, 0, 0.0, 1.1)
    for draws in (lambda: aiming.draw_hits(late, feed, 0, 9.0), lambda: aiming.draw_hurts(late, feed, 0, 0.0, 9.0)):
        draws()
    assert pygame.surfarray.array3d(marks).any()
    columns = np.flatnonzero(pygame.surfarray.array3d(arcs).any((1, 2)))
    assert columns.min() > WIDTH // 2 + 50
    assert not pygame.surfarray.array3d(late).any()


def test_the_map_shows_only_what_the_team_knows() -> None:
    """An enemy that nobody saw is on no map; one that was seen stays as a mark that fades; a spectator sees all."""
    world = toy_world(BLOCKS)
    for agent, x in (("attacker_1", 3), ("defender_1", 57)):
        put(world, agent, x, 50, 90)
    put(world, "attacker_0", 15, 30, 180)
    put(world, "defender_0", 44, 30, 0)
    world.known_clock[:] = -1
    chart = Chart(BLOCKS, surfaces(BLOCKS), world.rules, (0, 0, 180, 180))

    def red(*, all_seen: bool) -> int:
        surface = pygame.Surface((180, 180), 0, 32)
        chart.draw(surface, world.rounds[0], 0, all_seen=all_seen)
        x, y = (int(each) for each in chart.place(44, 30))
        near = pygame.surfarray.array3d(surface)[x - 4 : x + 5, y - 4 : y + 5].astype(int)
        return int((near[..., 0] - near[..., 1]).max())

    unknown, whole = red(all_seen=False), red(all_seen=True)
    world.known_clock[0, 0], world.known_position[0, 0] = 0.0, (44, 30)
    known = red(all_seen=False)
    world.rounds["clock"] = 8.0
    old = red(all_seen=False)
    assert whole > 100
    assert known > 100
    assert unknown < old < known


def test_north_is_up_on_the_map() -> None:
    """+y is up and +x is right, as in the view: what a player has at its right is at the right of its arrow."""
    chart = Chart(BLOCKS, surfaces(BLOCKS), toy_world().rules, (0, 0, 120, 120))
    assert chart.place(10, 20) == pytest.approx((20, 80))


def test_words_can_be_read_on_any_ground() -> None:
    """A line has both bright and dark pixels, and lies where its anchor says."""
    surface = screen()
    surface.fill((128, 128, 128))
    where = ink.write(surface, "12 / 25", (WIDTH, HEIGHT), 24, ink.WHITE, "bottomright")
    assert where.bottomright == (WIDTH, HEIGHT)
    values = pygame.surfarray.array3d(surface)[where.left : where.right, where.top : where.bottom]
    assert values.max() > 220
    assert values.min() < 40


def test_one_hears_where_a_sound_is() -> None:
    """A shot to the left is louder in the left ear, one further off is fainter, one behind a wall fainter still."""
    world = toy_world(BLOCKS)
    put(world, "attacker_0", 27, 15, 0)

    def hear(x: float, y: float, kind: int = SHOTS) -> tuple[float, float]:
        world.sound_position[0, 2, kind] = x, y
        return loudness(world.rounds[0], BLOCKS.heights, 0, 2, kind)

    left, right = hear(27, 20)
    assert left > 2 * right > 0
    assert hear(27, 10) == pytest.approx((right, left))
    assert sum(hear(37, 15)) > sum(hear(47, 15)) > 0
    assert hear(55, 15, STEPS) == (0, 0)
    put(world, "attacker_0", 17, 30, 0)
    assert sum(hear(27, 30)) < sum(hear(7, 30))
    assert all(wave.dtype == np.int16 and 0 < np.abs(wave).max() < 32768 for wave in make_waves().values())
