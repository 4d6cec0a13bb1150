"""Whatever a park has to show can be walked to from its start, whichever the seed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.envs.parkland.generator import generate
from understudy.envs.parkland.layout import Layout, Room
from understudy.envs.parkland.walkable import WalkGrid, walk_grid

REACH = 2.6
"""How near one must be able to come to a thing, metres; height counts double."""
DETOUR = 1.35
"""How much longer the way along a trail may be on the grid than its points are apart: cells know eight directions."""


def _room_share(grid: WalkGrid, room: Room) -> float:
    """The share of a room's cells that can be reached."""
    low_x, low_y, high_x, high_y = room.bounds
    x, y = np.meshgrid(np.arange(low_x + 0.5, high_x), np.arange(low_y + 0.5, high_y))
    return float(grid.is_near(np.stack([x, y, np.full_like(x, room.z)], axis=-1), 0.3).mean())


def _assert_reachable(layout: Layout, grid: WalkGrid) -> None:
    for trail in layout.trails:
        assert grid.is_near(trail.points, 1.0).all(), trail.name
    things = [(each.x, each.y, each.z) for each in layout.props if each.of_interest]
    assert grid.is_near(np.asarray(things), REACH).all()
    for building in layout.buildings:
        assert len(building.floors) == 2
        assert all(_room_share(grid, room) > 0.5 for room in building.rooms)
    places = [stage[:3] for quest in layout.quests for stage in quest.stages]
    places += [trigger.position for trigger in layout.triggers]
    assert grid.is_near(np.asarray(places), 1.0).all()


def _assert_walked_through(layout: Layout, grid: WalkGrid, name: str) -> None:
    """One can follow a trail without leaving it."""
    points = layout.trail(name).points[::8]
    for start, end in zip(points[:-1:4], points[1::4], strict=False):
        path = grid.path(start, end)
        length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        assert length <= DETOUR * np.linalg.norm(end - start) + 3.0, (name, start)


def _assert_within_bounds(layout: Layout, grid: WalkGrid) -> None:
    x, y, _ = grid.places[grid.reachable].T
    low_x, low_y, high_x, high_y = layout.bounds
    assert x.min() > low_x
    assert y.min() > low_y
    assert x.max() < high_x
    assert y.max() < high_y


def _assert_whole(layout: Layout) -> None:
    grid = walk_grid(layout)
    _assert_reachable(layout, grid)
    _assert_walked_through(layout, grid, "golden")
    _assert_walked_through(layout, grid, "perimeter")
    _assert_within_bounds(layout, grid)
    assert grid.reachable.mean() > 0.93


@settings(max_examples=6)
@given(st.integers(0, 2**32))
def test_all_of_a_small_park_can_be_reached(seed: int) -> None:
    """Every trail, thing of interest, floor, quest and bell is reachable, the loops can be walked, nobody gets out."""
    _assert_whole(generate(seed))


@pytest.mark.slow
@settings(max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from((0.25, 0.4, 1.0, 2.0)))
def test_all_of_any_park_can_be_reached(seed: int, area: float) -> None:
    """The same holds for many more parks, small and large."""
    _assert_whole(generate(seed, area))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_largest_park_is_made_in_half_a_minute_and_can_be_reached(seed: int) -> None:
    """A park of 8.6 km² takes less than 30 seconds of processor time to make, and all of it can be reached."""
    begin = time.process_time()
    layout = generate(seed, 8.6)
    assert time.process_time() - begin < 30
    _assert_reachable(layout, walk_grid(layout))
