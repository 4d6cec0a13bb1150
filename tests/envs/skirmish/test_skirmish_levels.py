"""Levels: what their arrays hold, that ways are the shortest and can be walked, and that the three maps are fair."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.envs.skirmish.level import (
    COVER,
    LANES,
    MAP_NAMES,
    PLACES,
    PLACES_MARKED,
    WALL,
    Level,
    build_level,
    load_level,
)
from understudy.envs.skirmish.maps import ways
from understudy.envs.skirmish.maps.ascii import parse
from understudy.envs.skirmish.maps.measures import attack_ways, count_parts, is_whole, measure, sees_farther, spawns_see
from understudy.errors import GameError

SMALL = """
###########
#AA.....BB#
#.o.###...#
#a..#m#..b#
#.o.#.#...#
#1234.5678#
###########
"""

maps = pytest.mark.parametrize("name", MAP_NAMES)


def small(old: str = "", new: str = "") -> Level:
    """A level of 11 × 7 m, with a part of its drawing replaced."""
    assert old in SMALL
    return build_level("small", parse("small", SMALL.replace(old, new) if old else SMALL))


def relaxed(free: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Distances over free cells by Bellman and Ford, another way than the one under test."""
    metres = np.where(targets & free, 0.0, np.inf)
    while True:
        before = metres.copy()
        for row, column in np.argwhere(free):
            for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
                if free[row + down, column + right] and free[row + down, column] and free[row, column + right]:
                    there = metres[row + down, column + right] + math.hypot(down, right)
                    metres[row, column] = min(metres[row, column], there)
        if np.array_equal(before, metres):
            return metres


def walks(level: Level, points: np.ndarray) -> bool:
    """Whether somebody of the agents' radius walks straight from each point to the next."""
    return all(ways.walks_straight(level.free, *a, *b, ways.AGENT_RADIUS) for a, b in pairwise(points.astype(float)))


def length(points: np.ndarray) -> float:
    """Metres along waypoints."""
    return float(np.hypot(*np.diff(points.astype(float), axis=0).T).sum())


@maps
def test_a_level_holds_the_promised_arrays(name: str) -> None:
    """Every array of a level has its shape, its dtype and only the values it may have."""
    level = load_level(name)
    shape = (level.num_rows, level.num_cols)
    assert level.name == name
    assert level.heights.dtype == np.float32
    assert set(np.unique(level.heights)) == {np.float32(each) for each in (0, COVER, WALL)}
    assert level.places.dtype == np.uint8
    assert level.places.shape == shape
    assert set(np.unique(level.places)) == set(range(1 + len(PLACES_MARKED)))
    assert level.spawns.dtype == np.float32
    assert level.spawns.shape == (2, 4, 3)
    for array in (level.distances, level.headings):
        assert array.dtype == np.float32
        assert array.shape == (len(PLACES), *shape)


@maps
def test_players_start_in_their_spawn_each_in_a_cell_of_its_own(name: str) -> None:
    """All eight slots are free floor of their side's spawn, and no two are the same."""
    level = load_level(name)
    cells = [[level.cell(slot) for slot in side] for side in level.spawns]
    for side, place in zip(cells, PLACES_MARKED[2:], strict=True):
        assert all(level.free[cell] and level.place_cells(place)[cell] for cell in side)
    assert len(set(cells[0] + cells[1])) == 8


@maps
def test_lanes_lead_from_the_attackers_to_their_goal(name: str) -> None:
    """Each lane begins at the attackers' first slot, can be walked leg by leg, and ends in its site, or in mid."""
    level = load_level(name)
    assert tuple(level.lanes) == LANES
    for lane, place in zip(LANES, ("site_a", "mid", "site_b"), strict=True):
        points = level.lanes[lane]
        assert points.dtype == np.float32
        assert np.array_equal(points[0], level.spawns[0, 0, :2])
        assert walks(level, points)
        assert level.place_cells(place)[level.cell(points[-1])]
        assert 30 <= length(points) <= 75


@maps
def test_the_maps_are_fair(name: str) -> None:
    """Defenders are first at both sites, no site is much farther, nobody sees too far, and each site has ways in."""
    level, of = load_level(name), measure(load_level(name))
    assert 40 <= min(level.heights.shape) <= max(level.heights.shape) <= 64
    assert all(8.5 <= seconds <= 12 for seconds in of.attack_seconds)
    assert all(3.5 <= seconds <= 7 for seconds in of.defend_seconds)
    assert abs(of.attack_seconds[0] - of.attack_seconds[1]) <= 1
    assert abs(of.defend_seconds[0] - of.defend_seconds[1]) <= 1
    assert 30 <= of.longest_sight <= 45
    assert 0.03 <= of.cover_share <= 0.08
    assert min(of.attack_ways) >= 2
    assert of.whole
    assert not of.spawns_see


def test_distances_are_the_shortest() -> None:
    """Distances to every place are those that another algorithm finds."""
    for level, places in ((small(), PLACES), (load_level("terrace"), PLACES[1:3])):
        for place in places:
            index = PLACES.index(place)
            expected = relaxed(level.free, level.place_cells(place))
            np.testing.assert_allclose(level.distances[index], expected, rtol=1e-5)


def test_a_corner_is_not_cut() -> None:
    """A diagonal step past a wall or past cover takes both straight steps instead."""
    level = small()
    metres = level.distance_field(np.array([(3, 3)]))
    assert metres[5, 3] == 2
    assert metres[2, 2] == np.inf  # cover
    assert level.distance_field(np.array([(1, 4)]))[2, 3] == 2
    assert level.distance_field(np.array([(1, 1)]))[2, 1] == 1


@maps
def test_following_the_heading_brings_one_closer(name: str) -> None:
    """From every cell's centre, a metre along its heading can be walked, and the way left is shorter."""
    level = load_level(name)
    for metres, headings in zip(level.distances, level.headings, strict=True):
        for row, column in np.argwhere(metres >= 1):
            turn = math.radians(headings[row, column])
            x, y = column + 0.5, row + 0.5
            to = np.array([x + math.cos(turn), y + math.sin(turn)])
            if level.free[row, column]:
                assert ways.walks_straight(level.free, x, y, *to, ways.AGENT_RADIUS)
                assert metres[level.cell(to)] < metres[row, column]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_path_can_be_walked_and_is_no_longer_than_the_grids(data: st.DataObject) -> None:
    """A path joins its ends in straight legs past every corner, at most as long as the way from cell to cell."""
    level = load_level(data.draw(st.sampled_from(MAP_NAMES)))
    cells = np.argwhere(level.free)
    start, goal = (cells[data.draw(st.integers(0, len(cells) - 1))] for _ in range(2))
    path = level.path(start[::-1] + 0.5, goal[::-1] + 0.5)
    assert path.dtype == np.float32
    assert np.array_equal(path[[0, -1]], np.array([start, goal])[:, ::-1] + 0.5)
    assert walks(level, path)
    straight = math.hypot(*(start - goal))
    assert straight - 1e-3 <= length(path) <= level.distance_field(goal[None])[tuple(start)] + 1e-3


def test_a_path_starts_and_ends_anywhere_in_a_cell() -> None:
    """Ends that touch a wall are kept, and the way between them goes past it."""
    level = load_level("foundry")
    start, goal = np.array([22.05, 2.05]), np.array([3.02, 40.9])
    path = level.path(start, goal)
    np.testing.assert_allclose(path[[0, -1]], [start, goal], rtol=1e-6)
    assert walks(level, path[1:-1])


def test_where_there_is_no_way_there_is_no_path() -> None:
    """A goal in a wall, outside the level or behind walls gives an empty path and an infinite distance."""
    level = small()
    level = Level(level.name, level.heights.copy(), level.places, level.spawns, level.lanes)
    level.heights[1:6, 6] = WALL
    assert level.path(np.array([1.5, 1.5]), np.array([8.5, 1.5])).shape == (0, 2)
    assert level.path(np.array([1.5, 1.5]), np.array([0.5, 0.5])).shape == (0, 2)
    assert level.path(np.array([1.5, 1.5]), np.array([-3.0, 99.0])).shape == (0, 2)
    assert level.distances[PLACES.index("site_b"), 1, 1] == np.inf
    assert not is_whole(level)


def test_measures_tell_a_bad_level() -> None:
    """Spawns in one room see each other, and a site behind one door has one way in."""
    level = small()
    assert spawns_see(level)
    apart = small("###...#\n#a..#m#..b#\n#.o.#.#...#\n#1234.", "#.#...#\n#a..#m#..b#\n#.o.###...#\n#1234#")
    assert not spawns_see(apart)
    assert sees_farther(level, 7)
    assert not sees_farther(level, 8.5)
    room = "#" * 30 + "\n"
    for row in (
        "5678......a........",
        "AA....#######......",
        "BB....#######b....m",
        "......#######....12",
        "...............3..4",
    ):
        room += "#" + row.ljust(28, ".") + "#\n"
    ring = build_level("ring", parse("ring", room + "#" * 30))
    assert attack_ways(ring, "site_a") == 2
    shut = build_level("shut", parse("shut", room.replace("......a..", "....#.a..") + "#" * 30))
    assert attack_ways(shut, "site_a") == 1


def test_parts_are_counted_over_diagonals() -> None:
    """Cells that touch at a corner are one part."""
    cells = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
    assert count_parts(cells) == 3
    assert count_parts(np.zeros((3, 3), bool)) == 0


def test_the_last_line_of_a_drawing_is_row_0() -> None:
    """A drawing has +y pointing up, so that right in it is a player's right."""
    level = small()
    assert level.places[1, 1] == 1 + PLACES_MARKED.index("attacker_spawn")
    assert level.places[5, 1] == 1 + PLACES_MARKED.index("site_a")
    assert level.spawns[1, 0].tolist()[:2] == [6.5, 1.5]
    assert level.spawns[1, 0, 2] == pytest.approx(180)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("#AA", "#A", "no rectangle"),
        ("#AA", "#A?", r"holds '\?'"),
        ("##\n#AA", "##\n.AA", "open at its edge"),
        ("1234", "1134", "'1' exactly once"),
        ("BB", "..", "lacks the character 'B'"),
        ("#a..#m#..b#\n#.o.#.#", "#a..#m#..b#\n#.o.###", "lets nobody walk from the attackers' spawn to 'mid'"),
    ],
)
def test_a_drawing_that_cannot_be_played_says_why(old: str, new: str, says: str) -> None:
    """What is wrong with a drawing is said in one sentence."""
    with pytest.raises(GameError, match=says):
        small(old, new)


@pytest.mark.parametrize(
    "name", ["fondry", "", "generated-", "generated--1", "generated-x", "generated-" + "9" * 5000, "../foundry"]
)
def test_an_unknown_level_gets_a_suggestion(name: str) -> None:
    """A name that is no level's is refused, with the names there are."""
    with pytest.raises(GameError, match=f"no level '{name[:60]}'.*'foundry'"):
        load_level(name)


def test_an_unknown_place_gets_a_suggestion() -> None:
    """A place that no level has is refused."""
    with pytest.raises(GameError, match=r"no place 'sites'\. Did you mean 'site_b'"):
        small().place_cells("sites")
