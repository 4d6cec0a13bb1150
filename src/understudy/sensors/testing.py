"""The contract of an engine that casts the ray grid's rays itself, as a suite to run on your own: `check_rays`.

Each broken promise is an `AssertionError` that says which one, so that a test of yours needs only that one line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from understudy.errors import ObservationError
from understudy.sensors.raygrid import NO_TYPE, RayGrid

Hits: TypeAlias = "tuple[np.ndarray, np.ndarray]"
Cast: TypeAlias = Callable[[np.ndarray, np.ndarray], Hits]

_GRAZING = 0.02
"""The share of rays that may meet another thing half way: those that graze an edge."""
_REACHES = 4


def check_rays(
    cast: Cast, grid: RayGrid, viewers: np.ndarray, *, floor: str | None = "floor", tolerance: float = 0.02
) -> None:
    """Check that an engine's ray casts mean what the ray grid means.

    What is promised: distances in metres along the ray and whole-number types, one for each ray and in their order;
    the same rays get the same answer, in any order; from half way to what a ray hit, it hits the same at half the
    distance; z is up and the floor is z = 0.

    Args:
        cast: Takes origins and unit directions, float64, both of shape (rays, 3), and returns distances and types,
            both of shape (rays,), as `RayGrid.from_hits` takes them.
        grid: Whose rays are cast.
        viewers: Poses in a level that stands still: x, y and z of the eye, heading and pitch, shape (viewers, 5). They
            stand on the level's floor, with nothing between it and the eye.
        floor: The type that is straight below them; None leaves that out.
        tolerance: By how many metres two distances may differ that should be the same.

    Raises:
        AssertionError: If a promise is broken; the message says which.
    """
    eyes = np.asarray(viewers, np.float64)
    _promise(len(eyes) > 0, "the check itself needs a viewer")
    directions = grid.directions(eyes[:, 3], eyes[:, 4]).reshape(-1, 3)
    origins = np.repeat(eyes[:, :3], len(directions) // len(eyes), axis=0)
    hits = _cast(cast, grid, origins, directions)
    _promise(bool((hits[1] != NO_TYPE).any()), "the check itself needs a ray that hits something")
    _same(hits, _cast(cast, grid, origins, directions), "the same rays a second time")
    backwards = _cast(cast, grid, origins[::-1], directions[::-1])
    _same(hits, (backwards[0][::-1], backwards[1][::-1]), "the same rays in another order")
    _check_half_way(cast, grid, origins, directions, hits, tolerance)
    if floor is not None:
        _check_floor(cast, grid, eyes, floor, tolerance)


def _promise(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(f"The rays break their contract: {otherwise}.")


def _cast(cast: Cast, grid: RayGrid, origins: np.ndarray, directions: np.ndarray) -> Hits:
    """Cast copies, and check that the answer is one that `from_hits` takes."""
    distances, types = (np.asarray(each) for each in cast(origins.copy(), directions.copy()))
    for what, values in (("distances", distances), ("types", types)):
        _promise(values.shape == (len(origins),), f"{len(origins)} rays got {what} of shape {values.shape}")
    single = RayGrid((0.0,), (0.0,), grid.reach, grid.types)
    try:
        single.from_hits(distances[:, None, None], types[:, None, None])
    except ObservationError as error:
        raise AssertionError(f"The rays break their contract: {error}") from error
    return distances, types


def _same(first: Hits, second: Hits, what: str) -> None:
    hit = first[1] != NO_TYPE
    same = np.array_equal(first[1], second[1]) and np.array_equal(first[0][hit], second[0][hit])
    _promise(same, f"{what} got another answer")


def _check_half_way(
    cast: Cast, grid: RayGrid, origins: np.ndarray, directions: np.ndarray, hits: Hits, tolerance: float
) -> None:
    near = (hits[1] != NO_TYPE) & (hits[0] < _REACHES * grid.reach)
    half = hits[0][near] / 2
    distances, types = _cast(cast, grid, origins[near] + half[:, None] * directions[near], directions[near])
    wrong = (types != hits[1][near]) | ~(np.abs(distances - half) <= tolerance)
    if wrong.mean() > _GRAZING:
        first = int(np.argmax(wrong))
        raise AssertionError(
            f"The rays break their contract: half way to what they hit, {wrong.mean():.0%} hit another thing, or "
            f"at another distance, such as {distances[first]:.2f} instead of {half[first]:.2f}; are these metres along "
            "the ray, and x, y and z the axes of the viewers?"
        )


def _check_floor(cast: Cast, grid: RayGrid, eyes: np.ndarray, floor: str, tolerance: float) -> None:
    distances, types = _cast(cast, grid, eyes[:, :3], np.tile([0.0, 0.0, -1.0], (len(eyes), 1)))
    below = bool((types == grid.types.index(floor)).all()) and bool((np.abs(distances - eyes[:, 2]) <= tolerance).all())
    _promise(below, f"straight down is not '{floor}' at the eye's height of {eyes[0, 2]:.2f} m but {distances[0]:.2f}")
