"""`understudy logs map`: a first mapping of a studio's own table, with the reason for each guess."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.errors import RecordingError, require

if TYPE_CHECKING:
    from understudy.recordings.formats.telemetry.guess import Draft


def map_(
    path: Annotated[Path, typer.Argument(help="A table: CSV, TSV, JSON lines or Parquet.")],
    out: Annotated[Path | None, typer.Option(help="The mapping to write; by default beside the table.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a mapping that is there already.")] = False,
) -> None:
    """Look at a table of your own and write a first mapping: which column is what, and why it looks so.

    Each guess in the file carries a comment. Read it, correct it, and import the table with it.
    """
    require("pyarrow", "logs")
    from understudy.recordings.formats.telemetry.draft import draft_text
    from understudy.recordings.formats.telemetry.guess import guess_mapping

    if not path.is_file():
        raise RecordingError(f"{path} is not a file; name one table of the folder.")
    out = out or path.with_name(f"{path.name}.map.yaml")
    if out.exists() and not force:
        raise RecordingError(f"{out} is there already; name another file with --out, or say --force.")
    draft = guess_mapping(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(draft_text(draft), "utf-8")
    _print(draft, path, out)


def _print(draft: Draft, path: Path, out: Path) -> None:
    console = Console(highlight=False, markup=False)
    table = Table("columns", "taken for", "because", title=f"The first {draft.rows:,} rows of {path.name}")
    for guess in draft.guesses:
        name = f" {guess.form['name']}" if "name" in guess.form else ""
        table.add_row(", ".join(guess.columns), f"{guess.role}{name}", guess.why)
    console.print(table)
    if draft.clock:
        console.print(f"{draft.clock.rate_hz:g} decisions a second: {draft.clock.rate_why}.")
    for role, kinds in (("sensor", ("sensor",)), ("action", ("buttons", "choice", "axes"))):
        if not draft.of(*kinds):
            console.print(f"No column looks like a {role}; the mapping needs at least one: add it to {out.name}.")
    console.print(f"Wrote {out}. Read it, correct it, then: understudy logs import {path} --mapping {out} --out logs")
