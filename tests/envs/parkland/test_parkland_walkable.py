"""The walkable grid, on parks small enough to know it by heart."""

from __future__ import annotations

import math

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parkland_toys import SIDE, toy_park

from understudy.envs.parkland.layout import Door, Prop
from understudy.envs.parkland.solids import SolidsBuilder
from understudy.envs.parkland.walkable import walk_grid

MIDDLE = (16.5, 28.5, 0.0)


def _wall_across(*gaps: tuple[float, float], top: float = 3.0, low: float = 0.0) -> SolidsBuilder:
    """A wall along y = 16 with gaps (from x, to x)."""
    boxes, at = SolidsBuilder(), 0.0
    for start, end in (*gaps, (SIDE, SIDE)):
        if start > at:
            boxes.between((at, 15.9, low), (start, 16.1, top), "wall", "brick")
        at = end
    return boxes


def test_flat_ground_is_walkable_everywhere() -> None:
    """On empty ground every cell has one node, and a way is as long as its straight and diagonal steps."""
    grid = walk_grid(toy_park())
    assert len(grid) == 32 * 32
    assert grid.reachable.all()
    length = grid.distances((2.5, 2.5, 0.0))[grid.nearest((12.5, 7.5, 0.0))]
    assert length == pytest.approx(5 * math.sqrt(2) + 5, rel=1e-5)


def test_wall_without_gap_parts_the_park() -> None:
    """Behind a wall that nobody can pass nothing is reachable."""
    grid = walk_grid(toy_park(_wall_across()))
    assert not (grid.places[grid.reachable][:, 1] > 16).any()
    assert not grid.is_near(MIDDLE)


def test_way_leads_through_the_gap() -> None:
    """A gap that a body fits through is found by the shortest way."""
    grid = walk_grid(toy_park(_wall_across((24.0, 26.0))))
    path = grid.path((2.5, 2.5, 0.0), MIDDLE)
    crossing = path[np.argmin(np.abs(path[:, 1] - 16.0))]
    assert 24 < crossing[0] < 26
    assert np.allclose(path[-1], MIDDLE)
    assert np.abs(np.diff(path[:, :2], axis=0)).max() <= 1.0


@pytest.mark.parametrize(("top", "passes"), [(0.3, True), (0.5, False)])
def test_ledge_is_walked_up_only_if_it_is_a_step(top: float, passes: bool) -> None:
    """Who walks gets over what is as high as a step, and over nothing higher."""
    assert walk_grid(toy_park(_wall_across(top=top))).is_near(MIDDLE) == passes


@pytest.mark.parametrize(("low", "passes"), [(2.0, True), (1.5, False)])
def test_beam_stops_whom_it_would_hit_on_the_head(low: float, passes: bool) -> None:
    """One walks under what hangs higher than one is tall."""
    assert walk_grid(toy_park(_wall_across(low=low))).is_near(MIDDLE) == passes


@pytest.mark.parametrize(("degrees", "passes"), [(35.0, True), (55.0, False)])
def test_slopes_are_climbed_up_to_the_steepest(degrees: float, passes: bool) -> None:
    """Ground steeper than a body climbs is a wall."""
    heights = np.zeros((17, 17))
    heights[9:] = 2 * math.tan(math.radians(degrees))
    park = toy_park(heights=heights)
    assert walk_grid(park).is_near((16.5, 28.5, heights.max())) == passes


def test_deck_and_ground_below_it_are_two_levels() -> None:
    """Stairs lead onto a deck, and one can still walk under it."""
    boxes = SolidsBuilder()
    boxes.between((10, 10, 2.7), (20, 20, 3.0), "deck", "planks")
    for k in range(15):
        start = 5 + k / 3
        boxes.between((start, 14, 0), (start + 1 / 3, 16, (k + 1) * 0.2), "step", "wood")
    grid = walk_grid(toy_park(boxes))
    assert grid.is_near((15.5, 15.5, 3.0), 0.1)
    assert grid.is_near((15.5, 12.5, 0.0), 0.1)
    path = grid.path((15.5, 12.5, 0.0), (15.5, 12.5, 3.0))
    assert path[:, 0].min() < 6
    assert np.abs(np.diff(path[:, 2])).max() <= 1.0


def test_doors_count_as_open() -> None:
    """One walks through a doorway past its open panel."""
    door = Door(0, (15.3, 16.0, 0.0), 1.4, 0.0, 0)
    grid = walk_grid(toy_park(_wall_across((15.3, 16.7)), doors=(door,)))
    assert grid.is_near((16.5, 28.5, 0.0))
    assert not grid.is_near((15.5, 16.5, 0.0), 0.3)


def test_props_stand_in_the_way_but_signs_do_not() -> None:
    """A row of statues stops one; a row of signs does not."""
    for kind, passes in (("statue", False), ("sign", True)):
        props = tuple(Prop(k, kind, 0.4 + 0.8 * k, 16.0, 0.0, 0.0, True, 1) for k in range(40))
        assert walk_grid(toy_park(props=props)).is_near(MIDDLE) == passes


def test_weights_bend_the_way() -> None:
    """Where a metre costs more, the cheapest way goes round."""
    grid = walk_grid(toy_park())
    dear = np.ones(len(grid))
    dear[(np.abs(grid.places[:, 1] - 16) < 2) & (grid.places[:, 0] < 28)] = 50.0
    path = grid.path((2.5, 2.5, 0.0), (2.5, 28.5, 0.0), dear)
    assert path[:, 0].max() > 28


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 8), st.integers(0, 1)), max_size=12))
def test_shortest_ways_are_those_of_another_library(blocks: list[tuple[int, int, int, int]]) -> None:
    """Lengths of ways among random walls are what networkx finds in the same graph, and every step goes both ways."""
    boxes = SolidsBuilder()
    for x, y, length, along_x in blocks:
        size = (length, 0.2) if along_x else (0.2, length)
        boxes.between((x, y, 0), (x + size[0], y + size[1], 2.0), "wall", "brick")
    grid = walk_grid(toy_park(boxes))
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(grid)))
    for node, side in zip(*np.nonzero(grid.links >= 0), strict=True):
        other = grid.links[node, side]
        assert node in grid.links[other]
        graph.add_edge(int(node), int(other), weight=float(np.linalg.norm(grid.places[node] - grid.places[other])))
    start = int(grid.nearest((2.5, 2.5, 0.0)))
    found = grid.distances((2.5, 2.5, 0.0))
    expected = networkx.single_source_dijkstra_path_length(graph, start)
    assert set(np.flatnonzero(np.isfinite(found)).tolist()) == set(expected)
    assert all(found[node] == pytest.approx(length, rel=1e-4) for node, length in expected.items())
