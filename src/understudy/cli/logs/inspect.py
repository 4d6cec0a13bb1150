"""`understudy logs inspect`: what recordings hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.errors import require

if TYPE_CHECKING:
    from understudy.recordings import Episode
    from understudy.spec import BehaviorSpec


def inspect(
    path: Annotated[Path, typer.Argument(help="A recording, or a folder of them.")],
    verify: Annotated[bool, typer.Option(help="Also check every byte against its checksum.")] = False,
) -> None:
    """Print what recordings hold: for each behaviour a row of each, then the spec they share."""
    require("pyarrow", "logs")
    from understudy.recordings import open_recordings

    recordings = open_recordings(path)
    # An import puts each behaviour in a folder of its own.
    groups: dict[BehaviorSpec, list[Episode]] = {}
    for episode in recordings:
        if verify:
            episode.verify()
        groups.setdefault(episode.behavior, []).append(episode)
    console = Console(markup=False)
    for behavior, episodes in groups.items():
        console.print(_recordings_table(episodes, path))
        console.print(_behavior_table(behavior))


def _recordings_table(episodes: Sequence[Episode], path: Path) -> Table:
    table = Table(title=f"{len(episodes)} recordings in {path}")
    table.add_column("recording", no_wrap=True)
    for column in ("game", "map", "player", "steps", "length", "ended", "whole"):
        table.add_column(column, overflow="fold")
    for episode in episodes:
        table.add_row(*_row(episode))
    return table


def _behavior_table(behavior: BehaviorSpec) -> Table:
    parts = Table("part", "space", "units", "labels", title=f"Behaviour '{behavior.name}', {behavior.decision_hz:g} Hz")
    for sensor in behavior.sensors:
        units = f"{sensor.units}{' (privileged)' if sensor.privileged else ''}"
        parts.add_row(f"sees {sensor.name}", f"{sensor.space.dtype} {sensor.space.shape}", units, "")
    for action in behavior.actions:
        parts.add_row(f"does {action.name}", str(action.space), action.units, " ".join(action.labels))
    return parts


def _row(episode: Episode) -> tuple[str, ...]:
    provenance = episode.provenance
    ended = "terminated" if episode.terminated else "truncated" if episode.truncated else "unknown"
    whole = "yes" if episode.damage is None else f"no: {episode.damage.reason} ({episode.damage.lost_bytes} bytes lost)"
    minutes, seconds = divmod(round(episode.duration_s), 60)
    counts = (str(episode.num_steps), f"{minutes}:{seconds:02d}")
    return (episode.name, provenance.game, provenance.map, provenance.player, *counts, ended, whole)
