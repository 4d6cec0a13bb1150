"""What a ray grid is handed, checked before a kernel sees it: arrays come out as the kernels need them."""

from __future__ import annotations

import numpy as np

from understudy.errors import ObservationError
from understudy.sensors.rays import _floats

NO_TYPE = -1
"""In an engine's hits: the ray met nothing."""
_MOST_METRES = 1e6
"""From the origin: beyond, a cell cannot be told from the next, and a walk over them would not end."""


def check_hits(
    distances: np.ndarray, types: np.ndarray, shape: tuple[int, int], num_types: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return an engine's hits, float64 and integers, shape (..., *shape).

    Raises:
        ObservationError: If a shape is wrong, a type is not known, or a hit has no distance of 0 or more.
    """
    metres, kinds = np.asarray(distances, np.float64), np.asarray(types)
    if metres.shape != kinds.shape or metres.shape[-2:] != shape:
        raise ObservationError(
            f"Hits should be distances and types of shape (..., {shape[0]}, {shape[1]}), got "
            f"{metres.shape} and {kinds.shape}."
        )
    if not np.issubdtype(kinds.dtype, np.integer) or not are_known(kinds[kinds != NO_TYPE], num_types):
        raise ObservationError(f"Hits need whole-number types from -1 (nothing) to {num_types - 1}.")
    if not (metres[kinds != NO_TYPE] >= 0).all():
        raise ObservationError("Each hit needs a distance of 0 m or more; give type -1 where a ray met nothing.")
    return metres, kinds


def check_ground(heights: np.ndarray, surface_types: np.ndarray, num_types: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a level's heights, float32 or float64, and its surface types, uint8, both of shape (rows, columns).

    Raises:
        ObservationError: If the heights are not 2-D, finite and at least 0, or the types are not of their shape or not
            known.
    """
    ground, kinds = np.ascontiguousarray(heights), np.asarray(surface_types)
    if ground.dtype != np.float32:
        ground = ground.astype(np.float64)
    if ground.ndim != 2 or not np.isfinite(ground).all() or (ground.size and ground.min() < 0):
        raise ObservationError(f"Heights should be 2-D, finite and at least 0, got shape {ground.shape}.")
    if kinds.shape != ground.shape or not are_known(kinds, num_types):
        raise ObservationError(
            f"Heights of shape {ground.shape} need as many surface types from 0 to {num_types - 1}, got "
            f"shape {kinds.shape}."
        )
    return ground, np.ascontiguousarray(kinds, np.uint8)


def check_viewers(viewers: np.ndarray) -> np.ndarray:
    """Return viewers, float64, shape (viewers, 5); raises `ObservationError` if one is not finite or too far away."""
    eyes = _floats("viewers", viewers, 5)
    if (np.abs(eyes[:, :3]) > _MOST_METRES).any():
        raise ObservationError("viewers should be within 1000 km of the origin; are their places in metres?")
    return eyes


def check_things(what: str, things: np.ndarray | None, size: tuple[int, int], num_types: int) -> np.ndarray:
    """Return bodies or spheres, float64, shape (viewers, any, columns), whose last column is the type.

    Args:
        what: Their name, for errors.
        things: As they were handed; None is none.
        size: How many viewers and columns.
        num_types: How many types there are.

    Raises:
        ObservationError: If their shape is wrong, they are not finite, or a type is not known.
    """
    num, columns = size
    if things is None:
        return np.zeros((num, 0, columns))
    array = np.ascontiguousarray(things, np.float64)
    if array.ndim != 3 or array.shape[::2] != size or not np.isfinite(array).all():
        raise ObservationError(f"{what} should be finite, of shape ({num}, any, {columns}), got {array.shape}.")
    if not are_known(array[..., -1], num_types):
        raise ObservationError(f"{what} need types from 0 to {num_types - 1} in their last column.")
    return array


def are_known(types: np.ndarray, num_types: int) -> bool:
    """Whether all are whole numbers that stand for a type."""
    return bool(((types >= 0) & (types < num_types) & (types == np.floor(types))).all())
