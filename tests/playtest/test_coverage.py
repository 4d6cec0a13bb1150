from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import PlaytestError
from understudy.playtest.coverage import Coverage, CoverageSpec, open_measure, union
from understudy.playtest.coverage.growth import grow
from understudy.playtest.coverage.measures import Cells
from understudy.playtest.coverage.navmesh import Navmesh
from understudy.playtest.coverage.survey import survey
from understudy.playtest.coverage.trail import Trail
from understudy.playtest.coverage.unreached import unreached_regions
from understudy.playtest.run.moment import cell_of

WALKS = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), max_size=30)
# Two rooms beside each other, and a floor above the first.
ROOMS = [
    [[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]],
    [[4, 0, 0], [8, 0, 0], [8, 4, 0], [4, 4, 0]],
    [[0, 0, 3], [4, 0, 3], [4, 4, 3], [0, 4, 3]],
]


def covered(walk: list[tuple[float, float]]) -> Coverage:
    """The coverage of one walk."""
    coverage = Coverage(10.0)
    for position in walk:
        coverage.visit(position)
    return coverage


def counted(options: CoverageSpec, report: dict[str, object] | None = None) -> Coverage:
    """A coverage as a spec asks for it, after a survey that reported this."""
    coverage = Coverage(open_measure(options))
    coverage.survey(report or {})
    return coverage


def test_cells_count_down_from_zero_too() -> None:
    """A cell holds its lower sides; positions below zero have cells of their own."""
    assert [cell_of(position, 10.0) for position in ((0.0, 0.0), (9.9, 10.0), (-0.1, -10.0))] == [
        (0, 0),
        (0, 1),
        (-1, -1),
    ]


@given(WALKS)
def test_the_curve_ends_at_the_cells_visited(walk: list[tuple[float, float]]) -> None:
    """The curve has a value per decision, never falls, and ends at the number of cells."""
    coverage = covered(walk)
    curve = coverage.growth(np.arange(1, len(walk) + 1)).tolist()
    assert curve == sorted(curve)
    assert coverage.num_cells == len({cell_of(each, 10.0) for each in walk}) == [0, *curve][-1]
    assert [coverage.met_by(step + 1) for step in range(len(walk))] == curve
    assert coverage.area == coverage.num_cells * 100.0


@given(WALKS, WALKS)
def test_two_runs_together_visited_what_one_of_them_did(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> None:
    """What some run visited is what a single run that makes both walks visits."""
    assert union([covered(first), covered(second)]) == covered(first + second).visits.keys()


@given(st.integers(1, 20_000))
def test_a_trail_keeps_its_ends_in_bounded_memory(steps: int) -> None:
    """However long the walk, the trail holds the first point, the last, and at most some thousand between."""
    trail = Trail()
    for step in range(steps):
        trail.add((float(step), 0.0))
    path = trail.path()
    assert (path[0], path[-1]) == ((0.0, 0.0), (steps - 1.0, 0.0))
    assert len(path) <= 2049
    assert trail.path(until=steps // 2)[-1][0] <= steps // 2


def test_a_game_without_positions_covers_nothing() -> None:
    """Decisions without a position count in the curve and visit no cell."""
    coverage = Coverage(10.0)
    coverage.visit(None)
    assert (coverage.decisions, coverage.met_by(1)) == (1, 0)
    assert coverage.area == 0


def test_floors_above_each_other_are_one_square_and_two_cubes() -> None:
    """In 3-D each floor counts; the area is that of the plan either way."""
    flat, solid = (counted(CoverageSpec(cell=2, dimensions=number)) for number in (2, 3))
    for each in (flat, solid):
        for height in (0.0, 3.0):
            each.visit((1.0, 1.0, height))
    assert (flat.num_cells, solid.num_cells) == (1, 2)
    assert flat.area == solid.area == 4.0


def test_heights_are_missed_where_there_are_none() -> None:
    """A 3-D count of positions with two numbers stops, and says so."""
    coverage = counted(CoverageSpec(dimensions=3))
    coverage.visit((1.0, 1.0))
    coverage.visit((1.0, 1.0, 1.0))
    assert coverage.num_cells == 0
    assert "has two numbers" in coverage.problem


def test_polygons_are_told_apart_by_place_and_height() -> None:
    """A player is on the polygon under them, the nearest in height; beside the mesh on none."""
    mesh = Navmesh(ROOMS)
    places = [(1, 1, 0), (5, 1, 0), (1, 1, 2.9), (9, 9, 0), (2, 2), (6, 2)]
    assert [mesh.locate(each) for each in places] == [0, 1, 2, None, 0, 1]
    assert mesh.areas == [16.0] * 3


@given(st.floats(-1, 9), st.floats(-1, 5))
def test_every_point_of_the_floor_is_on_a_polygon(x: float, y: float) -> None:
    """A point is on some polygon exactly if it lies inside the two rooms; on their outline it may be either."""
    inside, outside = 0 < x < 8 and 0 < y < 4, not (0 <= x <= 8 and 0 <= y <= 4)
    found = Navmesh(ROOMS[:2]).locate((x, y))
    assert found is not None or not inside
    assert found is None or not outside


def test_a_navmesh_is_its_own_denominator() -> None:
    """The polygons that the game offers are counted, and all of them can be reached."""

    class Game:
        def navmesh(self) -> list[list[list[float]]]:
            return ROOMS

    options = CoverageSpec(kind="navmesh")
    coverage = counted(options, survey(Game(), options, reachable=True))
    for position in ((1.0, 1.0, 0.0), (1.5, 1.0, 0.0), (99.0, 99.0, 0.0)):
        coverage.visit(position)
    assert coverage.visits == {(0,): 2}
    assert coverage.reachable == {(0,), (1,), (2,)}
    assert coverage.area == 16.0


def test_a_navmesh_that_is_not_there_is_told() -> None:
    """Counting polygons in a game without any says what the game lacks."""
    options = CoverageSpec(kind="navmesh")
    coverage = counted(options, survey(object(), options, reachable=True))
    coverage.visit((1.0, 1.0))
    assert "has no navmesh()" in coverage.problem


@pytest.mark.parametrize("offer", ["reachable_cells", "navmesh"])
def test_what_can_be_reached_comes_from_positions_or_from_the_mesh(offer: str) -> None:
    """Positions fall into the spec's cells; without them, the cells that the mesh fills."""
    points = [(x + 0.5, y + 0.5) for x in range(8) for y in range(4)]
    game = type("Game", (), {offer: lambda _: points if offer == "reachable_cells" else ROOMS})()
    options = CoverageSpec(cell=2)
    coverage = counted(options, survey(game, options, reachable=True))
    assert coverage.reachable == {(x, y) for x in range(4) for y in range(2)}


def test_a_wrapper_may_offer_what_the_game_does_not() -> None:
    """What a wrapper says of the level counts, as the outermost one has it."""

    class Told(gymnasium.Wrapper[Any, Any, Any, Any]):
        def reachable_cells(self) -> list[tuple[float, float]]:
            return [(1.0, 1.0)]

    game = Told(gymnasium.make("CartPole-v1"))
    assert survey(game, CoverageSpec(cell=2), reachable=True)["reachable"] == [[0, 0]]
    assert survey(game.env, CoverageSpec(cell=2), reachable=True) == {}
    game.close()


def test_positions_in_the_wrong_shape_are_told() -> None:
    """A game that offers something else is named, and the playtest goes on."""
    game = type("Game", (), {"reachable_cells": lambda _: [1, 2, 3]})()
    assert "reachable_cells() should return positions" in survey(game, CoverageSpec(), reachable=True)["problem"]


def test_states_are_numbers_in_bins() -> None:
    """Numbers of `info` that fall into the same bins are one state."""
    coverage = counted(CoverageSpec.model_validate({"key": {"quest": 1, "health": 25}}))
    for quest, health in ((0, 100), (0, 110), (1, 100), (1, 12), ([1.0, 2.0], 0)):
        coverage.visit(None, {"quest": quest, "health": health})
    assert set(coverage.visits) == {(0, 4), (1, 4), (1, 0), (1, 2, 0)}
    assert coverage.area is None


def test_a_number_that_the_game_lacks_is_told() -> None:
    """A misspelt number of `info` is named with the nearest."""
    coverage = counted(CoverageSpec.model_validate({"key": {"helth": 25}}))
    coverage.visit(None, {"health": 3.0})
    assert "no number 'helth'" in coverage.problem
    assert "'health'" in coverage.problem


def test_states_are_what_a_users_function_says(tmp_path: Path) -> None:
    """A function beside the spec is imported from there; what it raises is told in a sentence."""
    (tmp_path / "states.py").write_text("def room(info):\n    return 'hall' if info['x'] < 5 else None\n")
    coverage = counted(CoverageSpec(kind="state", key="states:room").anchored(tmp_path))
    coverage.visit(None, {"x": 1.0})
    coverage.visit(None, {"x": 9.0})
    assert coverage.visits == {("hall",): 1}
    coverage.visit(None, {})
    assert coverage.problem.endswith("failed: KeyError: 'x'")


@pytest.mark.parametrize("key", ["nowhere:room", "math:romo"])
def test_a_function_that_is_not_there_is_told(key: str) -> None:
    """A key that cannot be imported is an error before anything is played."""
    with pytest.raises(PlaytestError, match=key.split(":")[0]):
        open_measure(CoverageSpec(kind="state", key=key))


@given(st.lists(WALKS, min_size=1, max_size=4), st.integers(1, 60))
def test_growth_is_the_mean_of_the_curves(walks: list[list[tuple[float, float]]], longest: int) -> None:
    """At each number of decisions it is the mean of what the runs had met by then, inside its interval."""
    runs = [covered(walk) for walk in walks]
    growth = grow(runs, longest)
    for step, mean in zip(growth.steps, growth.mean, strict=True):
        assert mean == pytest.approx(np.mean([each.met_by(step) for each in runs]))
    assert (growth.low <= growth.mean + 1e-9).all()
    assert (growth.mean <= growth.high + 1e-9).all()


def test_growth_counts_only_what_is_asked_for() -> None:
    """Among some cells, the rest is left out."""
    run = covered([(5, 5), (15, 5), (25, 5)])
    assert grow([run], 3, {(0, 0), (2, 0)}).mean.tolist() == [0, 1, 1, 2]


def test_regions_hang_together_by_sides_and_corners() -> None:
    """What was never reached falls into regions, the largest first, each with a place inside it."""
    regions = unreached_regions({(0, 0), (1, 1), (5, 5), (5, 6), (6, 6)}, 2.0)
    assert [each.cells for each in regions] == [3, 2]
    assert regions[0].centre in {(11.0, 11.0), (11.0, 13.0), (13.0, 13.0)}
    assert sum(each.cells for each in unreached_regions({(0, 0, 0), (0, 0, 2)}, 1.0)) == 2


def test_a_cell_of_the_mesh_is_one_of_the_measure() -> None:
    """The numbers that a survey sends and the keys that a run counts are of one kind."""
    game = type("Game", (), {"reachable_cells": lambda _: [(1.0, 1.0, 5.0)]})()
    options = CoverageSpec(cell=2, dimensions=3)
    (sent,) = survey(game, options, reachable=True)["reachable"]
    assert tuple(sent) == Cells(2, 3).key((1.0, 1.0, 5.0), {})
