"""The cache that training reads: decoded once into memory-mapped arrays, named by the hash of its inputs."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.lib.format import open_memmap

from understudy.errors import RecordingError
from understudy.recordings.layout import CUT_EVENT
from understudy.recordings.reader import Episode
from understudy.spec import SensorSpec

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FORMAT = 1
_BYTES_AT_ONCE, _MOST_ROWS = 16 << 20, 1 << 16

Progress = Callable[[str, int, int], None]


class Transform(Protocol):
    """A pure function on one sensor's value, with a spec that changes when its result would: a `Pixels`, say."""

    def __call__(self, value: np.ndarray, /) -> np.ndarray:
        """Transform one value."""
        ...

    def spec(self, name: str) -> SensorSpec:
        """Describe the result."""
        ...


@dataclass(frozen=True)
class Span:
    """The rows of one episode in a cache: `start` up to but not including `stop`."""

    name: str
    player: str
    start: int
    stop: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start)


class Cache:
    """Decoded columns of many episodes, one after the other, as memory-mapped arrays.

    Attributes:
        folder: Where it lies.
        spans: Which rows belong to which episode.
        cuts: Rows that do not follow the one before, though of the same episode (the event `cut`), int64, rising.
        arrays: By key (`observation.<sensor>`, `action.<part>`), shape (rows, *shape).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        index = json.loads((folder / "index.json").read_text())
        self.spans = tuple(Span(**form) for form in index["spans"])
        self.cuts = np.array(index.get("cuts", []), np.int64)
        self.arrays = {key: np.load(folder / f"{key}.npy", mmap_mode="r") for key in index["keys"]}

    @property
    def num_rows(self) -> int:
        """Decisions in all episodes together."""
        return self.spans[-1].stop

    def gather(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Copy rows out.

        Args:
            rows: Row numbers, int64, of any shape.

        Returns:
            By key, an array of shape (*rows.shape, *column shape).
        """
        return {key: take_rows(array, rows) for key, array in self.arrays.items()}

    def windows(self, starts: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """Copy windows of `length` consecutive rows out, shape (len(starts), length, *column shape)."""
        return self.gather(np.asarray(starts)[:, None] + np.arange(length))

    @classmethod
    def build(
        cls,
        episodes: Sequence[Episode],
        folder: Path | str,
        *,
        sensors: Sequence[str],
        transforms: Mapping[str, Transform] | None = None,
        progress: Progress | None = None,
    ) -> Cache:
        """Open the cache of these episodes, building it below `folder` if it is not there yet.

        Args:
            episodes: All of one behaviour.
            folder: Where caches live; each has a folder of its own, named by the hash of its inputs.
            sensors: The sensors to keep.
            transforms: By sensor name, what to apply to each value, such as a `Pixels`.
            progress: Called with what is done, rows done and rows in all.

        Raises:
            RecordingError: If there is no step, an episode is damaged inside, or there is no room.
        """
        transforms = dict(transforms or {})
        if not any(each.num_steps for each in episodes):
            raise RecordingError("The recordings hold no step to learn from.")
        home = Path(folder) / _digest(episodes, sensors, transforms)
        if not (home / "index.json").exists():
            try:
                _build_alone(episodes, home, sensors, transforms, progress or (lambda *_: None))
            except OSError as error:
                raise RecordingError(f"The cache {home} cannot be written: {error.strerror}.") from error
        return cls(home)


def _digest(episodes: Sequence[Episode], sensors: Sequence[str], transforms: Mapping[str, Transform]) -> str:
    form = {
        "format": FORMAT,
        "episodes": [(each.name, each.digest) for each in episodes],
        "sensors": list(sensors),
        "transforms": {name: each.spec(name).to_dict() for name, each in transforms.items()},
    }
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode()).hexdigest()[:24]


def _build_alone(
    episodes: Sequence[Episode],
    home: Path,
    sensors: Sequence[str],
    transforms: Mapping[str, Transform],
    progress: Progress,
) -> None:
    """Build in a folder beside the final one and rename it, so that a killed build leaves nothing half done."""
    work = home.with_name(f"{home.name}.part")
    with _locked(work):
        # Whoever had the lock before may have built it.
        if (home / "index.json").exists():
            work.rmdir()
            return
        for left in work.iterdir():
            left.unlink()
        _build(episodes, work, sensors, transforms, progress)
        shutil.rmtree(home, ignore_errors=True)
        work.rename(home)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Make a folder and keep other processes out of it, where the system can lock one; a killed process lets go."""
    if fcntl is None:
        folder.mkdir(parents=True, exist_ok=True)
        yield
        return
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # While this one waited, the other has renamed the folder.
            if folder.exists() and os.path.samestat(os.fstat(descriptor), folder.stat()):
                yield
                return
        finally:
            os.close(descriptor)


def _build(
    episodes: Sequence[Episode],
    work: Path,
    sensors: Sequence[str],
    transforms: Mapping[str, Transform],
    progress: Progress,
) -> None:
    episodes = [each for each in episodes if each.num_steps]
    total = sum(each.num_steps for each in episodes)
    spans: list[dict[str, Any]] = []
    cuts: list[int] = []
    outputs: dict[str, np.ndarray] = {}
    start = 0
    for episode in episodes:
        episode.verify()
        at_once = _rows_at_once(episode, sensors)
        for first in range(0, episode.num_steps, at_once):
            rows = slice(first, min(first + at_once, episode.num_steps))
            for key, values in _columns(episode, rows, sensors, transforms):
                if key not in outputs:
                    outputs[key] = _allocate(work / f"{key}.npy", values.dtype, (total, *values.shape[1:]))
                outputs[key][start + first : start + first + len(values)] = values
            progress("Decoding recordings", start + rows.stop, total)
        cuts += (start + episode.steps_with(CUT_EVENT)).tolist()
        spans.append(
            {
                "name": episode.name,
                "player": episode.provenance.player,
                "start": start,
                "stop": start + episode.num_steps,
            }
        )
        start += episode.num_steps
    for array in outputs.values():
        array.flush()  # type: ignore[attr-defined]
    (work / "index.json").write_text(json.dumps({"spans": spans, "cuts": cuts, "keys": sorted(outputs)}))


def _rows_at_once(episode: Episode, sensors: Sequence[str]) -> int:
    """Few where they are pictures, so that memory does not grow; many where they are numbers, so that it goes fast."""
    columns = [*(episode.layout.sensors[name] for name in sensors), *episode.layout.actions.values()]
    size = sum(math.prod(each.shape) * each.dtype.itemsize for each in columns)
    return max(64, min(_MOST_ROWS, _BYTES_AT_ONCE // max(1, size)))


def _allocate(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Map a new array whose room on the disk is taken: else a full disk would end the process at some write to it."""
    array = open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                # Some file systems cannot promise room; that is no reason not to try.
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
    return array


def _columns(
    episode: Episode, rows: slice, sensors: Sequence[str], transforms: Mapping[str, Transform]
) -> list[tuple[str, np.ndarray]]:
    columns = []
    for name in sensors:
        values = episode.observation(name, rows)
        if name in transforms:
            values = np.stack([transforms[name](value) for value in values])
        columns.append((f"observation.{name}", values))
    return columns + [(f"action.{name}", episode.action(name, rows)) for name in episode.behavior.action_names]


def take_rows(array: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return `array[rows]`, without the copy of the memory map's subclass and its bookkeeping."""
    return np.take(np.asarray(array), rows, axis=0)
