"""`understudy logs export` and `understudy logs formats`: recordings for other tools, and what is spoken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.cli.logs.importing import parse_settings
from understudy.cli.progress import progress
from understudy.errors import require


def export(
    path: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    out: Annotated[Path, typer.Argument(help="The new folder to write.")],
    format_name: Annotated[str, typer.Option("--format", help="Which format (see: understudy logs formats).")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the format, as KEY=VALUE; may be repeated.")
    ] = None,
) -> None:
    """Hand recordings on in another tool's format."""
    require("pyarrow", "logs")
    from understudy.recordings import open_recordings
    from understudy.recordings.formats import export_logs

    recordings = open_recordings(path)
    with progress() as report:
        export_logs(recordings, out, format_name, settings=parse_settings(settings or []), progress=report)
    Console(highlight=False, markup=False).print(f"{len(recordings)} recordings as {format_name} in {out}.")


def formats(
    name: Annotated[str | None, typer.Argument(help="One of them, for its settings.")] = None,
) -> None:
    """List the formats that are read and written, or the settings of one."""
    require("pyarrow", "logs")
    from understudy.recordings.formats import exporters, importers

    console = Console(highlight=False, markup=False)
    if name is not None:
        console.print(_settings_table(name))
        return
    table = Table("format", "what it is", "in", "out")
    for each in sorted({*importers(), *exporters()}):
        reader, writer = importers().get(each), exporters().get(each)
        title = reader.title if reader else writer.title if writer else ""
        table.add_row(each, title, "yes" if reader else "", "yes" if writer else "")
    console.print(table)
    console.print("The settings of one, for --set KEY=VALUE: understudy logs formats NAME")


def _settings_table(name: str) -> Table:
    from understudy.recordings.formats import exporters, importers
    from understudy.recordings.formats.registry import importer

    known = [("import", importers().get(name)), ("export", exporters().get(name))]
    if not any(format_ for _, format_ in known):
        importer(name)  # which says what there is
    table = Table("for", "setting", "default", "what it does", title=name)
    for what, format_ in known:
        for key, field in format_.Settings.model_fields.items() if format_ else ():
            table.add_row(what, key, "" if field.default is None else str(field.default), field.description)
    return table
