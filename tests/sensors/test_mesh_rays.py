"""Ray grids over triangle meshes: the same readings as over heights, types by triangle, and bad meshes refused."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toy_engine import COVER, ENEMY, FLOOR, SITE, SMOKE, WALL, ToyWorld
from understudy.errors import MissingExtraError, ObservationError
from understudy.sensors.meshes import TriangleScene, heights_to_triangles
from understudy.sensors.raygrid import RayGrid

FOVEATED = RayGrid.foveated(15, 15)
FLOOR_OF_TWO = (np.array([[0, 0, 0], [9, 0, 0], [9, 9, 0], [0, 9, 0.0]]), np.array([[0, 1, 2], [0, 2, 3]]))


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_a_level_and_its_triangles_read_the_same(seed: int) -> None:
    """Embree over the triangles and the walk over the cells agree within 2 cm, and in type but for edges."""
    world = ToyWorld.random(seed, num_spheres=2)
    viewers = world.free_viewers(4, seed)
    things = [np.repeat(each[None], 4, axis=0) for each in (world.bodies, world.spheres)]
    cells = FOVEATED.on_heights(world.heights, world.surface_types, viewers, *things)
    scene = TriangleScene(*heights_to_triangles(world.heights, world.surface_types))
    differs = np.abs(cells - FOVEATED.on_mesh(scene, viewers, *things)) > [2, 0]
    assert differs.any(axis=-1).sum() <= 3, (viewers, np.argwhere(differs))


def test_more_viewers_than_one_call_takes() -> None:
    """Each of many viewers reads what it reads alone."""
    world = ToyWorld.random(2, num_bodies=0, num_spheres=0)
    viewers = world.free_viewers(300, 2)
    scene = TriangleScene(*heights_to_triangles(world.heights, world.surface_types))
    together = FOVEATED.on_mesh(scene, viewers)
    for index in (0, 127, 128, 299):
        np.testing.assert_array_equal(FOVEATED.on_mesh(scene, viewers[[index]])[0], together[index])


def test_a_ramp_reads_its_own_distance() -> None:
    """What heights cannot be: a slope of 45 degrees, met at eye height 1.6 m up it; underneath, its other side."""
    ramp = np.array([[5, -9, 0], [5, 9, 0], [15, 9, 10], [15, -9, 10.0]])
    scene = TriangleScene(ramp, np.array([[0, 1, 2], [0, 2, 3]]), np.array([COVER, WALL]))
    grid = RayGrid((-45.0, 0.0, 45.0), (0.0,), 50.0)
    reading = grid.on_mesh(scene, np.array([[0, 0, 1.6, 0, 0], [12, 0, 1.6, 180, 0.0]]))
    assert reading[0, 0, :, 0] / 100 == pytest.approx([6.6 * math.sqrt(2), 6.6, 6.6 * math.sqrt(2)], abs=0.011)
    assert reading[0, 0, [0, 2], 1].tolist() == [COVER + 1, WALL + 1]
    assert reading[1, 0, 1, 0] == 540


def test_bodies_and_smoke_stand_before_a_mesh() -> None:
    """An enemy 3 m away is seen before the wall, and hidden by smoke at 1 m."""
    wall = np.array([[9, -9, 0], [9, 9, 0], [9, 9, 9], [9, -9, 9.0]])
    scene = TriangleScene(wall, np.array([[0, 1, 2], [0, 2, 3]]), np.full(2, WALL))
    grid, eye = RayGrid((0.0,), (0.0,)), np.array([[0, 0, 1.6, 0, 0]])
    enemy, smoke = np.array([[[3.5, 0, 0, 1.8, 0.5, ENEMY]]]), np.array([[[2, 0, 1.6, 1, SMOKE]]])
    assert grid.on_mesh(scene, eye).tolist() == [[[[900, WALL + 1]]]]
    assert grid.on_mesh(scene, eye, enemy).tolist() == [[[[300, ENEMY + 1]]]]
    assert grid.on_mesh(scene, eye, enemy, smoke).tolist() == [[[[100, SMOKE + 1]]]]
    assert RayGrid((0.0,), (0.0,), 5.0).on_mesh(scene, eye).tolist() == [[[[500, 0]]]]


def test_triangles_of_a_level_have_its_area_and_types() -> None:
    """A block of 1.1 m on 3 × 3 cells of floor: nine tops and four sides, nothing within."""
    heights, types = np.zeros((3, 3)), np.full((3, 3), FLOOR)
    heights[1, 1], types[1, 1], types[0, 0] = 1.1, COVER, SITE
    vertices, faces, kinds = heights_to_triangles(heights, types)
    corners = vertices[faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    assert areas[kinds == COVER].sum() == pytest.approx(1 + 4 * 1.1)
    assert (areas[kinds == FLOOR].sum(), areas[kinds == SITE].sum()) == (pytest.approx(7), pytest.approx(1))


def test_a_mesh_of_nothing_reads_nothing() -> None:
    """Without a triangle every ray reads the farthest distance; without a viewer there is no reading."""
    scene = TriangleScene(np.zeros((0, 3)), np.zeros((0, 3), int), np.zeros(0, int))
    assert scene.num_faces == 0
    assert not FOVEATED.on_mesh(scene, np.zeros((1, 5)))[..., 1].any()
    assert FOVEATED.on_mesh(scene, np.zeros((0, 5))).shape == (0, 15, 15, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vertices": np.zeros((4, 2))}, r"Vertices should be finite, of shape \(any, 3\)"),
        ({"vertices": np.full((4, 3), np.inf)}, "Vertices should be finite"),
        ({"faces": np.array([[0, 1, 4], [0, 2, 3]])}, "indices from 0 to 3"),
        ({"faces": FLOOR_OF_TWO[1].astype(float)}, "indices from 0 to 3"),
        ({"face_types": np.zeros(3, int)}, "2 faces need as many types"),
        ({"face_types": np.array([0, 255])}, "types from 0 to 254"),
    ],
)
def test_a_wrong_mesh_is_refused(change: dict, message: str) -> None:
    """Wrong shapes, corners that are not there and values that are not finite never reach Embree."""
    good = {"vertices": FLOOR_OF_TWO[0], "faces": FLOOR_OF_TWO[1], "face_types": np.array([FLOOR, FLOOR])}
    with pytest.raises(ObservationError, match=message):
        TriangleScene(**{**good, **change})


def test_a_mesh_of_other_types_is_refused() -> None:
    """A grid that knows two types cannot read a mesh that has a third."""
    scene = TriangleScene(*FLOOR_OF_TWO, np.array([0, 2]))
    with pytest.raises(ObservationError, match="The mesh has types up to 2, but the grid knows 0 to 1"):
        RayGrid((0.0,), (0.0,), types=("wall", "floor")).on_mesh(scene, np.zeros((1, 5)))


def test_without_embree_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed embreex reads how to."""
    monkeypatch.setitem(sys.modules, "embreex", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'understudy\[mesh\]'"):
        TriangleScene(*FLOOR_OF_TWO, np.zeros(2, int))
