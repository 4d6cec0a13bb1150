"""`understudy style`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from understudy.agents.bundle import Bundle
from understudy.errors import BundleError, require


def style(
    bundle: Annotated[Path, typer.Argument(help="A bundle that was trained with styles.")],
    demonstrations: Annotated[
        Path, typer.Argument(help="A recording, or a folder of them: a few minutes of whoever should be imitated.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write, ending in .style.json; left out, nothing is written.")
    ] = None,
    skill: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="0 to 1; left out, what the demonstrations show.")
    ] = None,
) -> None:
    """Read a style from demonstrations, for a bundle to play in.

    Prints the style's numbers and which named styles lie nearest. The file is a style like any other: --style FILE.
    """
    require("pyarrow", "logs")
    from understudy.agents.styles import SUFFIX, StyleFile, StyleReader
    from understudy.recordings import open_recordings

    if out is not None and not out.name.endswith(SUFFIX):
        raise BundleError(f"A style's file ends in {SUFFIX}, so that it is told from a name; not {out.name}.")
    loaded = Bundle.load(bundle)
    episodes = open_recordings(demonstrations)
    found = StyleReader(loaded).read(episodes, skill=skill)
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(", ".join(f"{number:.4f}" for number in found))
    console.print(f"Read from {len(episodes)} recordings. Nearest: {_nearest(loaded, found)}")
    if out is None:
        return
    name = out.name.removesuffix(SUFFIX)
    kept = StyleFile(name, loaded.name, loaded.digest, tuple(found.tolist()), tuple(each.name for each in episodes))
    try:
        kept.save(out)
    except OSError as error:
        raise BundleError(f"{out} cannot be written: {error.strerror}.") from error
    console.print(f"Wrote {out}. Play in it: --style {out}")


def _nearest(bundle: Bundle, found: np.ndarray) -> str:
    """The named styles by their distance, skill left out, nearest first."""
    told = slice(None, -1 if bundle.card.has_skill else None)
    distances = {name: float(np.linalg.norm((found - bundle.style(name))[told])) for name in bundle.card.styles}
    return ", ".join(f"{name} ({distances[name]:.2f})" for name in sorted(distances, key=lambda name: distances[name]))
