"""How stretches without play are told apart, and what runs and plots are made of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from understudy.recordings.doctor.drawing import HEIGHT, WIDTH, draw
from understudy.recordings.doctor.plots import along_steps
from understudy.recordings.doctor.runs import bridge, find_runs, outside, overlap
from understudy.recordings.doctor.specimens import Study, generate

bits = st.lists(st.booleans(), max_size=60).map(lambda values: np.array(values, bool))


@given(bits)
def test_runs_are_the_condition(held: np.ndarray) -> None:
    """The runs of a condition hold just the steps in which it holds, and do not touch."""
    again = np.zeros(len(held), bool)
    runs = find_runs(held)
    for start, stop in runs:
        again[start:stop] = True

    np.testing.assert_array_equal(again, held)
    assert all(before[1] < after[0] for before, after in pairwise(runs))


@given(bits, st.integers(0, 10))
def test_bridging_only_adds_short_gaps(held: np.ndarray, gap: int) -> None:
    """Bridging keeps what holds, and what it adds lies between two runs at most `gap` apart."""
    bridged = bridge(held, gap)

    assert (bridged | held == bridged).all()
    assert all(stop - start <= gap for start, stop in find_runs(bridged & ~held))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=6), st.integers(0, 50))
def test_cuts_and_rest_make_the_whole(cuts: list[tuple[int, int]], length: int) -> None:
    """A step is kept exactly if no cut holds it, and what is kept is in order and apart."""
    ranges = [(start, start + size) for start, size in cuts]
    kept = outside(ranges, length)

    for step in range(length):
        inside = any(start <= step < stop for start, stop in ranges)
        assert inside != any(start <= step < stop for start, stop in kept)
    assert all(before[1] <= after[0] for before, after in pairwise(kept))


def test_overlap_counts_shared_steps() -> None:
    """Ranges that share no step overlap by nought."""
    assert overlap((0, 10), (7, 20)) == 3
    assert overlap((0, 10), (10, 20)) == 0


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=900), st.data())
def test_plots_stay_small_and_inside(values: list[float], data: st.DataObject) -> None:
    """However long the recording, a plot has a few hundred points at most, all inside the picture."""
    start = data.draw(st.integers(0, len(values) - 1))
    plot = along_steps(np.array(values, np.float32), "value", (start, data.draw(st.integers(start, len(values)))))
    drawn = draw(plot)

    assert len(plot.x) <= 320
    points = [tuple(map(float, point.split(","))) for point in drawn.path.removeprefix("M").split("L")]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_short_peak_survives_in_a_long_plot() -> None:
    """One step's peak among a hundred thousand is still seen."""
    values = np.zeros(100_000, np.float32)
    values[77_777] = 5.0

    assert max(along_steps(values, "value").y) == 5.0


def test_specimens_are_drawn_from_seeds() -> None:
    """The same seed gives the same play; another seed another one."""
    first, again, other = (generate(Study(), seed, seconds=3.0) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first.observations["frame"], again.observations["frame"])
    np.testing.assert_array_equal(first.actions["turn"], again.actions["turn"])
    assert (first.observations["frame"] != other.observations["frame"]).any()
