"""Brings logs of any known format in as recordings: whole, resumable, and with a list of what was lost."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from understudy.errors import RecordingError, UnderstudyError
from understudy.recordings.formats.finding import FoundLog, find_logs
from understudy.recordings.formats.landing import Landing, UnwritableError
from understudy.recordings.formats.protocol import Importer, ImportOptions, Loss, Progress
from understudy.recordings.formats.registry import importer, importers, read_settings
from understudy.recordings.layout import SUFFIX
from understudy.recordings.provenance import KEY_FILE

_SAMPLE_BYTES = 1 << 20


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        written: New recordings.
        kept: Recordings that an earlier import of the same logs had written.
        steps: In all of them.
        losses: What could not be read, of which log. Of a recording that was kept, only what shows without reading it.
        unknown: Files of no known format.
        notes: What was found out, or assumed, about logs: (format, line), and how many logs it is about.
    """

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    steps: int = 0
    losses: list[Loss] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)
    notes: Counter[tuple[str, str]] = field(default_factory=Counter)


def import_logs(
    paths: Sequence[Path],
    out: Path,
    *,
    format_name: str | None = None,
    settings: Mapping[str, str] | None = None,
    options: ImportOptions | None = None,
    reveal_players: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> ImportReport:
    """Import every log at and below `paths` into recordings below `out`, a folder for each behaviour.

    A recording appears only when it is whole, so an import that was stopped goes on where it was. Players are hashed
    under the key of `out`.

    Args:
        paths: Logs, and folders of logs, of any mixture of formats.
        out: Made if it is not there.
        format_name: Take everything as this format, instead of recognising each.
        settings: The format's own settings; only with `format_name`.
        options: What else the user asked for.
        reveal_players: Keep the players' names as the logs have them.
        progress: Called with (what is read, steps done, steps in all or done).

    Raises:
        RecordingError: If a path is not there, nothing at all could be imported, `out` cannot be written, or, told not
            to salvage, a log is damaged.
    """
    if settings and format_name is None:
        raise RecordingError(f"The setting '{next(iter(settings))}' belongs to one format; name it too (--format).")
    options = options or ImportOptions()
    work = _Import(Landing(out, reveal_players, progress), ImportReport())
    for found in _logs(paths, format_name):
        if found.importer is not None:
            own = replace(options, settings=read_settings(found.importer, settings or {}))
            work.take(found.path, found.importer, own)
        elif not _is_own(found.path, out):
            work.report.unknown.append(found.path)
    # A video is known by the log beside it.
    work.report.unknown = [path for path in work.report.unknown if path.resolve() not in work.files]
    _require_something(work.report, paths)
    return work.report


def _logs(paths: Sequence[Path], format_name: str | None) -> Iterator[FoundLog]:
    if format_name is None:
        yield from find_logs(paths, importers())
        return
    chosen = importer(format_name)
    for found in find_logs(paths, {chosen.name: chosen}):
        # A file that was named is taken at the user's word; one that was merely found must look like a log.
        named = found.path in paths
        yield FoundLog(found.path, chosen) if named and not found.path.is_dir() else found


def _is_own(path: Path, out: Path) -> bool:
    """Whether an earlier import wrote it."""
    return (path.suffix == SUFFIX or path.name == KEY_FILE) and path.resolve().is_relative_to(out.resolve())


def _require_something(report: ImportReport, paths: Sequence[Path]) -> None:
    if report.written or report.kept:
        return
    if report.losses:
        first = report.losses[0]
        raise RecordingError(f"Nothing could be imported. {first.where}: {first.what}.")
    names = ", ".join(str(path) for path in paths)
    raise RecordingError(
        f"No log of a known format in {names}. What is known: understudy logs formats. For a table of your own "
        "(CSV, JSONL, Parquet): understudy logs map --help"
    )


@dataclass
class _Import:
    """One import as it goes on.

    Attributes:
        landing: Where recordings go.
        report: What was done so far.
        files: Those that belong to a known log.
        landed: Recordings in the report.
    """

    landing: Landing
    report: ImportReport
    files: set[Path] = field(default_factory=set)
    landed: set[Path] = field(default_factory=set)

    def take(self, path: Path, reader: Importer, options: ImportOptions) -> None:
        """Import one log. What is wrong with it is a loss, so that the others still come in."""
        self.files.add(path.resolve())
        try:
            self._take(path, reader, options)
        except UnwritableError:
            raise
        except UnderstudyError as error:
            if not options.salvage:
                raise
            self.report.losses.append(Loss(str(path), str(error).rstrip(".")))
        except OSError as error:
            if not options.salvage:
                raise RecordingError(f"{path} cannot be read: {error.strerror}.") from error
            self.report.losses.append(Loss(str(path), f"it cannot be read: {error.strerror}"))

    def _take(self, path: Path, reader: Importer, options: ImportOptions) -> None:
        found = reader.describe(path, options)
        files = found.files
        self.report.notes.update((reader.name, note) for note in found.notes)
        self.files.update(each.resolve() for each in files)
        self.landing.begin(f"{reader.name}:{_fingerprint(files, options)}")
        for episode in reader.iter_episodes(path, options):
            try:
                landed = self.landing.land(episode)
            finally:
                self.report.losses += episode.losses
            if landed is not None and landed.path not in self.landed:
                self.landed.add(landed.path)
                (self.report.written if landed.is_new else self.report.kept).append(landed.path)
                self.report.steps += landed.num_steps


def _fingerprint(files: Sequence[Path], options: ImportOptions) -> str:
    """Tell logs apart without reading them whole: by sizes, beginnings and ends, and what was asked for."""
    sha = hashlib.sha256(options.settings.model_dump_json().encode() + str(options.keep_text).encode())
    for file in [*files, *([options.mapping] if options.mapping else [])]:
        size = file.stat().st_size if file.is_file() else 0
        sha.update(os.fsencode(file.name) + f":{size};".encode())
        if size:
            with file.open("rb") as handle:
                sha.update(handle.read(_SAMPLE_BYTES))
                handle.seek(max(0, size - _SAMPLE_BYTES))
                sha.update(handle.read(_SAMPLE_BYTES))
    return sha.hexdigest()[:32]
