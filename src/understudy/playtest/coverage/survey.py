"""What a game offers of its level before the first decision: its navigation mesh, and what a player can reach.

It runs in the game's process, and what it returns goes to the parent as JSON; `Coverage.survey` takes it in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from understudy.errors import PlaytestError
from understudy.playtest.coverage.navmesh import Navmesh
from understudy.playtest.coverage.options import CoverageSpec


def survey(game: Any, options: CoverageSpec, *, reachable: bool) -> dict[str, Any]:
    """Ask a game what it offers.

    Args:
        game: The environment. `navmesh()` returns polygons as arrays of shape (corners, 2 or 3);
            `reachable_cells()` returns positions that a player can reach as an array of shape (positions, 2 or 3),
            at least one for each half of a coverage cell. Both are optional, and in the game's units.
        options: What is counted.
        reachable: Whether to ask what can be reached; once is enough, and it may take long.

    Returns:
        JSON values by name: `navmesh`, `reachable`, or `problem` in a sentence if the game offers something else.
    """
    try:
        return _survey(game, options, reachable=reachable)
    except PlaytestError as error:
        return {"problem": str(error)}


def _survey(game: Any, options: CoverageSpec, *, reachable: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    mesh = options.kind == "navmesh"
    polygons = _polygons(game) if mesh or (reachable and options.kind == "cells") else None
    if mesh and polygons:
        found["navmesh"] = polygons
        found["reachable"] = [[index] for index in range(len(polygons))] if reachable else None
    elif reachable and options.kind == "cells":
        points = _points(game, options.dimensions)
        if points is None and polygons:
            points = _filled(polygons, options.cell / 4, options.dimensions)
        if points is not None and len(points):
            found["reachable"] = np.unique(np.floor(points / options.cell).astype(np.int64), axis=0).tolist()
    return found


def _offer(game: Any, name: str) -> Callable[[], Any] | None:
    """A method of the environment, or of the wrapper that is nearest to the outside and has it."""
    while game is not None:
        found = getattr(game, name, None)
        if callable(found):
            return found
        game = game.env if isinstance(game, gymnasium.Wrapper) else None
    return None


def _polygons(game: Any) -> list[list[list[float]]] | None:
    offer = _offer(game, "navmesh")
    if offer is None:
        return None
    polygons = [np.asarray(each, float) for each in offer()]
    if any(each.ndim != 2 or len(each) < 3 or each.shape[1] not in (2, 3) for each in polygons):
        raise PlaytestError("The game's navmesh() should return polygons as arrays of shape (3 or more, 2 or 3).")
    return [each.tolist() for each in polygons]


def _points(game: Any, dimensions: int) -> np.ndarray | None:
    offer = _offer(game, "reachable_cells")
    if offer is None:
        return None
    points = np.asarray(offer(), float)
    if points.ndim != 2 or points.shape[1] < dimensions:
        raise PlaytestError(
            f"The game's reachable_cells() should return positions of shape (n, {dimensions}), not {points.shape}."
        )
    return points[:, :dimensions]


def _filled(polygons: Sequence[Sequence[Sequence[float]]], step: float, dimensions: int) -> np.ndarray:
    """Points inside the polygons, `step` apart, and their centres, so that none is missed."""
    mesh = Navmesh(polygons)
    points = [tuple(each) for each in mesh.centres]
    for index, corners in enumerate(mesh.polygons):
        low, high = np.min(corners, axis=0)[:2], np.max(corners, axis=0)[:2]
        across, up = (np.arange(a, b, step) for a, b in zip(low, high, strict=True))
        height = mesh.centres[index, 2]
        points += [(x, y, height) for x in across for y in up if mesh.locate((x, y, height)) == index]
    return np.array(points)[:, :dimensions]
