from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import ObservationError, SpecError
from understudy.sensors import RayFan
from understudy.spec import SensorSpec

NO_DISCS = (np.zeros((0, 3)), np.zeros(0, int))
NO_LINES = (np.zeros((0, 4)), np.zeros(0, int))


def _slab(origin: np.ndarray, direction: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The distance from `origin` to a box, by intersecting the intervals in which a ray is within each slab."""
    enter, leave = 0.0, math.inf
    for axis in range(2):
        if direction[axis] == 0:
            if not low[axis] <= origin[axis] < high[axis]:
                return math.inf
            continue
        near, far = sorted((bound - origin[axis]) / direction[axis] for bound in (low[axis], high[axis]))
        enter, leave = max(enter, near), min(leave, far)
    return enter if enter <= leave else math.inf


def _grid_by_boxes(fan: RayFan, grid: np.ndarray, position: np.ndarray, heading: float) -> np.ndarray:
    """The fan's reading by trying each wall cell as a box."""
    reading = np.zeros(fan.shape)
    for ray, angle in enumerate(fan.angles):
        radians = math.radians(heading - angle)
        direction = np.array([math.cos(radians), math.sin(radians)])
        hits = [
            (_slab(position, direction, np.array([column, row]), np.array([column + 1, row + 1])), grid[row, column])
            for row, column in np.argwhere(grid)
        ]
        distance, kind = min(hits, default=(math.inf, 0))
        reading[ray, 0] = min(distance, fan.reach)
        if distance <= fan.reach:
            reading[ray, kind] = 1
    return reading


@pytest.mark.parametrize("seed", range(4))
def test_the_grid_walk_agrees_with_trying_every_cell(seed: int) -> None:
    """Distances and types are those of the nearest box, from inside the grid and from outside it."""
    rng = np.random.default_rng(seed)
    grid = (rng.random((13, 17)) < 0.15).astype(np.uint8) * rng.integers(1, 3, (13, 17), np.uint8)
    fan = RayFan.even(23, 300, reach=12.0, types=("wall", "door"))
    positions = np.column_stack((rng.uniform(-4, 21, 12), rng.uniform(-4, 17, 12)))
    headings = rng.uniform(-400, 400, 12)
    readings = fan.on_grid(grid, positions, headings)
    for reading, position, heading in zip(readings, positions, headings, strict=True):
        np.testing.assert_allclose(reading, _grid_by_boxes(fan, grid, position, heading), atol=1e-4)


def _lines_by_solving(
    fan: RayFan, position: np.ndarray, heading: float, lines: np.ndarray, discs: np.ndarray
) -> np.ndarray:
    """Distances by solving a linear system for each line, and a quadratic for each disc."""
    reading = []
    for angle in fan.angles:
        radians = math.radians(heading - angle)
        direction = np.array([math.cos(radians), math.sin(radians)])
        nearest = fan.reach
        for line in lines:
            distance, share = np.linalg.solve(np.column_stack((direction, line[:2] - line[2:])), line[:2] - position)
            if distance >= 0 and 0 <= share <= 1:
                nearest = min(nearest, distance)
        for disc in discs:
            towards = position - disc[:2]
            roots = np.roots([1, 2 * towards @ direction, towards @ towards - disc[2] ** 2])
            real = roots[np.isreal(roots)].real
            if (real >= 0).any():
                nearest = min(nearest, 0.0 if (real < 0).any() else real.min())
        reading.append(nearest)
    return np.array(reading)


@pytest.mark.parametrize("seed", range(4))
def test_lines_and_discs_agree_with_solving_the_equations(seed: int) -> None:
    """Each distance is that of the nearest solution."""
    rng = np.random.default_rng(seed)
    fan = RayFan.foveated(31, 240, reach=80.0, types=("wall", "monster"))
    lines, discs = rng.uniform(-50, 50, (25, 4)), np.column_stack((rng.uniform(-50, 50, (9, 2)), rng.uniform(1, 9, 9)))
    for _ in range(5):
        position, heading = rng.uniform(-50, 50, 2), float(rng.uniform(-360, 360))
        reading = fan.on_lines(position, heading, lines, np.zeros(25, int), discs, np.ones(9, int))
        np.testing.assert_allclose(reading[:, 0], _lines_by_solving(fan, position, heading, lines, discs), atol=1e-3)
        assert ((reading[:, 0] == 80) == (reading[:, 1:].sum(axis=1) == 0)).all()


@pytest.mark.parametrize(
    ("position", "heading", "distance"),
    [
        ((2.5, 2.5), 0, 1.5),  # to column 4
        ((2.5, 2.5), 90, 2.5),  # to row 5, its lower edge
        ((2.5, 2.5), 180, 9),  # nothing on that side
        ((2.5, 2.5), 270, 9),
        ((3.0, 2.5), 270, 9),  # along a cell border
        ((4.0, 0.5), 90, 1.5),  # a border belongs to the cell above it: column 4
        ((4.5, 2.5), 45, 0),  # within a wall
        ((-3.0, 2.5), 0, 7),  # from outside
        ((-3.0, 2.5), 180, 9),
        ((2.5, 3.5), 45, math.sqrt(4.5)),  # past the free corner (3, 4), into the corner (4, 5)
        ((3.0, 1.0), 45, math.sqrt(2)),  # exactly into the corner of column 4, row 2
    ],
)
def test_the_grid_by_hand(position: tuple[float, float], heading: float, distance: float) -> None:
    """A wall of column 4 from row 2 to 4, and of row 5 from column 0 to 4, seen from places worked out on paper."""
    grid = np.zeros((8, 8), np.uint8)
    grid[2:5, 4] = 1
    grid[5, 0:5] = 1
    reading = RayFan((0.0,), reach=9.0).on_grid(grid, np.array([position]), np.array([heading]))[0, 0]
    assert reading[0] == pytest.approx(distance, abs=1e-6)
    assert reading[1] == (distance < 9)


@pytest.mark.parametrize(
    ("position", "heading", "segment", "distance"),
    [
        ((0, 0), 0, (5, -1, 5, 1), 5),
        ((0, 0), 180, (5, -1, 5, 1), 9),
        ((0, 0), 0, (5, 0, 5, 1), 5),  # at its very end
        ((0, 0), 0, (3, 0, 6, 0), 3),  # along it
        ((4, 0), 0, (3, 0, 6, 0), 0),  # standing on it, along
        ((5, 0), 30, (5, -1, 5, 1), 0),  # standing on it, across
        ((0, 0), 180, (3, 0, 6, 0), 9),  # along it, behind
        ((0, 0), 0, (3, 1, 6, 1), 9),  # parallel, beside
        ((0, 0), 90, (-1, 4, 1, 4), 4),
        ((0, 0), 45, (0, 4, 4, 0), math.sqrt(8)),
        ((0, 0), 0, (4, 0, 4, 0), 4),  # a point
        ((0, 0), 0, (10, -1, 10, 1), 9),  # out of reach
    ],
)
def test_segments_by_hand(
    position: tuple[float, float], heading: float, segment: tuple[float, ...], distance: float
) -> None:
    """One ray against one segment, worked out on paper."""
    fan = RayFan((0.0,), reach=9.0)
    reading = fan.on_lines(np.array(position), heading, np.array([segment]), np.array([0]), *NO_DISCS)[0]
    assert reading.tolist() == [pytest.approx(distance, abs=1e-6), distance < 9]


@pytest.mark.parametrize(
    ("heading", "disc", "distance"),
    [(0, (5, 0, 1), 4), (0, (5, 1, 1), 5), (0, (5, 1.1, 1), 9), (180, (5, 0, 1), 9), (10, (0.5, 0, 1), 0)],
)
def test_discs_by_hand(heading: float, disc: tuple[float, ...], distance: float) -> None:
    """One ray against one disc: head on, touching, beside, behind, and from within."""
    fan = RayFan((0.0,), reach=9.0, types=("wall", "monster"))
    reading = fan.on_lines(np.zeros(2), heading, *NO_LINES, np.array([disc]), np.array([1]))[0]
    assert reading.tolist() == [pytest.approx(distance, abs=1e-6), 0, distance < 9]


def test_no_ray_slips_between_joined_segments() -> None:
    """Whatever the angle, rays from within a closed polygon hit it, corners included."""
    corners = np.array([(math.cos(turn), math.sin(turn)) for turn in np.radians(np.arange(0, 360, 7.5))]) * 123.4
    lines = np.column_stack((corners, np.roll(corners, -1, axis=0)))
    fan = RayFan(tuple(np.arange(-180, 180, 0.25).tolist()), reach=500.0)
    reading = fan.on_lines(np.zeros(2), 0.0, lines, np.zeros(len(lines), int), *NO_DISCS)
    assert reading[:, 0].max() < 124


def test_positive_angles_are_to_the_right() -> None:
    """A player facing +x has -y on the right."""
    fan = RayFan((-90.0, 0.0, 90.0), reach=9.0)
    below = np.array([[-1, -2, 1, -2]])
    assert fan.on_lines(np.zeros(2), 0.0, below, np.array([0]), *NO_DISCS)[:, 0].tolist() == [9, 9, 2]


@given(heading=st.floats(-720, 720), turn=st.integers(-3, 3))
@settings(max_examples=40, deadline=None)
def test_turning_the_world_and_the_player_changes_nothing(heading: float, turn: int) -> None:
    """A reading depends on what lies around the player, not on where north is."""
    rng = np.random.default_rng(7)
    lines = rng.uniform(-20, 20, (12, 4))
    radians = math.radians(turn * 31)
    rotation = np.array([[math.cos(radians), -math.sin(radians)], [math.sin(radians), math.cos(radians)]])
    turned = (lines.reshape(-1, 2) @ rotation.T).reshape(-1, 4)
    fan = RayFan.even(9, 180, reach=50.0)
    here = fan.on_lines(np.zeros(2), heading, lines, np.zeros(12, int), *NO_DISCS)
    there = fan.on_lines(np.zeros(2), heading + turn * 31, turned, np.zeros(12, int), *NO_DISCS)
    assert np.isclose(here, there, atol=1e-3).all(axis=1).sum() >= 8  # a ray may just graze the end of a line


@settings(deadline=None)
@given(
    num=st.integers(1, 40), field_of_view=st.floats(1, 359), power=st.floats(1, 4), reach=st.floats(0.5, 1e4, width=32)
)
def test_any_fan_comes_back_from_its_spec(num: int, field_of_view: float, power: float, reach: float) -> None:
    """A spec read from JSON rebuilds the very same fan; its angles rise and are symmetric."""
    fan = RayFan.foveated(num, field_of_view, power=power, reach=reach, types=("wall", "monster"), units="m")
    assert RayFan.from_spec(SensorSpec.from_dict(fan.spec().to_dict())) == fan
    assert list(fan.angles) == sorted(fan.angles)
    np.testing.assert_allclose(fan.angles, -np.array(fan.angles)[::-1], atol=1e-9)
    assert max(fan.angles) == pytest.approx(field_of_view / 2 if num > 1 else 0)


def test_readings_lie_in_the_space_of_the_spec() -> None:
    """The distance may reach `reach` itself, and no reading leaves the space."""
    fan = RayFan.even(5, 90, reach=7.3, types=("wall", "door"))
    readings = fan.on_grid(np.zeros((3, 3), np.uint8), np.ones((2, 2)), np.zeros(2))
    assert all(fan.spec().space.contains(each) for each in readings)


def test_more_rays_lie_near_the_heading() -> None:
    """A foveated fan of power 2 over 90 degrees: 5 rays at 0, 11.25 and 45 degrees to each side."""
    assert RayFan.foveated(5, 90, reach=1.0).angles == (-45.0, -11.25, 0.0, 11.25, 45.0)
    assert RayFan.even(5, 90, reach=1.0).angles == (-45.0, -22.5, 0.0, 22.5, 45.0)


@pytest.mark.parametrize(
    ("grid", "positions", "headings"),
    [
        (np.zeros((4, 4)), np.zeros((1, 2)), np.zeros(1)),
        (np.full((4, 4), 2, np.uint8), np.zeros((1, 2)), np.zeros(1)),
        (np.zeros((4, 4), np.uint8), np.zeros((1, 3)), np.zeros(1)),
        (np.zeros((4, 4), np.uint8), np.full((1, 2), np.nan), np.zeros(1)),
        (np.zeros((4, 4), np.uint8), np.zeros((2, 2)), np.zeros(1)),
        (np.zeros((4, 4), np.uint8), np.zeros((1, 2)), np.array([np.inf])),
    ],
)
def test_a_wrong_grid_is_refused(grid: np.ndarray, positions: np.ndarray, headings: np.ndarray) -> None:
    """Wrong dtypes, shapes, cell types and values that are not finite never reach the kernel."""
    with pytest.raises(ObservationError):
        RayFan((0.0,), reach=9.0).on_grid(grid, positions, headings)


def test_a_type_that_is_not_there_is_refused() -> None:
    """A segment of type 1 needs a fan with two types."""
    with pytest.raises(ObservationError, match="types from 0 to 0"):
        RayFan((0.0,), reach=9.0).on_lines(np.zeros(2), 0.0, np.zeros((1, 4)), np.array([1]), *NO_DISCS)


@pytest.mark.parametrize(
    "options", [{"angles": ()}, {"angles": (math.nan,)}, {"reach": 0}, {"reach": math.inf}, {"types": ("a", "a")}]
)
def test_a_fan_that_makes_no_sense_is_refused(options: dict) -> None:
    """No rays, no reach or a type twice is refused when the fan is declared."""
    with pytest.raises(SpecError):
        RayFan(**{"angles": (0.0,), "reach": 1.0, **options})
