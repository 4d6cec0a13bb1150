"""Rollouts in an npz file: read from the zip member by member and slice by slice, with no pickle and no whole array."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from understudy.errors import RecordingError, UnderstudyError
from understudy.recordings.formats.imitation.trajectories import Kind

_TAIL_BYTES = 64 << 10
_MAX_DIRECTORY_BYTES = 1 << 20
_MAX_ROW_BYTES = 256 << 20
_MAX_TRAJECTORIES = 1 << 24
# Names of the arrays, by what they are: imitation's, and those of Stable-Baselines 2.
IMITATION = {"obs": "obs", "acts": "acts", "rews": "rews"}
STABLE_BASELINES = {"obs": "obs", "acts": "actions", "rews": "rewards"}


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turn whatever zipfile, zlib and numpy raise over damaged bytes into `RecordingError`."""
    try:
        yield
    except UnderstudyError:
        raise
    except FileNotFoundError as error:
        raise RecordingError(f"{where} is not there.") from error
    except Exception as error:
        raise RecordingError(f"{where} is damaged or cut ({type(error).__name__}: {error}).") from error


class Member:
    """One array of an npz file, read by slices of its rows.

    Raises:
        RecordingError: If it holds Python objects, or its header says another size than the zip.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, where: str) -> None:
        self.where = f"{where}, {name}"
        with _told(self.where):
            info = archive.getinfo(f"{name}.npy")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
                raise RecordingError(f"{self.where} is encrypted, or packed as numpy never does.")
            self._file = archive.open(info)
            self._read_header(info.file_size)

    def _read_header(self, size: int) -> None:
        version = npy.read_magic(self._file)
        if version not in ((1, 0), (2, 0)):
            raise RecordingError(f"{self.where} is of npy version {version}, which holds no plain array.")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        self.shape, by_columns, self.dtype = read(self._file)
        self._start = self._file.tell()
        if self.dtype.hasobject:
            raise RecordingError(f"{self.where} holds Python objects (a pickle), and loading one can run any code.")
        if by_columns and len(self.shape) > 1:
            raise RecordingError(f"{self.where} is kept column by column; save it again in C order.")
        if self._start + math.prod(self.shape) * self.dtype.itemsize != size:
            raise RecordingError(f"{self.where} says it is of shape {self.shape}, but the file does not hold that.")
        if self.row_bytes > _MAX_ROW_BYTES:
            raise RecordingError(
                f"{self.where} has rows of {self.row_bytes:,} bytes; at most {_MAX_ROW_BYTES:,} are read."
            )

    def __len__(self) -> int:
        return int(self.shape[0]) if self.shape else 0

    @property
    def kind(self) -> Kind:
        """Of one row."""
        return Kind(tuple(self.shape[1:]), self.dtype)

    @property
    def row_bytes(self) -> int:
        """The size of one row."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def read(self, start: int, stop: int) -> np.ndarray:
        """Read rows; going back in a compressed array unpacks it again from its beginning."""
        with _told(self.where):
            self._file.seek(self._start + start * self.row_bytes)
            data = self._file.read((stop - start) * self.row_bytes)
            return np.frombuffer(data, self.dtype).reshape(stop - start, *self.shape[1:])


class NpzTrajectories:
    """The trajectories of an npz file. Close it after use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        check_directory(path)
        with _told(str(path)):
            self._archive = zipfile.ZipFile(path)
        names = {each.removesuffix(".npy") for each in self._archive.namelist()}
        known: Mapping[str, str] = IMITATION if "acts" in names else STABLE_BASELINES
        self._members = {
            key: Member(self._archive, name, str(path)) for key, name in known.items() if key != "rews" or name in names
        }
        self.source = "imitation npz" if known is IMITATION else "stable-baselines npz"
        self.has_rewards = "rews" in self._members
        self.observations, self.actions = self._members["obs"].kind, self._members["acts"].kind
        self.notes: tuple[str, ...] = ("'infos' are pickles and are left out",) if "infos" in names else ()
        self._starts, self._terminal = self._split(known is IMITATION)
        self._with_final = known is IMITATION
        self._check_lengths()

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def num_steps(self, number: int) -> int:
        """How many actions a trajectory has."""
        return int(self._starts[number + 1] - self._starts[number])

    def is_terminal(self, number: int) -> bool:
        """Whether the game ended it."""
        return bool(self._terminal[number])

    def has_final(self, number: int) -> bool:
        """Whether it has an observation after its last action; `number` is the same for all."""
        return self._with_final and number >= 0

    def read(self, name: str, number: int, start: int, stop: int) -> np.ndarray:
        """Rows of an array of a trajectory."""
        # With its last observation, each trajectory has one more of them than of actions.
        shift = number if name == "obs" and self._with_final else 0
        first = int(self._starts[number]) + shift
        return self._members[name].read(first + start, first + stop)

    def _split(self, is_imitation: bool) -> tuple[np.ndarray, np.ndarray]:
        """Where each trajectory begins, with the end of the last, and whether each is terminal."""
        steps = len(self._members["acts"])
        if not is_imitation:
            begins = self._array("episode_starts", steps) != 0
            starts = np.flatnonzero(begins)
            if not len(starts) or starts[0]:
                starts = np.append(0, starts)
            # Stable-Baselines 2 kept no reason: what was done has a return, and what another follows was done.
            num_done = len(starts) - (self._num_returns() != len(starts))
            return np.append(starts, steps), np.arange(len(starts)) < num_done
        splits = self._array("indices", _MAX_TRAJECTORIES).astype(np.int64)
        starts = np.concatenate([[0], splits, [steps]])
        terminal = self._array("terminal", _MAX_TRAJECTORIES)
        if (np.diff(starts) <= 0).any() or len(terminal) != len(starts) - 1:
            parts = len(terminal)
            raise RecordingError(f"{self._path}: its indices do not split {steps} steps into {parts} trajectories.")
        return starts, terminal

    def _num_returns(self) -> int:
        try:
            return len(Member(self._archive, "episode_returns", str(self._path)))
        except RecordingError:  # others leave them out, and nothing else hangs on them
            return 0

    def _array(self, name: str, limit: int) -> np.ndarray:
        member = Member(self._archive, name, str(self._path))
        if len(member.shape) != 1 or len(member) > limit or member.dtype.kind not in "biuf":
            raise RecordingError(f"{member.where} should be one number for each, found {member.dtype} {member.shape}.")
        return member.read(0, len(member))

    def _check_lengths(self) -> None:
        steps = int(self._starts[-1])
        wanted = {"obs": steps + (len(self) if self._with_final else 0), "acts": steps, "rews": steps}
        for name, member in self._members.items():
            if len(member) != wanted[name]:
                raise RecordingError(f"{member.where} should have {wanted[name]} rows, but has {len(member)}.")


def check_directory(path: Path) -> None:
    """Raise `RecordingError` if the zip's list of members says it is so long that no npz has it (APPNOTE 4.3.14-16)."""
    tail = _tail(path)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise RecordingError(f"{path} is no npz file, or is cut at its end.")
    sizes = [struct.unpack_from("<I", tail, place + 12)[0]]
    wide = tail.rfind(b"PK\x06\x06")
    if wide >= 0 and len(tail) >= wide + 48:
        sizes.append(struct.unpack_from("<Q", tail, wide + 40)[0])
    if min(sizes) > _MAX_DIRECTORY_BYTES or (wide >= 0 and max(sizes[1:], default=0) > _MAX_DIRECTORY_BYTES):
        raise RecordingError(f"{path} lists {max(sizes):,} bytes of members; that is no npz of rollouts.")


def looks_right(path: Path) -> bool:
    """Whether the zip's list of members, in its last 64 KiB, has the arrays of rollouts."""
    try:
        tail = _tail(path)
    except RecordingError:
        return False
    return b"obs.npy" in tail and any(name in tail for name in (b"acts.npy", b"episode_starts.npy"))


def _tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read(_TAIL_BYTES)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
