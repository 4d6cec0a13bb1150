"""`understudy export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from understudy.errors import require


def export(
    run: Annotated[Path, typer.Argument(help="The run folder of a training.")],
    out: Annotated[Path, typer.Argument(help="The bundle's folder; replaced if it is there.")],
    logs: Annotated[Path, typer.Option(help="The recordings it was trained on: the parity check plays their frames.")],
    temperature: Annotated[
        float, typer.Option(min=0.05, max=5.0, help="Times the recipe's own: below 1 plays safer, above 1 livelier.")
    ] = 1.0,
) -> None:
    """Export a trained bot to a bundle: ONNX, its spec, and a certificate that both play the same.

    The exported graph plays 256 recorded steps beside the network it came from; if they differ, nothing is written.
    """
    require("torch", "train")
    from understudy.recordings import open_recordings
    from understudy.training.export import export_run

    bundle = export_run(run, open_recordings(logs), out, temperature=temperature)
    certificate = bundle.card.certificate
    size = bundle.policy_path.stat().st_size / 2**20
    Console(highlight=False).print(
        f"Bundle '{bundle.name}' in {out}: {size:.1f} MiB, equal to the network on {certificate['steps']} recorded "
        f"steps (logits within {certificate['max_logit_difference']:.1e}).\nNext: understudy serve {out}"
    )
