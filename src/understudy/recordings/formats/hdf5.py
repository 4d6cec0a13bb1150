"""HDF5 from strangers: no other file is opened, no plug-in loaded, and nothing allocated on a header's word."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from understudy.errors import RecordingError, UnderstudyError, require

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# The library holds one chunk in memory at least, whatever slice of it is asked for.
MAX_CHUNK_BYTES = 256 << 20
_CACHE_BYTES = 64 << 20
# deflate, shuffle, fletcher32, szip, nbit and scale-offset are HDF5's own, 32000 is h5py's LZF; others are plug-ins.
_OWN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading, as an `h5py.File`; raises `RecordingError` if it is damaged or none."""
    h5py = require("h5py", "logs")
    with told(str(path)):
        file = h5py.File(path, "r", rdcc_nbytes=_CACHE_BYTES, locking=False)
    try:
        yield file
    finally:
        with told(str(path)):
            file.close()


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turn whatever h5py raises over damaged bytes, which can be nearly anything, into `RecordingError`."""
    try:
        yield
    except UnderstudyError:
        raise
    except FileNotFoundError as error:
        raise RecordingError(f"{where} is not there.") from error
    except Exception as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RecordingError(f"{where} is damaged or not HDF5 as expected: {line}.") from error


def child(group: Any, name: str, where: str) -> Any:
    """Return a member of a group by its name, or None if it has none; a `/` in the name leads further down.

    Raises:
        RecordingError: If a link on the way leads to another file, or it is damaged.
    """
    h5py = require("h5py", "logs")
    with told(f"{where}, {name}"):
        here = group
        for word in name.split("/"):
            link = here.get(word, getlink=True) if isinstance(here, h5py.Group) else None
            if link is None:
                return None
            if isinstance(link, h5py.ExternalLink):
                raise RecordingError(f"{where}: '{name}' is a link to another file; it is not followed.")
            if isinstance(link, h5py.SoftLink):
                raise RecordingError(f"{where}: '{name}' is a soft link; only data in its own place are read.")
            here = here[word]
        return here


def dataset(group: Any, name: str, where: str) -> Any:
    """Return a data set that is safe to read slices of.

    Raises:
        RecordingError: If it is missing, no data set, outside of the file, needs a plug-in, has too large chunks, or
            says it is larger than what the file holds of it.
    """
    h5py = require("h5py", "logs")
    found = child(group, name, where)
    if not isinstance(found, h5py.Dataset):
        raise RecordingError(f"{where} has no data set '{name}'.")
    with told(f"{where}, {name}"):
        _check_storage(found, f"{where}: '{name}'")
    return found


def _check_storage(data: Any, what: str) -> None:
    if data.is_virtual or data.external:
        raise RecordingError(f"{what} keeps its values in other files; they are not opened.")
    plist = data.id.get_create_plist()
    for index in range(plist.get_nfilters()):
        code = plist.get_filter(index)[0]
        if code not in _OWN_FILTERS:
            raise RecordingError(f"{what} is compressed by a plug-in (filter {code}); save it again with gzip or none.")
    size = math.prod(data.shape) * data.dtype.itemsize
    if data.chunks is None:
        if data.id.get_storage_size() < size:
            raise RecordingError(f"{what} says it has {size:,} bytes, but the file does not hold them.")
        return
    chunk = math.prod(data.chunks) * data.dtype.itemsize
    if chunk > MAX_CHUNK_BYTES:
        raise RecordingError(f"{what} has chunks of {chunk:,} bytes; at most {MAX_CHUNK_BYTES:,} are read at once.")
    needed = math.prod(-(-length // part) for length, part in zip(data.shape, data.chunks, strict=True))
    if data.id.get_num_chunks() < needed:
        raise RecordingError(f"{what} says it has {needed:,} chunks, but the file does not hold them all.")


def read(data: Any, start: int, stop: int, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Read rows of a numeric data set of shape (n, *shape); raises `RecordingError` if it has another shape."""
    check_rows(data, shape, where)
    with told(where):
        return np.asarray(data[start:stop]).reshape(-1, *shape)


def check_rows(data: Any, shape: tuple[int, ...], where: str) -> None:
    """Raise `RecordingError` unless a data set holds numbers of shape (n, *shape); (n,) and (n, 1) are the same."""
    found = tuple(data.shape)
    flat = len(found) in (1, 2) and len(shape) < 2 and math.prod(found[1:]) == math.prod(shape)
    if data.dtype.kind not in "biuf" or not found or not (found[1:] == shape or flat):
        raise RecordingError(f"{where} should hold numbers of shape {shape} for each step, found {data.dtype} {found}.")


def scalar(group: Any, name: str, where: str) -> Any:
    """Return a data set of one value as a plain Python value, or None if it is missing or holds more."""
    if child(group, name, where) is None:
        return None
    data = dataset(group, name, where)
    with told(f"{where}, {name}"):
        if data.shape != ():
            return None
        value = data[()]
        if isinstance(value, bytes):
            return value.decode()
        return value.item() if isinstance(value, np.generic) else value


def attribute(item: Any, name: str, where: str) -> Any:
    """Return an attribute as a plain Python value, or None if it is missing."""
    with told(f"{where}, attribute {name}"):
        if name not in item.attrs:
            return None
        value = item.attrs[name]
        if isinstance(value, bytes):
            return value.decode()
        return value.item() if isinstance(value, np.generic) else value


def write_rows(file: Any, name: str, shape: tuple[int, ...], dtype: Any, rows: int) -> Any:
    """Make a data set of shape (rows, *shape) to be filled; large pictures are compressed without loss."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < 1024 or not rows:
        return file.create_dataset(name, (rows, *shape), dtype)
    chunk = min(rows, max(1, (1 << 20) // size))
    return file.create_dataset(
        name, (rows, *shape), dtype, chunks=(chunk, *shape), compression="gzip", compression_opts=1
    )
