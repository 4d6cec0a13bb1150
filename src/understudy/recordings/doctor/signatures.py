"""Signatures: each recording read once, in chunks, into small memory-mapped columns named by its digest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from understudy.recordings.doctor.reducers import Reducer, reducer_of
from understudy.recordings.reader import Episode

FORMAT = 1
_ROWS_AT_ONCE = 256
_DONE = "done"

Rows = Callable[[int], None]


class Signature:
    """What the doctor keeps of a recording: for each sensor, the columns and the summary of its reducer.

    Args:
        folder: As `sign` made it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, sensor: str, name: str) -> np.ndarray:
        """Return a column or a summary of a sensor, memory-mapped."""
        return np.load(self.folder / f"{sensor}.{name}.npy", mmap_mode="r")


def sign(episode: Episode, cache: Path, progress: Rows = lambda _rows: None) -> Signature:
    """Open the signature of a recording, making it below `cache` if it is not there yet.

    Memory does not grow with the recording: its values are read, reduced and written a few hundred steps at a time.

    Args:
        episode: Any recording.
        cache: A folder; what was reduced before is found again by the recording's digest.
        progress: Called with the number of steps just read.
    """
    home = cache / f"{FORMAT}-{episode.digest[:24]}"
    if (home / _DONE).exists():
        progress(episode.num_steps)
    else:
        _build(episode, home, progress)
    return Signature(home)


def _build(episode: Episode, home: Path, progress: Rows) -> None:
    work = home.with_name(f"{home.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    reducers = {each.name: reducer_of(each.space) for each in episode.behavior.sensors}
    files: dict[str, np.ndarray] = {}
    for first in range(0, episode.num_steps, _ROWS_AT_ONCE):
        rows = slice(first, min(first + _ROWS_AT_ONCE, episode.num_steps))
        for name, reducer in reducers.items():
            _append(files, work, f"{name}.", reducer.columns(episode.observation(name, rows)), rows, episode.num_steps)
        progress(rows.stop - rows.start)
    for name, reducer in reducers.items():
        _finish(work, name, reducer)
    for file in files.values():
        file.flush()  # type: ignore[attr-defined]
    (work / _DONE).touch()
    shutil.rmtree(home, ignore_errors=True)
    work.rename(home)


def _append(
    files: dict[str, np.ndarray], work: Path, prefix: str, columns: dict[str, np.ndarray], rows: slice, total: int
) -> None:
    for name, values in columns.items():
        key = prefix + name
        if key not in files:
            files[key] = open_memmap(work / f"{key}.npy", "w+", values.dtype, (total, *values.shape[1:]))
        files[key][rows] = values


def _finish(work: Path, sensor: str, reducer: Reducer) -> None:
    for name, values in reducer.summary().items():
        np.save(work / f"{sensor}.{name}.npy", values)
