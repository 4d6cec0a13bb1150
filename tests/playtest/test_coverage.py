from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from understudy.playtest.coverage import Coverage, joined
from understudy.playtest.moment import cell_of

WALKS = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), max_size=30)


def covered(walk: list[tuple[float, float]]) -> Coverage:
    """The coverage of one walk."""
    coverage = Coverage(10.0)
    for position in walk:
        coverage.visit(position)
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
    assert len(coverage.curve) == len(walk)
    assert coverage.curve == sorted(coverage.curve)
    assert coverage.num_cells == len({cell_of(each, 10.0) for each in walk}) == (coverage.curve or [0])[-1]
    assert coverage.area == coverage.num_cells * 100.0


@given(WALKS, WALKS)
def test_joining_runs_is_walking_them_in_one(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> None:
    """The coverage of two runs joined is that of one run that makes both walks."""
    whole, parts = covered(first + second), joined([covered(first), covered(second)], 10.0)
    assert parts.curve == whole.curve
    assert parts.visits == whole.visits


def test_a_game_without_positions_covers_nothing() -> None:
    """Decisions without a position count in the curve and visit no cell."""
    coverage = Coverage(10.0)
    coverage.visit(None)
    assert coverage.curve == [0]
    assert coverage.area == 0
