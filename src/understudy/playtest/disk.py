"""A full disk, told from other failures, and space that is kept so that the results still fit."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy.errors import PlaytestError

_RESERVE_FILE = ".reserve"
_RESERVE = 1 << 20
# EFBIG: the file would be larger than this process may write.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException | None) -> bool:
    """Return whether an error, or what it came from, says that there is no space left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__
    return False


def full_disk(place: Path | str) -> OSError:
    """Return the error of a write that found no space, for what another process met."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place))


@contextmanager
def telling_of_a_failed_write(out: Path) -> Iterator[None]:
    """Turn a failed write below a playtest's folder into a sentence.

    Raises:
        PlaytestError: If a write fails.
    """
    try:
        yield
    except OSError as error:
        place = error.filename or out
        if not is_full(error):
            raise PlaytestError(f"{place} cannot be written: {error.strerror}.") from error
        raise PlaytestError(full_disk_words(out, f"{place} cannot be written")) from error


def full_disk_words(out: Path, what: str) -> str:
    """Say what could not be written, that the rest is kept, and how to go on."""
    return (
        f"The disk is full: {what}. What was played to its end is kept; free some space and go on with: "
        f"understudy playtest --resume {out}"
    )


def keep_reserve(out: Path) -> None:
    """Take a megabyte of the disk, which the findings and the results may have once recordings filled the rest."""
    # Random, since a file system may not store noughts.
    (out / _RESERVE_FILE).write_bytes(os.urandom(_RESERVE))


def free_reserve(out: Path) -> None:
    """Give it back."""
    (out / _RESERVE_FILE).unlink(missing_ok=True)
