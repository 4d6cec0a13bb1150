from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from understudy.evaluation.occupancy import (
    Grid,
    Stay,
    grids_of,
    occupancy_divergence,
    occupancy_transport,
    stay_of,
    transport_distance,
)
from understudy.evaluation.telemetry import Telemetry

clouds = arrays(np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.floats(-50, 50))
shifts = st.tuples(st.floats(-20, 20), st.floats(-20, 20))


@settings(deadline=None, max_examples=40)
@given(clouds, shifts)
def test_transport_of_a_shifted_cloud_is_the_shift(cloud: np.ndarray, shift: tuple[float, float]) -> None:
    """Moving every point by the same vector costs its length: nothing does it for less."""
    assert transport_distance(cloud, cloud + shift) == pytest.approx(float(np.hypot(*shift)), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(clouds, clouds)
def test_transport_is_symmetric_and_at_least_the_distance_of_means(left: np.ndarray, right: np.ndarray) -> None:
    """Both ways cost the same, and no less than moving the mean does."""
    there = transport_distance(left, right)
    assert there == pytest.approx(transport_distance(right, left), abs=1e-6)
    assert there >= np.linalg.norm(left.mean(0) - right.mean(0)) - 1e-6


def test_a_summary_keeps_the_shift() -> None:
    """A large cloud is summarised, and still a shift by 3 and 4 m is 5 m."""
    cloud = np.random.default_rng(0).normal(0, 8, (4000, 2))
    assert transport_distance(cloud, cloud + np.array([3.0, 4.0]), limit=120) == pytest.approx(5.0, rel=1e-6)
    assert transport_distance(cloud, cloud[::-1], limit=120) == pytest.approx(0.0, abs=1e-9)


def stay(positions: list[list[float]], grid: Grid, name: str = "map") -> Stay:
    """Where somebody was."""
    places = np.array(positions, float)
    return Stay(name, places, grid.counts(places))


def test_divergence_is_nought_for_the_same_and_one_for_other_cells() -> None:
    """Occupancy of the same cells does not diverge; of none in common it does by one bit."""
    grid = Grid(0, 0, 1.0, 10, 10)
    here, there = stay([[1.5, 1.5], [2.5, 2.5]], grid), stay([[8.5, 8.5]], grid)
    assert occupancy_divergence([here], [here])[0] == 0
    assert occupancy_divergence([here], [there])[0] == pytest.approx(1)


def test_maps_are_compared_each_on_its_own() -> None:
    """Only maps of both sides count, with the mean over them; with none in common there is no number."""
    grid = Grid(0, 0, 1.0, 10, 10)
    a, b, c = (stay([[1.5, 1.5]], grid, name) for name in "abc")
    moved = stay([[4.5, 5.5]], grid, "b")
    assert occupancy_transport([a, b], [a, moved])[0] == pytest.approx(2.5)
    assert np.isnan(occupancy_transport([a], [c])[0])


def test_grids_cover_everybody(players: list[Telemetry], hasty: list[Telemetry]) -> None:
    """Each step of everybody lies in a cell, some times a second."""
    grids = grids_of([*players, *hasty])
    found = stay_of(hasty[0], grids)
    assert found is not None
    assert found.counts.sum() == len(found.positions) == 60
    assert stay_of(hasty[0], {}) is None
