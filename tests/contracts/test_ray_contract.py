"""The contract of an engine's rays holds for a toy engine and for Embree, and finds each kind of broken promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from toy_engine import FLOOR, ToyWorld
from understudy.sensors.meshes import TriangleScene, heights_to_triangles
from understudy.sensors.raygrid import RayGrid
from understudy.sensors.testing import Hits, check_rays

GRID = RayGrid.foveated(5, 5)
WORLD = ToyWorld.random(4)
STANDING = WORLD.free_viewers(40, 4)
VIEWERS = STANDING[[WORLD.surface_types[int(y), int(x)] == FLOOR for x, y in STANDING[:, :2]]][:5]


def engine(origins: np.ndarray, directions: np.ndarray) -> Hits:
    """The toy engine's own rays."""
    hits = [WORLD.cast(origin, ray[None]) for origin, ray in zip(origins, directions, strict=True)]
    return np.concatenate([each[0] for each in hits]), np.concatenate([each[1] for each in hits])


def test_a_toy_engine_keeps_the_contract() -> None:
    """Rays by the textbook formulas mean what the ray grid means."""
    check_rays(engine, GRID, VIEWERS)


def test_embree_keeps_the_contract() -> None:
    """So do Embree's, in a level of triangles."""
    scene = TriangleScene(*heights_to_triangles(WORLD.heights, WORLD.surface_types))

    def embree(origins: np.ndarray, directions: np.ndarray) -> Hits:
        distances, faces = scene.cast(origins.astype(np.float32), directions.astype(np.float32), GRID.reach)
        return distances, np.where(faces < 0, -1, scene.face_types[faces].astype(int))

    check_rays(embree, GRID, VIEWERS)


def changed(change: Callable[[np.ndarray, np.ndarray], Hits]) -> Callable[[np.ndarray, np.ndarray], Hits]:
    """An engine whose answers are changed."""
    return lambda origins, directions: change(*engine(origins, directions))


def restless(distances: np.ndarray, types: np.ndarray) -> Hits:
    """Another answer each time."""
    return distances + np.random.default_rng().uniform(0, 1e-6), types


def out_of_order(distances: np.ndarray, types: np.ndarray) -> Hits:
    """The nearest first."""
    order = np.argsort(distances)
    return distances[order], types[order]


@pytest.mark.parametrize(
    ("cast", "message"),
    [
        (changed(lambda far, kind: (far[:-1], kind)), r"125 rays got distances of shape \(124,\)"),
        (changed(lambda far, kind: (far, kind.astype(float))), "whole-number types"),
        (changed(lambda far, kind: (far, kind + 20)), "types from -1"),
        (changed(lambda far, kind: (-far, kind)), "a distance of 0 m or more"),
        (changed(lambda far, kind: (far, kind * 0 - 1)), "the check itself needs a ray that hits"),
        (changed(restless), "the same rays a second time got another answer"),
        (changed(out_of_order), "the same rays in another order got another answer"),
        (changed(lambda far, kind: (far * 100, kind)), "half way to what they hit"),
        (changed(lambda far, kind: (far + 1, kind)), "half way to what they hit"),
        (lambda origin, ray: engine(origin, ray * [1, -1, 1]), "half way to what they hit"),
        (lambda origin, ray: engine(origin, ray[:, [0, 2, 1]]), "half way to what they hit|straight down is not"),
        (
            lambda origin, ray: engine(np.add(origin, [0, 0, 0.5]), ray),
            "straight down is not 'floor' at the eye's height",
        ),
    ],
)
def test_a_broken_promise_is_named(cast: Callable[[np.ndarray, np.ndarray], Hits], message: str) -> None:
    """Wrong shapes, units, axes and answers that change are found, and said in words."""
    with pytest.raises(AssertionError, match=f"^The rays break their contract: .*({message})"):
        check_rays(cast, GRID, VIEWERS)


def test_the_check_needs_a_viewer() -> None:
    """Without a viewer nothing would be checked."""
    with pytest.raises(AssertionError, match="needs a viewer"):
        check_rays(engine, GRID, np.zeros((0, 5)))
