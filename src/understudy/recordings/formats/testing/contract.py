"""What an importer promises about whole logs."""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from understudy.recordings.formats.protocol import Importer, ImportOptions
from understudy.recordings.formats.testing.damage import check_cuts
from understudy.recordings.formats.testing.reading import EpisodeRead, is_same, promise, read_log

_FLAT = re.compile(r"[A-Za-z0-9_.-]+")
_SHORTEST_NAME = 3  # a player called "e1" may well be in a word


def check_importer(
    importer: Importer,
    logs: Sequence[Path],
    *,
    options: ImportOptions | None = None,
    cuts: int = 24,
    unsettled: int = 0,
    seed: int = 0,
) -> None:
    """Check that an importer keeps the contract, on whole logs and on cut ones.

    What is promised: `sniff` knows each log and nothing else, and never raises; `describe` agrees with what is read
    (of steps it may count more: those at the ends, or that are left out); names are flat, distinct and without the
    player; rows fit their spec, their number is bounded, and two readings are equal; rows may be left unread; a log
    that is cut anywhere gives `RecordingError`, or the steps before the cut and a `Loss`, and told not to salvage
    always `RecordingError`. Some cuts are left out: beside the end of a line, for a log of lines that was cut there
    looks whole; and of what people write beside logs, mappings (`.yaml`) and a game's own settings (`.cfg`).

    Args:
        importer: Of your format.
        logs: Whole logs of the format, small ones; each alone in its folder, or beside others that are as small.
        options: To read them with; by default the importer's own settings.
        cuts: Places at which each log is cut, spread over its files.
        unsettled: How many rows before a cut may differ, for an importer that resamples.
        seed: Of the places.

    Raises:
        AssertionError: If a promise is broken; the message says which.
    """
    options = options or ImportOptions(importer.Settings())
    promise(bool(logs), "the check itself needs a log")
    check_sniff(importer, logs)
    for log in logs:
        whole = read_log(importer, log, options)
        _check_description(importer, log, options, whole)
        _check_names(log, whole)
        again = read_log(importer, log, options)
        promise(is_same(whole, again), f"{log.name}: two readings differ")
        _check_unread(importer, log, options, whole)
        check_cuts(importer, log, options, whole, cuts, unsettled, seed)


def check_sniff(importer: Importer, logs: Sequence[Path], others: Sequence[Path] = ()) -> None:
    """Check that an importer knows its logs and nothing else: not `others`, noise, texts, empty files and folders."""
    for log in logs:
        promise(importer.sniff(log) is True, f"`sniff` does not know {log.name}")
    with tempfile.TemporaryDirectory() as folder:
        strange = list(_strange_files(Path(folder), {log.suffix for log in logs}))
        for path in (*strange, *others):
            found = importer.sniff(path)
            promise(found is False, f"`sniff` says {found!r} of {path.name}, which is no log of the format")


def _strange_files(folder: Path, suffixes: set[str]) -> Iterator[Path]:
    rng = random.Random(0)
    contents = {
        "empty": b"",
        "one_byte": b"\x00",
        "zeros": bytes(4096),
        "noise": rng.randbytes(70_000),
        "words": b"Not a log of anything.\n" * 50,
        "json": json.dumps({"version": 1, "data": [1, 2, 3]}).encode(),
        "table": b"a,b\n" * 3,
        "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
    }
    for suffix in sorted({"", *suffixes}):
        for name, data in contents.items():
            # A table is a telemetry log whose meaning only a mapping says.
            if name not in ("json", "table") or suffix not in (".csv", ".json", ".jsonl"):
                path = folder / f"{name}{suffix}"
                path.write_bytes(data)
                yield path
        (folder / f"folder{suffix}").mkdir()
        yield folder / f"folder{suffix}"
        yield folder / f"not_there{suffix}"


def _check_description(importer: Importer, log: Path, options: ImportOptions, whole: Sequence[EpisodeRead]) -> None:
    found = importer.describe(log, options)
    num, steps = len(whole), sum(each.num_steps for each in whole)
    right = found.num_episodes in (None, num)
    promise(right, f"{log.name}: `describe` says {found.num_episodes} episodes, and there are {num}")
    right = found.num_steps is None or found.num_steps >= steps
    promise(right, f"{log.name}: `describe` says {found.num_steps} steps, and there are {steps}")
    promise(bool(found.files), f"{log.name}: `describe` names no file")
    for file in found.files:
        promise(file.exists(), f"{log.name}: `describe` names {file}, which is not there")


def _check_names(log: Path, whole: Sequence[EpisodeRead]) -> None:
    names = [each.name for each in whole]
    promise(len(set(names)) == len(names), f"{log.name}: two episodes share a name: {sorted(names)}")
    for each in whole:
        promise(_FLAT.fullmatch(each.name) is not None, f"the name '{each.name}' is not flat")
        secret = each.player.lower() if len(each.player) >= _SHORTEST_NAME else ""
        told = bool(secret) and any(secret in text.lower() for text in (each.name, each.source))
        promise(not told, f"the name or source of '{each.name}' tells the player")
        promise(str(log.parent) not in each.source, f"the source of '{each.name}' holds a path: {each.source}")


def _check_unread(importer: Importer, log: Path, options: ImportOptions, whole: Sequence[EpisodeRead]) -> None:
    """Leave all rows unread, then all but the first."""
    names = [each.name for each in whole]
    promise([each.name for each in importer.iter_episodes(log, options)] == names, "unread rows cost an episode")
    found = []
    for each in importer.iter_episodes(log, options):
        next(each.rows, None)
        found.append(each.name)
    promise(found == names, "rows that were read in part cost an episode")
    first = next(iter(importer.iter_episodes(log, options)), None)
    promise((first is None) == (not whole), "the first episode does not come without the others")
