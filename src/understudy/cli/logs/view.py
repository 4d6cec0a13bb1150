"""`understudy logs view`: episodes in Rerun."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from understudy.cli.progress import progress
from understudy.errors import RecordingError, require, suggest

if TYPE_CHECKING:
    from understudy.recordings import Episode

_AT_ONCE = 20


def view(
    logs: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Only recordings of this name, or pattern; may be repeated.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write FILE.rrd (of several recordings: a folder) and open no window.")
    ] = None,
) -> None:
    """Look at episodes in Rerun: frames, rays, numbers, actions and events on one time line.

    Without a display, save and open the file elsewhere: rerun FILE.rrd

    Example: understudy logs view LOGS --only "session-3*"
    """
    require("pyarrow", "logs")
    require("rerun", "view")
    from understudy.recordings import open_recordings
    from understudy.recordings.viewer import open_viewer

    episodes = _chosen(open_recordings(logs), only or ["*"])
    if save is not None:
        for path in _save(episodes, save):
            Console(highlight=False, soft_wrap=True, markup=False).print(f"Written: {path}")
        return
    if len(episodes) > _AT_ONCE:
        raise RecordingError(f"{len(episodes)} recordings are too many to look at; choose some: --only NAME")
    with tempfile.TemporaryDirectory(prefix="understudy-view-") as folder:
        open_viewer(_save_each(episodes, Path(folder)))


def _chosen(episodes: Sequence[Episode], patterns: Sequence[str]) -> list[Episode]:
    chosen = [each for each in episodes if any(fnmatchcase(each.name, pattern) for pattern in patterns)]
    if not chosen:
        names = [each.name for each in episodes]
        raise RecordingError(f"There is no recording {', '.join(patterns)}.{suggest(patterns[0], names)}")
    return chosen


def _save(episodes: Sequence[Episode], out: Path) -> list[Path]:
    if len(episodes) > 1:
        return _save_each(episodes, out)
    from understudy.recordings.viewer import save_view

    with progress() as report:
        save_view(episodes[0], out, report)
    return [out]


def _save_each(episodes: Sequence[Episode], folder: Path) -> list[Path]:
    from understudy.recordings.viewer import save_view

    if folder.is_file():
        raise RecordingError(f"{folder} is a file; {len(episodes)} recordings need a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{each.name}.rrd" for each in episodes]
    with progress() as report:
        for episode, path in zip(episodes, paths, strict=True):
            save_view(episode, path, report)
    return paths
