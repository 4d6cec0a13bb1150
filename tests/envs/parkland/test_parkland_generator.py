"""Parks from seeds: the same from the same, and what makes them worth testing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parkland_toys import park

from understudy.envs.parkland import terrain
from understudy.envs.parkland.body import CROUCHING, JUMP, MAX_SLOPE, STEP
from understudy.envs.parkland.chart import draw_map
from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.layout import PROP_SIZES, SURFACES, Layout, elevation
from understudy.envs.parkland.solids import KINDS, TEXTURES
from understudy.errors import GameError

SEEDS = range(8)


def _of_kind(layout: Layout, kind: str) -> np.ndarray:
    return np.flatnonzero(layout.solids.kind == KINDS.index(kind))


def test_same_seed_makes_the_same_park() -> None:
    """Two parks of one seed are equal in every array and record, those of two seeds are not."""
    one, same, other = generate(3), generate(3), generate(4)
    for field in dataclasses.fields(Layout):
        mine, its = getattr(one, field.name), getattr(same, field.name)
        if field.name == "trails":
            assert all(np.array_equal(a.points, b.points) for a, b in zip(mine, its, strict=True))
        elif field.name == "solids":
            assert all(np.array_equal(getattr(mine, f.name), getattr(its, f.name)) for f in dataclasses.fields(mine))
        else:
            assert np.array_equal(mine, its) if isinstance(mine, np.ndarray) else mine == its
    assert not np.array_equal(one.heights, other.heights)
    assert one.props != other.props


@pytest.mark.parametrize("area", [0.2, 9.0, -1.0, float("nan")])
def test_area_out_of_range_is_named(area: float) -> None:
    """A park that is too small or too large is refused with the sizes there are."""
    with pytest.raises(GameError, match=r"0\.25 to 8\.6 km²"):
        generate(0, area)


def test_negative_seed_is_refused() -> None:
    """Seeds are not negative."""
    with pytest.raises(GameError, match="not negative"):
        generate(-1)


@pytest.mark.parametrize("seed", SEEDS)
def test_park_has_what_a_tester_needs(seed: int) -> None:
    """Each park has hills, a lake with bridges, two-floored houses with doors and stairs, gardens and things to see."""
    layout = park(seed)
    assert np.ptp(layout.heights) > 10
    assert (layout.surface == SURFACES.index("water")).mean() > 0.005
    assert len(_of_kind(layout, "deck")) >= 10
    assert len(layout.buildings) >= 3
    assert len(layout.doors) == 2 * len(layout.buildings)
    assert len(_of_kind(layout, "step")) == 15 * len(layout.buildings)
    assert len(_of_kind(layout, "fence")) > 10
    assert len(layout.trunks) > 200
    assert {each.kind for each in layout.props} >= {"bench", "statue", "fountain", "sign", "bin", "lamp", "painting"}
    assert [each.name for each in layout.trails[:2]] == ["golden", "perimeter"]
    assert len(layout.trails) > 6


@pytest.mark.parametrize("seed", SEEDS)
def test_golden_trail_is_a_loop_past_the_sights(seed: int) -> None:
    """The golden trail ends where it begins, and passes fountains, most houses and the lake's island."""
    layout = park(seed)
    golden = layout.trail("golden").points
    assert np.allclose(golden[0], golden[-1])
    assert 0.5 < np.hypot(*np.diff(golden[:, :2], axis=0).T).max() < 3
    fountains = [(each.x, each.y) for each in layout.props if each.kind == "fountain"]
    doors = [each.middle[:2] for each in layout.doors[::2]]
    near = [np.hypot(*(golden[:, :2] - place).T).min() < 10 for place in (*fountains, *doors)]
    assert sum(near) >= len(fountains) + len(doors) * 2 // 3
    assert (golden[:, 2] > layout.water_level + 0.4).all()
    assert (layout.ground(golden[:, 0], golden[:, 1]) < layout.water_level).any()


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_ground_is_nowhere_too_steep(seed: int) -> None:
    """Less than a thousandth of the ground is steeper than one can climb, and lakes are shallow enough to wade."""
    layout = generate(seed)
    assert (terrain.slopes(layout.heights, layout.spacing) > MAX_SLOPE).mean() < 1e-3
    assert layout.heights.min() > layout.water_level - CROUCHING


@pytest.mark.parametrize("seed", SEEDS)
def test_trails_keep_clear_of_houses(seed: int) -> None:
    """No trail but a doorstep leads through a house."""
    layout = park(seed)
    for trail in layout.trails:
        x, y = trail.points[:-1, 0], trail.points[:-1, 1]
        for building in layout.buildings:
            low_x, low_y, high_x, high_y = building.footprint
            assert not ((x > low_x) & (x < high_x) & (y > low_y) & (y < high_y)).any(), trail.name


@pytest.mark.parametrize("seed", SEEDS)
def test_records_are_in_order_and_within_range(seed: int) -> None:
    """Ids count from 0, kinds and textures are known ones, and nothing is missing in a clean park."""
    layout = park(seed)
    for records in (layout.props, layout.doors, layout.buildings, layout.quests, layout.triggers):
        assert [each.id for each in records] == list(range(len(records)))
    assert all(each.kind in PROP_SIZES and 0 < each.texture < len(TEXTURES) for each in layout.props)
    assert all(0 <= each.heading < 360 for each in layout.props)
    assert (layout.solids.texture > 0).all()
    assert layout.solids.collides.all()
    assert layout.solids.visible.all()
    assert (layout.solids.half > 0).all()
    assert layout.bugs == ()


def test_fences_cannot_be_jumped_over() -> None:
    """Fences and the boundary are higher above the ground beside them than a jump and a step."""
    layout = park(0)
    for kind in ("fence", "boundary"):
        chosen = _of_kind(layout, kind)
        tops = layout.solids.centre[chosen, 2] + layout.solids.half[chosen, 2]
        ground = layout.ground(layout.solids.centre[chosen, 0], layout.solids.centre[chosen, 1])
        assert (tops - ground > JUMP + STEP).all()


def test_open_doors_turn_into_the_house() -> None:
    """A quarter left of its closed panel, a front door points to the inside."""
    for building, door in zip(park(0).buildings, park(0).doors[::2], strict=True):
        assert door.building == building.id
        angle = np.radians(door.heading + 90)
        x, y = door.middle[0] + np.cos(angle), door.middle[1] + np.sin(angle)
        low_x, low_y, high_x, high_y = building.footprint
        assert low_x < x < high_x
        assert low_y < y < high_y


@given(st.floats(-5, 40), st.floats(-5, 40), st.integers(0, 100))
def test_elevation_lies_between_the_corners_of_its_square(x: float, y: float, seed: int) -> None:
    """The triangulated ground meets its samples, and is nowhere above or below those around it."""
    heights = np.random.default_rng(seed).normal(size=(17, 17))
    found = elevation(heights, 2.0, x, y)
    column, row = np.clip([x / 2, y / 2], 0, 16)
    corners = heights[int(row) : int(row) + 2, int(column) : int(column) + 2]
    assert corners.min() - 1e-9 <= found <= corners.max() + 1e-9
    assert elevation(heights, 2.0, 2.0 * int(column), 2.0 * int(row)) == pytest.approx(heights[int(row), int(column)])


def test_map_shows_the_park() -> None:
    """The picture from above has the size that was asked for, water where the lake is, and the walks drawn in."""
    layout = park(0)
    picture = draw_map(layout, 300)
    assert picture.shape == (300, 300, 3)
    assert picture.dtype == np.uint8
    row, column = np.argwhere(layout.surface == SURFACES.index("water")).mean(axis=0) / len(layout.surface)
    red, _, blue = picture[300 - 1 - int(row * 300) + 8, int(column * 300) + 12].astype(int)
    assert blue > red
    walked = draw_map(layout, 300, [np.asarray([[100.0, 100.0, 0.0], [300.0, 100.0, 0.0]])])
    assert (walked != picture).any()
