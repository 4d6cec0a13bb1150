"""`understudy logs import`: logs of any known format become recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.cli.progress import progress
from understudy.errors import RecordingError, require

if TYPE_CHECKING:
    from understudy.recordings.formats import ImportReport

_SHOWN, _MOST_NOTES = 20, 60


def import_(
    out: Annotated[Path, typer.Option(help="The folder of recordings; what is there already is skipped.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Logs, and folders of logs, of any mixture of formats.")
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="Take everything as this format (see: understudy logs formats).")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the format, as KEY=VALUE; may be repeated.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="For tables of your own: which column is what (understudy logs map).")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at damage instead of taking what is whole.")] = False,
    keep_text: Annotated[
        bool, typer.Option("--keep-text", help="Keep what players typed; dropped by default.")
    ] = False,
    reveal_players: Annotated[
        bool, typer.Option("--reveal-players", help="Keep players' names; they are hashed by default.")
    ] = False,
    doom_demos: Annotated[
        bool, typer.Option("--doom-demos", help="Import the human demos inside the installed vizdoom package.")
    ] = False,
) -> None:
    """Bring gameplay logs in as recordings.

    Each log's format is recognised by what is in it. A damaged log gives what is whole of it, and a line on what was
    lost and why; the exit status is then 1. Stopped imports go on where they were.
    """
    require("pyarrow", "logs")
    from understudy.recordings.formats import ImportOptions, import_logs

    sources = [*(paths or []), *(_doom_wads() if doom_demos else [])]
    if not sources:
        raise RecordingError("There is nothing to import: name logs or folders of logs, or say --doom-demos.")
    with progress() as report:
        done = import_logs(
            sources,
            out,
            format_name=format_name,
            settings=parse_settings(settings or []),
            options=ImportOptions(salvage=not strict, keep_text=keep_text, mapping=mapping),
            reveal_players=reveal_players,
            progress=report,
        )
    _print(done, out)
    if done.losses:
        raise typer.Exit(1)


def parse_settings(given: Sequence[str]) -> dict[str, str]:
    """Turn `KEY=VALUE` texts into a mapping."""
    for text in given:
        if "=" not in text:
            raise RecordingError(f"--set {text} should be KEY=VALUE.")
    return dict(text.split("=", 1) for text in given)


def _doom_wads() -> list[Path]:
    from understudy.envs.doom.sources import find_demo_wads

    return find_demo_wads()


def _print(done: ImportReport, out: Path) -> None:
    console = Console(highlight=False, markup=False)
    if done.losses:
        table = Table("where", "what was lost, and why", "steps", title="Not imported")
        for loss in done.losses[:_SHOWN]:
            table.add_row(loss.where, loss.what, str(loss.steps or ""))
        console.print(table)
        if len(done.losses) > _SHOWN:
            console.print(f"… and {len(done.losses) - _SHOWN} more.")
    if done.unknown:
        names = ", ".join(path.name for path in done.unknown[:_SHOWN])
        console.print(f"{len(done.unknown)} files are of no known format and were left alone: {names}")
    if done.notes:
        found = Table("format", "what was found, or assumed", "logs")
        for (format_name, note), count in sorted(done.notes.items())[:_MOST_NOTES]:
            found.add_row(format_name, note, str(count))
        console.print(found)
    kept = f", {len(done.kept)} of them there before" if done.kept else ""
    total = len(done.written) + len(done.kept)
    console.print(f"{total} recordings ({done.steps} steps) in {out}{kept}.")
    console.print(f"Look at them: understudy logs inspect {out}")
