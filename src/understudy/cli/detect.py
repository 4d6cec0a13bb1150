"""`understudy detect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from understudy.errors import RecipeError, require, suggest

_HEADS = ("logistic", "prototypes")
# Below these, a detector that was asked of frames it had not seen is hardly one.
_POOR_AREA, _POOR_FOUND = 0.8, 0.5


def detect(
    run: Annotated[Path, typer.Argument(help="The run folder of a training in the same game: its encoders look.")],
    out: Annotated[Path, typer.Argument(help="The detector's file to write, such as bots/objects.onnx.")],
    logs: Annotated[Path, typer.Option(help="Recordings of the game, the labelled ones among them.")],
    labels: Annotated[
        Path, typer.Option(help="YAML: by recording, 'object' and 'nothing', each a list of steps or ranges.")
    ],
    head: Annotated[str, typer.Option(help="logistic, or prototypes where objects are much unlike.")] = "logistic",
    false_alarms: Annotated[
        float, typer.Option(min=0.0, max=0.5, help="Share of frames without an object that may score as one has to.")
    ] = 0.01,
    hold: Annotated[int, typer.Option(min=1, help="Decisions in a row that an object has to be seen.")] = 3,
) -> None:
    """Make a detector of objects of interest from a handful of labelled frames.

    The threshold is set on frames that were left out of the fit. What is printed was measured on them.
    """
    require("torch", "train")
    from understudy.recordings import open_recordings
    from understudy.training.detection import make_detector
    from understudy.training.few_shot import HeadKind
    from understudy.training.frame_labels import read_labels

    if head not in _HEADS:
        raise RecipeError(f"There is no head '{head}'.{suggest(head, _HEADS)}")
    kind = cast(HeadKind, head)
    found = make_detector(
        run, open_recordings(logs), read_labels(labels), out, head=kind, false_alarms=false_alarms, hold=hold
    ).card.certificate
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"Detector in {out}: on frames left out, {found['found']:.0%} of {found['examples']} with an object found, "
        f"{found['false_alarms']:.1%} of {found['others']} without one taken for one (promised of new ones: at most "
        f"{found['promised']:.1%}); area under the curve {found['area']:.2f}."
    )
    if float(str(found["area"])) < _POOR_AREA or float(str(found["found"])) < _POOR_FOUND:
        console.print("That is poor: label more frames, of more sides and places, or allow more --false-alarms.")
