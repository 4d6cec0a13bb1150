"""The two ways Minari keeps episodes on disk: groups of an HDF5 file, or a folder of Arrow or Parquet for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats import guards, hdf5
from understudy.recordings.formats.gymspaces import Leaf
from understudy.recordings.formats.minari.arrow_storage import ArrowEpisode
from understudy.recordings.formats.minari.metadata import HDF5_FILE
from understudy.recordings.formats.minari.pictures import decode_pictures

_EXTRA_KEYS = ("id", "seed", "total_steps", "understudy")


class StoredEpisode(Protocol):
    """One episode in a storage, read a slice at a time."""

    def attributes(self) -> Mapping[str, Any]:
        """What is said about the episode: `id`, `seed`, `total_steps`."""
        ...

    def num_rows(self, root: str, leaf: Leaf) -> int:
        """How many values a leaf of `observations` or `actions` has."""
        ...

    def values(self, root: str, leaf: Leaf, start: int, stop: int) -> np.ndarray:
        """A leaf's values, shape (n, *its shape)."""
        ...

    def is_jpeg(self, leaf: Leaf) -> bool:
        """Whether a leaf of `observations` is kept as JPEG pictures, whatever the metadata say."""
        ...

    def plain(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rewards, terminations or truncations, shape (n,)."""
        ...

    def num_plain(self, name: str) -> int:
        """How many rewards, terminations or truncations there are."""
        ...

    def own(self, name: str, start: int, stop: int) -> list[Any] | None:
        """One of our own columns, or None if it is not there."""
        ...


class Hdf5Episode:
    """A group `episode_<i>` of `main_data.hdf5`."""

    def __init__(self, group: Any, where: str) -> None:
        self._group, self._where = group, where
        # Checking a data set takes longer than reading a slice of it.
        self._checked: dict[str, Any] = {}

    def attributes(self) -> Mapping[str, Any]:
        """What the group's attributes say."""
        return {key: hdf5.attribute(self._group, key, self._where) for key in _EXTRA_KEYS}

    def num_rows(self, root: str, leaf: Leaf) -> int:
        """How many values a leaf has."""
        return int(self._leaf(root, leaf).shape[0])

    def values(self, root: str, leaf: Leaf, start: int, stop: int) -> np.ndarray:
        """A leaf's values, decoded if they are JPEG."""
        data, shape = self._leaf(root, leaf), tuple(leaf.space.shape or ())
        where = f"{self._where}, {root} {leaf.names[0]}"
        if not _is_jpeg(data, shape):
            return hdf5.read(data, start, stop, shape, where)
        with hdf5.told(where):
            pictures = [np.asarray(each, np.uint8).tobytes() for each in data[start:stop]]
        return decode_pictures(pictures, shape, start, where)

    def is_jpeg(self, leaf: Leaf) -> bool:
        """Whether a leaf is kept as JPEG pictures."""
        return _is_jpeg(self._leaf("observations", leaf), tuple(leaf.space.shape or ()))

    def plain(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rewards, terminations or truncations."""
        return hdf5.read(self._dataset(name), start, stop, (), f"{self._where}, {name}")

    def num_plain(self, name: str) -> int:
        """How many there are."""
        return _length(self._dataset(name), f"{self._where}, {name}")

    def own(self, name: str, start: int, stop: int) -> list[Any] | None:
        """One of our own columns."""
        if hdf5.child(self._group, f"understudy/{name}", self._where) is None:
            return None
        data = self._dataset(f"understudy/{name}")
        with hdf5.told(f"{self._where}, understudy"):
            return [each.decode() if isinstance(each, bytes) else each for each in data[start:stop].tolist()]

    def _dataset(self, name: str) -> Any:
        if name not in self._checked:
            self._checked[name] = hdf5.dataset(self._group, name, self._where)
        return self._checked[name]

    def _leaf(self, root: str, leaf: Leaf) -> Any:
        words = [f"_index_{each}" if isinstance(each, int) else each for each in leaf.path]
        data = self._dataset("/".join([root, *words]))
        _length(data, f"{self._where}, {root} {leaf.names[0]}")
        return data


def _length(data: Any, where: str) -> int:
    if not data.shape:
        raise RecordingError(f"{where} holds one value, not one for each step.")
    return int(data.shape[0])


def _is_jpeg(data: Any, shape: tuple[int, ...]) -> bool:
    """JPEG pictures of one size are rows of bytes, others a list of bytes: fewer dimensions than raw ones have."""
    return len(shape) in (2, 3) and len(data.shape) < len(shape) + 1 and len(data.shape) <= 2


Opener = Callable[[], StoredEpisode]


def open_storage(folder: Path, data_format: str, stack: ExitStack) -> Iterator[tuple[int, Opener]]:
    """Yield the episodes' numbers, in order, and what opens each; `stack` holds the file open meanwhile.

    Raises:
        RecordingError: If the storage is damaged as a whole, or of an unknown format.
    """
    if data_format == "hdf5":
        where = str(folder / HDF5_FILE)
        file = stack.enter_context(hdf5.opened(guards.inside(folder, HDF5_FILE)))
        with hdf5.told(where):
            numbers = _numbered(list(file), r"episode_(\d{1,15})")
        for number in numbers:
            yield number, partial(_open_group, file, number, where)
    elif data_format in ("arrow", "parquet"):
        for number in _numbered([each.name for each in folder.iterdir() if each.is_dir()], r"(\d{1,15})"):
            yield number, partial(_open_folder, folder, number)
    else:
        raise RecordingError(f"{folder} is kept as {data_format!r}; what is read is hdf5, arrow and parquet.")


def _open_group(file: Any, number: int, where: str) -> StoredEpisode:
    return Hdf5Episode(hdf5.child(file, f"episode_{number}", where), f"{where}, episode {number}")


def _open_folder(folder: Path, number: int) -> StoredEpisode:
    return ArrowEpisode(guards.inside(folder, str(number)))


def _numbered(names: Sequence[str], pattern: str) -> list[int]:
    """The numbers in the names that fit; `episode_007` is none that Minari would write."""
    found = [each.group(1) for name in names if (each := re.fullmatch(pattern, name))]
    return sorted(int(digits) for digits in found if str(int(digits)) == digits)
