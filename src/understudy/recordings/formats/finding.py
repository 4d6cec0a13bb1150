"""Which logs lie below some paths, and in which format each is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Importer


@dataclass(frozen=True)
class FoundLog:
    """A log and the importer that knows it; `importer` is None where nobody does."""

    path: Path
    importer: Importer | None


def find_logs(paths: Sequence[Path], importers: Mapping[str, Importer]) -> Iterator[FoundLog]:
    """Yield the logs at and below `paths`, in the order of their names.

    A folder that is itself a log (a Minari data set, say) is one log; any other is searched. Hidden files, pipes, and
    links that lead out of the folder searched are left alone, and nothing is found twice.

    Raises:
        RecordingError: If a path is not there.
    """
    for path in paths:
        if not path.exists():
            raise RecordingError(f"{path} is not there.")
    seen: set[Path] = set()
    for path in paths:
        yield from _find(path, path.resolve(), importers, seen)


def _find(path: Path, root: Path, importers: Mapping[str, Importer], seen: set[Path]) -> Iterator[FoundLog]:
    # A link to itself cannot even be resolved.
    if not (path.is_file() or path.is_dir()):
        return
    real = path.resolve()
    # A link to a folder above it would be followed for ever.
    if real in seen or not real.is_relative_to(root):
        return
    seen.add(real)
    known = recognise(path, importers)
    if known is not None or path.is_file():
        yield FoundLog(path, known)
        return
    for child in _children(path):
        if not child.name.startswith("."):
            yield from _find(child, root, importers, seen)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise RecordingError(f"{folder} cannot be searched: {error.strerror}.") from error


def recognise(path: Path, importers: Mapping[str, Importer]) -> Importer | None:
    """Return the importer whose format the file or folder has, or None."""
    return next((each for each in importers.values() if each.sniff(path)), None)
