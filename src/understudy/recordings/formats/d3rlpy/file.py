"""Where d3rlpy keeps its episodes in an HDF5 file: version 2 has columns for each, version 1 and D4RL one for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats import hdf5

FLAT = ("observations", "actions", "rewards", "terminals")
_SCAN_ROWS = 65536
_MAX_OBSERVATIONS = 64


@dataclass(frozen=True)
class Place:
    """One episode in the file.

    Attributes:
        number: From 0.
        observations: Names of the data sets; more than one for a tuple of observations.
        actions: Name of the data set.
        rewards: Name of the data set.
        first: The row it begins at.
        num_steps: How many rows it has.
        terminated: Whether the game ended it.
    """

    number: int
    observations: tuple[str, ...]
    actions: str
    rewards: str
    first: int
    num_steps: int
    terminated: bool


def is_flat(file: Any, where: str) -> bool:
    """Whether the file is of version 1, or D4RL's: one column for all episodes."""
    return all(hdf5.child(file, name, where) is not None for name in FLAT)


def places(file: Any, where: str) -> Iterator[Place]:
    """Yield the episodes in their order; raises `RecordingError` where one is not as it should be."""
    yield from _flat_places(file, where) if is_flat(file, where) else _places(file, where)


def count(file: Any, where: str) -> int | None:
    """How many episodes the file says it has, None if it does not say."""
    found = hdf5.scalar(file, "num_episodes", where)
    return found if isinstance(found, int) and found >= 0 else None


def version(file: Any, where: str) -> str:
    """The version of the format; raises `RecordingError` if it is one that cannot be read."""
    found = hdf5.scalar(file, "version", where)
    if found == "2.0":
        raise RecordingError(f"{where} is of d3rlpy's obsolete format 2.0; dump it again with d3rlpy 2.0.3 or later.")
    return found if isinstance(found, str) else "1"


def is_before_versions(file: Any, where: str) -> bool:
    """Whether d3rlpy wrote the file before its format had versions: rewards lay with the observation after them."""
    here = [hdf5.child(file, name, where) is not None for name in ("discrete_action", "version")]
    return here == [True, False]


def _places(file: Any, where: str) -> Iterator[Place]:
    said = count(file, where)
    if said is None:
        raise RecordingError(f"{where} does not say how many episodes it has; it is not d3rlpy's, or damaged.")
    for number in range(said):
        if hdf5.child(file, f"actions_{number}", where) is None:
            raise RecordingError(f"{where} says it has {said:,} episodes, but holds {number:,}.")
        yield _place(file, number, where)


def _place(file: Any, number: int, where: str) -> Place:
    names = _observation_names(file, number, where)
    columns = [*names, f"actions_{number}", f"rewards_{number}"]
    lengths = [_length(hdf5.dataset(file, name, where), where) for name in columns]
    terminated = hdf5.scalar(file, f"terminated_{number}", where)
    return Place(number, names, f"actions_{number}", f"rewards_{number}", 0, min(lengths), bool(terminated))


def _observation_names(file: Any, number: int, where: str) -> tuple[str, ...]:
    single = f"observations_{number}"
    if hdf5.child(file, single, where) is not None:
        return (single,)
    names = [f"{single}_{index}" for index in range(_MAX_OBSERVATIONS)]
    found = [name for name in names if hdf5.child(file, name, where) is not None]
    if not found or found != names[: len(found)]:
        raise RecordingError(f"{where}, episode {number} has no observations.")
    return tuple(found)


def _length(data: Any, where: str) -> int:
    if not data.shape:
        raise RecordingError(f"{where}: '{data.name}' holds one value, not one for each step.")
    return int(data.shape[0])


def _flat_places(file: Any, where: str) -> Iterator[Place]:
    steps = min(_length(hdf5.dataset(file, name, where), where) for name in FLAT)
    ends = [
        name for name in ("terminals", "timeouts", "episode_terminals") if hdf5.child(file, name, where) is not None
    ]
    first = number = 0
    for start in range(0, steps, _SCAN_ROWS):
        stop = min(start + _SCAN_ROWS, steps)
        flags = {name: hdf5.read(hdf5.dataset(file, name, where), start, stop, (), where) != 0 for name in ends}
        for row in np.flatnonzero(np.any(list(flags.values()), axis=0)):
            last = start + int(row)
            terminated = bool(flags["terminals"][row])
            yield Place(number, ("observations",), "actions", "rewards", first, last + 1 - first, terminated)
            first, number = last + 1, number + 1
    if first < steps:
        yield Place(number, ("observations",), "actions", "rewards", first, steps - first, terminated=False)
