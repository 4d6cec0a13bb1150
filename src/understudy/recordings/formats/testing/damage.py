"""What an importer promises about damaged logs."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Importer, ImportOptions
from understudy.recordings.formats.testing.reading import EpisodeRead, has_all_columns, is_beginning, promise, read_log

# Suffixes of what people write, and no recorder: nothing in it says where it ends.
_WRITTEN_BY_HAND = (".yaml", ".cfg")


def check_cuts(
    importer: Importer,
    log: Path,
    options: ImportOptions,
    whole: Sequence[EpisodeRead],
    cuts: int,
    unsettled: int,
    seed: int,
) -> None:
    """Cut a log at many places and check what is read of it; the arguments are those of `check_importer`."""
    files = [file for file in importer.describe(log, options).files if file.is_relative_to(log.parent)]
    for file, size in _places(files, log, cuts, seed):
        with tempfile.TemporaryDirectory() as folder:
            copy = _copy(log, Path(folder))
            cut = copy.parent / file.relative_to(log.parent)
            cut.write_bytes(file.read_bytes()[:size])
            where = f"{file.name} cut to {size} of {file.stat().st_size} bytes"
            is_damaged = _check_cut(importer, copy, options, whole, unsettled, where)
            _check_strict(importer, copy, options, is_damaged, where)


def _places(files: Sequence[Path], log: Path, cuts: int, seed: int) -> Iterator[tuple[Path, int]]:
    inside = sorted(each for each in log.rglob("*") if each.is_file()) if log.is_dir() else list(files)
    rng = random.Random(seed)
    sizes = [(file, file.stat().st_size) for file in inside if file.stat().st_size > 1]
    for index in range(cuts):
        file, size = sizes[index % len(sizes)]
        data = file.read_bytes()
        place = rng.choice((rng.randrange(size), rng.randrange(min(64, size)), size - 1 - rng.randrange(min(16, size))))
        if file.suffix not in _WRITTEN_BY_HAND and b"\n" not in data[max(0, place - 1) : place + 1]:
            yield file, place


def _copy(log: Path, folder: Path) -> Path:
    if log.is_dir():
        shutil.copytree(log, folder / log.name)
    else:
        shutil.copytree(log.parent, folder / log.parent.name)
        folder = folder / log.parent.name
    return folder / log.name


def _check_cut(
    importer: Importer,
    copy: Path,
    options: ImportOptions,
    whole: Sequence[EpisodeRead],
    unsettled: int,
    where: str,
) -> bool:
    """Whether the importer saw the damage."""
    importer.sniff(copy)
    try:
        found = read_log(importer, copy, options)
    except RecordingError:
        return True
    except (AssertionError, MemoryError):
        raise
    except Exception as error:
        raise AssertionError(f"The importer breaks its contract: {where}: {error!r} came out of it.") from error
    expected = {each.name: each for each in whole}
    told = any(each.num_losses > (expected[each.name].num_losses if each.name in expected else 0) for each in found)
    for each in found:
        if not each.num_steps:
            continue
        original = expected.get(each.name)
        if original is None:
            # Its name may have been in what was cut off.
            promise(told, f"{where}: there was no '{each.name}', and no loss says so")
            continue
        promise(is_beginning(each, original, unsettled), f"{where}: '{each.name}' is not the beginning of what it was")
        is_whole = each.num_steps == original.num_steps and has_all_columns(each, original)
        promise(told or is_whole, f"{where}: something is missing from '{each.name}' and no loss says so")
    return told


def _check_strict(importer: Importer, copy: Path, options: ImportOptions, is_damaged: bool, where: str) -> None:
    try:
        read_log(importer, copy, replace(options, salvage=False))
    except RecordingError:
        return
    promise(not is_damaged, f"{where}: told not to salvage, it raises no error")
