"""`understudy logs …`: gameplay logs in, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.cli.progress import progress
from understudy.errors import RecordingError, require

if TYPE_CHECKING:
    from understudy.recordings import Episode

app = typer.Typer(help="Gameplay logs: import them, look at what is in them.", no_args_is_help=True)


@app.command("import")
def import_logs(
    out: Annotated[Path, typer.Option(help="The folder of recordings; what is there already is skipped.")],
    paths: Annotated[list[Path] | None, typer.Argument(help="Doom WADs with demos in them, or .lmp demos.")] = None,
    iwad: Annotated[Path | None, typer.Option(help="For .lmp demos: the WAD they were recorded on.")] = None,
    doom_demos: Annotated[
        bool, typer.Option("--doom-demos", help="Import the human demos inside the installed vizdoom package.")
    ] = False,
    salvage: Annotated[bool, typer.Option(help="Take what is whole of a truncated demo.")] = False,
) -> None:
    """Import gameplay logs into recordings.

    Doom demos hold only inputs; they are replayed in the Doom engine, to record the picture that the person saw before
    each action.
    """
    require("pyarrow", "logs")
    from understudy.envs.doom.importer import find_demo_wads, import_demos

    sources = [*(paths or []), *(find_demo_wads() if doom_demos else [])]
    if not sources:
        raise RecordingError("There is nothing to import: name WADs or .lmp files, or say --doom-demos.")
    with progress() as report:
        written = import_demos(sources, out, iwad=iwad, progress=report, salvage=salvage)
    Console(highlight=False).print(f"{len(written)} recordings in {out}. Look at them: understudy logs inspect {out}")


@app.command("inspect")
def inspect(
    path: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    verify: Annotated[bool, typer.Option(help="Also check every byte against its checksum.")] = False,
) -> None:
    """Print what recordings hold: a row each, then the spec they share."""
    require("pyarrow", "logs")
    from understudy.recordings import open_recordings

    recordings = open_recordings(path)
    table = Table(title=f"{len(recordings)} recordings in {path}")
    table.add_column("recording", no_wrap=True)
    for column in ("game", "map", "player", "steps", "length", "ended", "whole"):
        table.add_column(column, overflow="fold")
    for episode in recordings:
        if verify:
            episode.verify()
        table.add_row(*_row(episode))
    console = Console()
    console.print(table)
    behavior = recordings.behavior
    parts = Table("part", "space", "units", "labels", title=f"Behaviour '{behavior.name}', {behavior.decision_hz:g} Hz")
    for sensor in behavior.sensors:
        units = f"{sensor.units}{' (privileged)' if sensor.privileged else ''}"
        parts.add_row(f"sees {sensor.name}", f"{sensor.space.dtype} {sensor.space.shape}", units, "")
    for action in behavior.actions:
        parts.add_row(f"does {action.name}", str(action.space), action.units, " ".join(action.labels))
    console.print(parts)


def _row(episode: Episode) -> tuple[str, ...]:
    provenance = episode.provenance
    ended = "terminated" if episode.terminated else "truncated" if episode.truncated else "unknown"
    whole = "yes" if episode.damage is None else f"no: {episode.damage.reason} ({episode.damage.lost_bytes} bytes lost)"
    minutes, seconds = divmod(round(episode.duration_s), 60)
    counts = (str(episode.num_steps), f"{minutes}:{seconds:02d}")
    return (episode.name, provenance.game, provenance.map, provenance.player, *counts, ended, whole)
