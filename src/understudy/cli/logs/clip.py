"""`understudy logs clip`: a part of a recording as a video, with the inputs drawn in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from understudy.cli.logs.ranges import parse_length
from understudy.cli.progress import progress
from understudy.errors import RecordingError, require


def clip(
    recording: Annotated[Path, typer.Argument(help="One recording.")],
    out: Annotated[Path, typer.Argument(help="The new video: a name that ends in .mp4 or .gif.")],
    start: Annotated[
        str, typer.Option("--from", help="Where it begins: steps (120), seconds (30s), minutes (1.5m).")
    ] = "0",
    stop: Annotated[str | None, typer.Option("--to", help="Where it ends, likewise; by default at the end.")] = None,
    sensor: Annotated[
        str | None, typer.Option(help="The sensor to show; by default a picture, else rays, else all numbers.")
    ] = None,
    width: Annotated[int, typer.Option(help="Of the video, in pixels.")] = 640,
) -> None:
    """Write a video of what was seen, with the inputs lit below it.

    Without a picture among the sensors, rays are drawn as a fan from above, and numbers as bars.
    """
    require("pyarrow", "logs")
    from understudy.recordings import open_recordings
    from understudy.recordings.video.clip import Clip, write_clip

    recordings = open_recordings(recording)
    if len(recordings) > 1:
        raise RecordingError(f"{recording} holds {len(recordings)} recordings; name one, such as {recordings[0].path}.")
    hz = recordings[0].behavior.decision_hz
    stop_s = None if stop is None else _seconds(stop, hz)
    made = Clip(recordings[0], start_s=_seconds(start, hz), stop_s=stop_s, sensor=sensor, width=width)
    with progress() as report:
        write_clip(made, out, hz, report)
    size = f"{made.width} × {made.height}"
    console = Console(highlight=False, markup=False)
    console.print(f"{len(made)} steps in {out} ({size} pixels, {out.stat().st_size:,} bytes).")


def _seconds(text: str, hz: float) -> float:
    number, unit = parse_length(text)
    return number / hz if unit == "steps" else number
