"""Ray grids: cases worked out by hand, the engine that casts rays one by one as an oracle, and the spec."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toy_engine import COVER, ENEMY, FLOOR, SITE, SMOKE, WALL, ToyWorld
from understudy.errors import ObservationError, SpecError
from understudy.sensors import grid_casting
from understudy.sensors.raygrid import RAY_TYPES, RayGrid
from understudy.spec import SensorSpec

FOVEATED = RayGrid.foveated(15, 15)
NOTHING = 0


def corridor(*cells: float) -> tuple[np.ndarray, np.ndarray]:
    """A row of cells of these heights, with their types."""
    heights = np.array([cells])
    return heights, np.where(heights == 4, WALL, np.where(heights > 0, COVER, FLOOR))


def look(
    ground: tuple[np.ndarray, np.ndarray], elevation: float, eye: float = 1.6, reach: float = 20.0
) -> tuple[float, int]:
    """The one ray along +x from (0.5, 0.5): metres and type."""
    grid = RayGrid((0.0,), (elevation,), reach)
    distance, kind = grid.on_heights(*ground, np.array([[0.5, 0.5, eye, 0.0, 0.0]]))[0, 0, 0].tolist()
    return distance / 100, kind


@pytest.mark.parametrize(
    ("cells", "elevation", "eye", "distance", "kind"),
    [
        ((0, 0, 0, 4), 0, 1.6, 2.5, WALL + 1),
        ((0, 0, 1.1, 4), 0, 1.6, 2.5, WALL + 1),  # standing, over the cover
        ((0, 0, 1.1, 4), 0, 1.0, 1.5, COVER + 1),  # crouched, into its side
        ((0, 0, 1.1, 4), -15, 1.6, 0.5 / math.sin(math.radians(15)), COVER + 1),  # onto its top
        ((0, 0, 0, 4), -45, 1.6, 1.6 * math.sqrt(2), FLOOR + 1),
        ((0, 0, 0, 4), 40, 1.6, 2.5 / math.cos(math.radians(40)), WALL + 1),
        ((0, 0, 0, 4), 50, 1.6, 20, NOTHING),  # over the wall: 2.5 tan 50 + 1.6 = 4.58
        ((0,) * 30, 0, 1.6, 20, NOTHING),
        ((0,) * 20 + (4,), 0, 1.6, 19.5, WALL + 1),
        ((0,) * 21 + (4,), 0, 1.6, 20, NOTHING),  # out of reach
        ((0,) * 30, -45, 15, 20, NOTHING),  # 15 m away along the floor, 21.2 m along the ray
        ((0, 0), -10, 1.6, 20, NOTHING),  # off the edge of the world
        ((1.1, 0, 4), 0, 1.0, 0, COVER + 1),  # the eye within a block
    ],
)
def test_one_ray_by_hand(cells: tuple[float, ...], elevation: float, eye: float, distance: float, kind: int) -> None:
    """Sides, tops, the floor, what is passed over, and what is out of reach, worked out on paper."""
    assert look(corridor(*cells), elevation, eye) == (pytest.approx(distance, abs=0.0051), kind)


def one_viewer(world: ToyWorld, viewer: np.ndarray, grid: RayGrid = FOVEATED) -> np.ndarray:
    """What one viewer sees of a world."""
    return grid.on_heights(world.heights, world.surface_types, viewer[None], world.bodies[None], world.spheres[None])[0]


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000))
def test_live_readings_and_an_engines_own_rays_agree(seed: int) -> None:
    """The walk over the columns and an engine that casts 225 single rays read the same, whatever the level."""
    world = ToyWorld.random(seed)
    for viewer in world.free_viewers(2, seed):
        live = one_viewer(world, viewer)
        engine = FOVEATED.from_hits(*world.cast(viewer[:3], FOVEATED.directions(viewer[3], viewer[4])))
        differs = (np.abs(live[..., 0] - engine[..., 0]) > 1) | (live[..., 1] != engine[..., 1])
        assert differs.sum() <= 1, (viewer, live[differs], engine[differs])  # a ray may just graze an edge


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_turning_the_level_and_the_player_changes_nothing(seed: int) -> None:
    """A reading depends on what lies around the player, not on where north is."""
    world = ToyWorld.random(seed, num_bodies=0, num_spheres=0)
    here = world.free_viewers(8, seed)
    there = here.copy()
    there[:, 0], there[:, 1], there[:, 3] = world.heights.shape[0] - here[:, 1], here[:, 0], here[:, 3] + 90
    turned = [np.ascontiguousarray(each[::-1].T) for each in (world.heights, world.surface_types)]
    first = FOVEATED.on_heights(world.heights, world.surface_types, here)
    assert (np.abs(first - FOVEATED.on_heights(*turned, there)).max(axis=-1) > 1).mean() < 0.01


def test_columns_go_from_left_to_right_and_rows_from_top_to_bottom() -> None:
    """A player facing +x has -y on the right; looking up moves what is seen down the rows."""
    heights = np.zeros((9, 9))
    heights[2, 4] = 4  # towards -y of a player in the middle
    types = np.where(heights > 0, WALL, FLOOR)
    grid = RayGrid((-90.0, 0.0, 90.0), (10.0, 0.0, -10.0), reach=30.0)
    viewers = np.array([[4.5, 4.5, 1.6, 0.0, pitch] for pitch in (0.0, 10.0)])
    level, up = grid.on_heights(heights, types, viewers)[..., 1]
    assert level.tolist() == [[0, 0, WALL + 1], [0, 0, WALL + 1], [0, 0, WALL + 1]]
    down = grid.on_heights(heights, types, viewers - [0, 0, 0, 0, 40.0])[0, :, 1, 1]
    assert down.tolist() == [FLOOR + 1] * 3
    assert up.tolist() == level.tolist()


def test_smoke_hides_who_is_behind_it_and_blinds_who_is_within() -> None:
    """An opaque ball is seen instead of the enemy behind; from within, all is smoke at no distance."""
    ground = corridor(*[0] * 15, 4)
    enemy = np.array([[[9.5, 0.5, 0, 1.8, 0.35, ENEMY]]])
    grid = RayGrid((0.0,), (0.0,), 30.0)
    eye = np.array([[0.5, 0.5, 1.6, 0, 0]])
    assert grid.on_heights(*ground, eye, enemy).tolist() == [[[[865, ENEMY + 1]]]]
    smoke = np.array([[[5.5, 0.5, 1.6, 2.0, SMOKE]]])
    assert grid.on_heights(*ground, eye, enemy, smoke).tolist() == [[[[300, SMOKE + 1]]]]
    assert grid.on_heights(*ground, np.array([[4.5, 0.5, 1.6, 0, 0]]), enemy, smoke).tolist() == [[[[0, SMOKE + 1]]]]
    behind = np.array([[[11.5, 0.5, 1.6, 2.0, SMOKE]]])
    assert grid.on_heights(*ground, eye, enemy, behind).tolist() == [[[[865, ENEMY + 1]]]]


@pytest.mark.parametrize(
    ("elevation", "eye", "body", "distance"),
    [
        (0, 1.6, (5.5, 0.5, 0, 1.8, 0.5), 4.5),  # its side
        (0, 1.6, (5.5, 0.5, 0, 1.2, 0.5), None),  # crouched: above its head
        (-10, 1.6, (4.5, 0.5, 0, 0.9, 1.0), 0.7 / math.sin(math.radians(10))),  # onto its top
        (10, 0.5, (4.5, 0.5, 1.0, 2.0, 1.8), 2.2 / math.cos(math.radians(10)) + 0.648),  # its underside
        (0, 1.6, (5.5, 1.01, 0, 1.8, 0.5), None),  # beside
        (0, 1.6, (-4.5, 0.5, 0, 1.8, 0.5), None),  # behind
        (0, 1.6, (5.5, 0.5, 0, 1.8, 0.0), None),  # not there
        (0, 1.6, (5.5, 0.5, 0, 1.8, -1.0), None),
        (0, 1.6, (0.6, 0.5, 0, 1.8, 0.5), 0),  # within
    ],
)
def test_bodies_by_hand(elevation: float, eye: float, body: tuple[float, ...], distance: float | None) -> None:
    """An upright cylinder is hit on its side, top and underside, and not beside, behind, or with no radius."""
    grid = RayGrid((0.0,), (float(elevation),), 9.0)
    ground = (np.zeros((0, 0)), np.zeros((0, 0)))  # no level at all
    reading = grid.on_heights(*ground, np.array([[0.5, 0.5, eye, 0, 0]]), np.array([[(*body, ENEMY)]]))[0, 0, 0]
    assert reading.tolist() == ([900, 0] if distance is None else [pytest.approx(distance * 100, abs=1), ENEMY + 1])


def test_a_place_is_known_by_its_floor() -> None:
    """The floor of a site reads as the site."""
    heights, types = corridor(0, 0, 0, 0)
    types[0, 2] = SITE
    assert [look((heights, types), angle)[1] for angle in (-60, -40, -30)] == [FLOOR + 1, SITE + 1, FLOOR + 1]


def test_looking_straight_up_never_turns_over() -> None:
    """Beyond 89 degrees a row stays at 89, in the kernel and in the directions alike."""
    heights, types = corridor(0, 4)
    reading = FOVEATED.on_heights(heights, types, np.array([[0.5, 0.5, 1.6, 0, 80.0], [0.5, 0.5, 1.6, 0, -80.0]]))
    assert (reading[0, :8, :, 1] == 0).all()
    assert (reading[1, 7:, :, 1] == FLOOR + 1).all()
    rays = FOVEATED.directions(0.0, 80.0)
    assert rays[..., 2].max() == pytest.approx(math.sin(math.radians(89)))
    assert rays[..., 7, 0].min() > 0


def test_directions_are_unit_vectors_of_heading_and_pitch() -> None:
    """The crosshair points along heading and pitch; angles to the right turn clockwise; any batch shape will do."""
    rays = FOVEATED.directions(np.array([[0.0, 90.0]]), np.array([[0.0, 30.0]]))
    assert rays.shape == (1, 2, 15, 15, 3)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=-1), 1)
    np.testing.assert_allclose(rays[0, 0, 7, 7], (1, 0, 0), atol=1e-12)
    np.testing.assert_allclose(rays[0, 1, 7, 7], (0, math.cos(math.radians(30)), 0.5), atol=1e-12)
    assert rays[0, 0, 7, 14, 1] < 0 < rays[0, 0, 0, 7, 2]


def test_the_published_grid() -> None:
    """15 × 15 rays over 100 × 70 degrees, 100 m far, eleven types; the angles are those of the page's table."""
    assert (FOVEATED.shape, len(RAY_TYPES)) == ((15, 15, 2), 11)
    assert (FOVEATED.azimuths[0], FOVEATED.elevations[0], FOVEATED.reach) == (-50, 35, 100)
    page = (Path(__file__).parents[2] / "docs" / "senses.md").read_text()
    for name, angles in (("azimuth", FOVEATED.azimuths[7:]), ("elevation", FOVEATED.elevations[7::-1])):
        assert f"| {name}, degrees | 0 | {' | '.join(f'{each:.2f}' for each in angles[1:])} |" in page


@given(
    num=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    fov=st.tuples(st.floats(1, 359), st.floats(1, 179)),
    power=st.floats(1, 4),
    reach=st.floats(0.5, 300),
)
def test_any_grid_comes_back_from_its_spec(
    num: tuple[int, int], fov: tuple[float, float], power: float, reach: float
) -> None:
    """A spec read from JSON rebuilds the very same grid, and its space has the grid's shape."""
    grid = RayGrid.foveated(*num, fov=fov, power=power, reach=reach, types=("wall", "enemy"))
    spec = SensorSpec.from_dict(grid.spec().to_dict())
    assert RayGrid.from_spec(spec) == grid
    assert (spec.shape, spec.dtype) == (grid.shape, np.int16)


def test_readings_lie_in_the_space_of_the_spec() -> None:
    """No reading leaves the space, and nothing reads as the farthest distance."""
    world = ToyWorld.random(3)
    space = FOVEATED.spec().space
    assert all(space.contains(one_viewer(world, each)) for each in world.free_viewers(6, 0))
    nothing = FOVEATED.on_heights(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros((1, 5)))
    assert (nothing[..., 0] == 10_000).all()
    assert not nothing[..., 1].any()


def test_hits_beyond_reach_read_as_nothing() -> None:
    """An engine may give any distance where a ray met nothing, and may see further than the sensor."""
    grid = RayGrid((0.0, 1.0, 2.0, 3.0), (0.0,), reach=10.0, types=("wall",))
    reading = grid.from_hits(np.array([[10.0, 10.01, np.nan, 0.004]]), np.array([[0, 0, -1, 0]]))
    assert reading.tolist() == [[[1000, 1], [1000, 0], [1000, 0], [0, 1]]]


def test_another_kernel_can_ask_for_one_viewer() -> None:
    """`see_heights` with arrays of its caller writes what `on_heights` returns, whatever was in them before."""
    world = ToyWorld.random(5)
    viewer = world.free_viewers(1, 5)[0]
    scratch, out = np.full((grid_casting.SCRATCH_ROWS, 15), np.nan), np.full((15, 15, 2), -7, np.int16)
    kinds = world.surface_types.astype(np.uint8)
    tables = (*FOVEATED.tables, FOVEATED.reach, world.bodies, world.spheres)
    grid_casting.see_heights(world.heights, kinds, world.heights.max(), viewer, *tables, scratch, out)
    np.testing.assert_array_equal(out, one_viewer(world, viewer))


GROUND = (np.zeros((4, 4)), np.zeros((4, 4), int))
VIEWER = np.array([[1.0, 1.0, 1.6, 0, 0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros(4), GROUND[1], VIEWER), "Heights should be 2-D"),
        ((GROUND[0] - 1, GROUND[1], VIEWER), "at least 0"),
        ((GROUND[0], np.zeros((4, 5)), VIEWER), "as many surface types"),
        ((GROUND[0], GROUND[1] + 11, VIEWER), "surface types from 0 to 10"),
        ((GROUND[0], GROUND[1] + 0.5, VIEWER), "surface types from 0 to 10"),
        ((*GROUND, VIEWER[0]), r"viewers should be finite, of shape \(any, 5\)"),
        ((*GROUND, VIEWER * np.nan), "viewers should be finite"),
        ((*GROUND, VIEWER * 1e300), "viewers should be within 1000 km"),
        ((*GROUND, VIEWER, np.zeros((2, 1, 6))), r"bodies should be finite, of shape \(1, any, 6\)"),
        ((*GROUND, VIEWER, np.full((1, 1, 6), 11.0)), "bodies need types from 0 to 10"),
        ((*GROUND, VIEWER, None, np.zeros((1, 5))), r"spheres should be finite, of shape \(1, any, 5\)"),
    ],
)
def test_a_wrong_world_is_refused(arguments: tuple[np.ndarray, ...], message: str) -> None:
    """Wrong shapes, types that are not there and values that are not finite never reach the kernel."""
    with pytest.raises(ObservationError, match=message):
        FOVEATED.on_heights(*arguments)


@pytest.mark.parametrize(
    ("distances", "types", "message"),
    [
        (np.zeros((15, 14)), np.zeros((15, 14), int), r"shape \(..., 15, 15\)"),
        (np.zeros((15, 15)), np.zeros((1, 15, 15), int), "distances and types"),
        (np.zeros((15, 15)), np.full((15, 15), 11), "-1 .nothing. to 10"),
        (np.zeros((15, 15)), np.zeros((15, 15)), "whole-number types"),
        (np.full((15, 15), -1.0), np.zeros((15, 15), int), "0 m or more"),
        (np.full((15, 15), np.nan), np.zeros((15, 15), int), "0 m or more"),
    ],
)
def test_wrong_hits_are_refused(distances: np.ndarray, types: np.ndarray, message: str) -> None:
    """Hits of another shape, of unknown types or without a distance are refused in words."""
    with pytest.raises(ObservationError, match=message):
        FOVEATED.from_hits(distances, types)


@pytest.mark.parametrize(
    "options",
    [
        {"azimuths": ()},
        {"azimuths": (1.0, 0.0)},
        {"azimuths": (0.0, 181.0)},
        {"azimuths": (math.nan,)},
        {"elevations": (0.0, 1.0)},
        {"elevations": (0.0, 0.0)},
        {"elevations": (91.0,)},
        {"reach": 0},
        {"reach": math.nan},
        {"reach": 328},
        {"types": ()},
        {"types": ("a", "a")},
        {"types": tuple(map(str, range(256)))},
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(options: dict) -> None:
    """No rays, angles out of order, no reach or a type twice is refused when the grid is declared."""
    with pytest.raises(SpecError):
        RayGrid(**{"azimuths": (0.0,), "elevations": (0.0,), **options})


@pytest.mark.parametrize("change", [{"kind": "rays"}, {"kind": "ray_grid", "azimuths": [0]}])
def test_another_sensors_spec_is_refused(change: dict) -> None:
    """A spec of another kind, or one that lacks its tables, is no ray grid."""
    spec = SensorSpec("rays", FOVEATED.spec().space, computed=change)
    with pytest.raises(SpecError, match="Sensor 'rays' is"):
        RayGrid.from_spec(spec)
