"""`understudy logs forget`: a player who asks to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from understudy.errors import require

if TYPE_CHECKING:
    from understudy.recordings.privacy import Traces


def forget(
    player: Annotated[str, typer.Argument(help="The name, or the hash that `logs inspect` prints.")],
    logs: Annotated[Path, typer.Argument(help="The folder of recordings.")],
    also: Annotated[
        list[Path] | None,
        typer.Option(help="Another folder to look through: runs, caches, bundles, edited recordings; may be repeated."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking.")] = False,
) -> None:
    """Remove a player from recordings, edited recordings and caches, and list what was trained on them.

    Says what it will remove and asks first. Bundles and runs are never removed: train and export them again. If it is
    interrupted, say it again; it goes on from there. The exit status is 2 if nothing is of that player.

    Example: understudy logs forget "Ann B." LOGS --also runs --also bundles
    """
    require("pyarrow", "logs")
    from understudy.recordings.privacy import find_player, forget_player

    console = Console(highlight=False, soft_wrap=True, markup=False)
    traces = find_player(player, logs, also or [])
    _list(console, "Will be removed: recordings of the player", traces.recordings)
    _list(console, "Will be removed: the same player elsewhere, and recordings edited from these", traces.derived)
    _list(
        console,
        "Will be removed: caches with rows of them; training builds them again from what is left",
        traces.caches,
    )
    _tell_rest(console, traces)
    if not yes and not typer.confirm(f"Remove these {len(traces.removable)}?"):
        console.print("Nothing was removed.")
        raise typer.Exit(1)
    removed = forget_player(logs, traces)
    _list(console, "Removed", removed)
    console.print(
        "If the logs that these were imported from are kept, remove the player there too: an import reads them."
    )


def _tell_rest(console: Console, traces: Traces) -> None:
    _list(console, "Bundles trained on these recordings; train and export them again without", traces.bundles)
    _list(console, "Bundles trained on other recordings of these names; look at them yourself", traces.perhaps_bundles)
    _list(console, "Training runs beside these caches, so perhaps trained from them", traces.runs)
    _list(console, "Recordings too damaged to say whose they are; look at them yourself", traces.unreadable)


def _list(console: Console, title: str, paths: Sequence[Path]) -> None:
    if paths:
        console.print(f"{title} ({len(paths)}):")
        for path in paths:
            console.print(f"  {path}")
