"""The paths that a tester preferred, read from demonstrations, and how much of a run keeps to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from understudy.errors import RecordingError, UnderstudyError
from understudy.playtest.coverage.counting import Coverage
from understudy.playtest.coverage.measures import Cells, Key, Measure, Polygons
from understudy.playtest.coverage.options import CoverageSpec
from understudy.playtest.run.moment import Number, Position
from understudy.recordings import Episode, open_recordings

_STEPS_A_CELL = 4
_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Preference:
    """Where a tester went.

    Attributes:
        name: As the spec has it.
        path: The keys that the demonstrations met.
        corridor: Those and the keys near them: what counts as on the preference.
        walks: The demonstrations' paths, to draw.
        problem: Why its recordings could not be used, in a sentence; empty if they could.
    """

    name: str
    path: frozenset[Key] = frozenset()
    corridor: frozenset[Key] = frozenset()
    walks: tuple[tuple[Position, ...], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Kept:
    """How a run keeps to a preference.

    Attributes:
        covered: Share of the preference's path that it visited, from 0 to 1.
        on: Share of its decisions on the preference, from 0 to 1.
        off: How many keys it visited off the preference.
    """

    covered: float
    on: float
    off: int


def open_preferences(options: CoverageSpec, measure: Measure, game: str | None) -> list[Preference]:
    """Read the demonstrations of every preference of a spec.

    Args:
        options: Of the spec.
        measure: That the runs were counted with.
        game: The behaviour's name, which the recordings must be of; None if no run got so far.
    """
    return [_open(name, paths, options, measure, game) for name, paths in options.preferences.items()]


def kept(coverage: Coverage, preference: Preference) -> Kept:
    """Return how a run keeps to a preference that has a path."""
    visited = coverage.visits.keys()
    decisions = sum(coverage.visits.values())
    near = sum(count for key, count in coverage.visits.items() if key in preference.corridor)
    return Kept(
        len(preference.path & visited) / max(1, len(preference.path)),
        near / max(1, decisions),
        len(visited - preference.corridor),
    )


def _open(name: str, paths: Iterable[str], options: CoverageSpec, measure: Measure, game: str | None) -> Preference:
    try:
        episodes = [episode for path in paths for episode in open_recordings(Path(path))]
        for each in episodes:
            _require_same_game(each, game)
        walks = [_positions(each) for each in episodes]
        met = {key for each, walk in zip(episodes, walks, strict=True) for key in _keys(each, walk, measure)}
        corridor = met.union(*(near_keys(walk, options, measure) for walk in walks))
    except UnderstudyError as error:
        return Preference(name, problem=f"The preference '{name}' is left out. {error}")
    thin = tuple(tuple(map(tuple, walk[:: max(1, len(walk) // 500)].tolist())) for walk in walks)
    return Preference(name, frozenset(met), frozenset(corridor), thin)


def _require_same_game(episode: Episode, game: str | None) -> None:
    if game is not None and episode.behavior.name != game:
        raise RecordingError(
            f"{episode.path.name} was recorded in '{episode.behavior.name}', and this playtest plays '{game}'; record "
            "the demonstration in this game."
        )


def _positions(episode: Episode) -> np.ndarray:
    if "position" not in episode.layout.extra_columns:
        raise RecordingError(
            f"{episode.path.name} does not say where the player was; record it with an extra 'position', as a playtest "
            "does of every run."
        )
    return episode.extra("position").astype(np.float64)


def _keys(episode: Episode, walk: np.ndarray, measure: Measure) -> Iterator[Key]:
    """The keys met, with the line between two decisions filled in where they are of places."""
    if isinstance(measure, (Cells, Polygons)):
        infos: Iterable[tuple[Position, Mapping[str, Number]]] = ((tuple(each), {}) for each in _filled(walk, measure))
    else:
        extras = {name: episode.extra(name).astype(np.float64) for name in episode.layout.extra_columns}
        infos = ((tuple(walk[i]), {k: v[i].tolist() for k, v in extras.items()}) for i in range(len(walk)))
    for position, info in infos:
        key = measure.key(position, info)
        if key is not None:
            yield key


def _filled(walk: np.ndarray, measure: Cells | Polygons) -> np.ndarray:
    """The walk with points a quarter of a cell apart, so that it skips none."""
    if len(walk) < 2 or not isinstance(measure, Cells):
        return walk
    lengths = np.linalg.norm(np.diff(walk, axis=0), axis=1)
    # A longer jump than four cells is a teleport, and nothing was walked between.
    parts = np.where(lengths > _STEPS_A_CELL * measure.side, 1, np.ceil(lengths * _STEPS_A_CELL / measure.side))
    parts = np.maximum(parts.astype(int), 1)
    start = np.repeat(np.arange(len(parts)), parts)
    share = (np.arange(len(start)) - np.repeat(np.cumsum(parts) - parts, parts)) / np.repeat(parts, parts)
    points = walk[start] + share[:, None] * np.diff(walk, axis=0)[start]
    return np.vstack([points, walk[-1:]])


def near_keys(walk: np.ndarray, options: CoverageSpec, measure: Measure) -> set[Key]:
    """Return the keys whose middle lies within reach of a walk, shape (positions, 2 or 3); none if they are states."""
    if isinstance(measure, Cells):
        return _near_cells(_filled(walk, measure), measure, options.reach)
    if isinstance(measure, Polygons) and measure.mesh and len(walk):
        plan = walk[:, :2]
        distances = [np.linalg.norm(plan - each, axis=1).min() for each in measure.mesh.centres[:, :2]]
        return {(index,) for index, distance in enumerate(distances) if distance <= options.reach}
    return set()


def _near_cells(walk: np.ndarray, cells: Cells, reach: float) -> set[Key]:
    points = walk[:, : cells.dimensions]
    radius = int(np.ceil(reach / cells.side))
    shifts = np.array(list(product(range(-radius, radius + 1), repeat=cells.dimensions)))
    found: set[Key] = set()
    chunk = max(1, _AT_ONCE // len(shifts))
    for start in range(0, len(points), chunk):
        part = points[start : start + chunk]
        near = np.floor(part / cells.side).astype(np.int64)[:, None] + shifts
        close = np.linalg.norm((near + 0.5) * cells.side - part[:, None], axis=2) <= reach
        found.update(_distinct(near[close]))
    return found


def _distinct(cells: np.ndarray) -> list[Key]:
    """Each row once; one number a row sorts ten times faster than the rows do."""
    if not len(cells):
        return []
    low = cells.min(0)
    shape = tuple((cells.max(0) - low + 1).tolist())
    numbers = np.unique(np.ravel_multi_index(tuple((cells - low).T), shape))
    return list(map(tuple, (np.column_stack(np.unravel_index(numbers, shape)) + low).tolist()))
