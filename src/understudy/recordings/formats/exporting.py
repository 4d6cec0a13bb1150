"""Hands recordings on in another tool's format."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Exporter, ExportOptions, Progress
from understudy.recordings.formats.registry import exporter, read_settings
from understudy.recordings.reader import Recordings


def export_logs(
    recordings: Recordings,
    out: Path,
    format_name: str,
    *,
    settings: Mapping[str, str] | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> Sequence[Path]:
    """Write recordings of one behaviour to the new folder `out`; it appears only when it is whole.

    Args:
        recordings: What to write; those without a step are left out.
        out: Must not be there, or be empty.
        format_name: Of an exporter, such as `"lerobot"`.
        settings: The format's own.
        progress: Called with (what is written, steps done, steps in all).

    Returns:
        The files and folders written.

    Raises:
        RecordingError: If there is no such format, it cannot hold the behaviour, `out` is taken or
            cannot be written, or a recording is damaged or there is no step.
        SpecMismatchError: If the recordings are of more than one behaviour.
    """
    writer = exporter(format_name)
    options = ExportOptions(read_settings(writer, settings or {}))
    recordings = Recordings([each for each in recordings if each.num_steps])
    if not recordings:
        raise RecordingError("The recordings hold no step to export.")
    writer.check(recordings.behavior, options)
    for each in recordings:
        each.verify()
    try:
        return _write(writer, recordings, out, options, progress)
    except OSError as error:
        raise RecordingError(f"{out} cannot be written: {error.strerror}.") from error


def _write(
    writer: Exporter, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress
) -> Sequence[Path]:
    if out.exists() and (out.is_file() or any(out.iterdir())):
        raise RecordingError(f"{out} is there already; name a new folder, nothing is overwritten.")
    place = out.absolute()
    work = place.with_name(f".{place.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        written = writer.write(recordings, work, options, progress)
        if out.exists():
            out.rmdir()
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return [out / path.relative_to(work) for path in written]
