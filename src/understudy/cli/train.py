"""`understudy train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.cli.progress import progress
from understudy.errors import RecipeError, require


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file; see recipes/.")],
    logs: Annotated[Path, typer.Argument(help="A folder of recordings.")],
    out: Annotated[Path, typer.Option(help="The run folder. Running again goes on where the last run stopped.")],
    senses: Annotated[
        Path | None, typer.Option(help="Recordings by any player, for a recipe that first learns to see.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda: a GPU, in bfloat16 and compiled.")] = "cpu",
    bf16: Annotated[
        bool | None, typer.Option("--bf16/--no-bf16", help="In bfloat16; by default on a GPU, or as the recipe says.")
    ] = None,
    compiled: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="Compile the policy; by default on a GPU.")
    ] = None,
) -> None:
    """Train a bot from recordings by behavioural cloning.

    On several GPUs or machines: torchrun --nproc-per-node N -m understudy.cli.main train ... (docs/styles.md).

    Prints how well it predicts held-out play, in nats per decision, beside the marginal and a first-order Markov chain
    (which repeats what was done last). Losses can be watched with: tensorboard --logdir OUT
    """
    require("torch", "train")
    from understudy.recordings import open_recordings
    from understudy.training.compute import Compute
    from understudy.training.loop import train as learn
    from understudy.training.recipe import load_recipe

    with progress() as report:
        seen = open_recordings(senses) if senses else None
        compute = Compute(device, bf16, compiled)
        metrics = learn(load_recipe(recipe), open_recordings(logs), out, report, seen, compute)
    if not metrics:
        return  # one of several processes; the first one tells
    table = Table(
        "held out", "head", "steps", "policy", "Markov", "marginal", "gain over Markov", title="Nats per decision"
    )
    for row in metrics["heads"]:
        where = row["held_out"] if row["where"] == "all" else f"{row['held_out']}, action changed"
        gain = f"{row['gain']:+.4f} [{row['gain_low']:+.4f}, {row['gain_high']:+.4f}]"
        numbers = (f"{row[key]:.3f}" for key in ("model", "markov", "marginal"))
        table.add_row(where, row["head"], str(row["steps"]), *numbers, gain)
    # A folder may be called [b], which is no markup.
    console = Console(markup=False)
    console.print(table)
    if (styles := metrics.get("styles")) and styles["recovered"] is not None:
        console.print(
            f"Styles recovered from {styles['demonstrations']} held-out episodes, one at a time: "
            f"{styles['recovered']:.0%} (chance: {styles['chance']:.0%}).",
            highlight=False,
        )
    console.print(f"Next: understudy export {out} BUNDLE --logs {logs}", highlight=False)


def train_init(
    logs: Annotated[Path, typer.Argument(help="A folder of recordings of one behaviour.")],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("recipe.yaml"),
) -> None:
    """Write a first recipe for recordings, with a comment where one would change it."""
    require("pyarrow", "logs")
    from understudy.recordings import open_recordings
    from understudy.training.first_recipe import first_recipe

    text = first_recipe(open_recordings(logs))
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise RecipeError(f"{out} is there already; name another file.") from error
    except OSError as error:
        raise RecipeError(
            f"{out} cannot be written ({error.strerror}); name a file in a folder that exists."
        ) from error
    Console(highlight=False, markup=False, soft_wrap=True).print(
        f"Wrote {out}. Train it: understudy train {out} {logs} --out RUN"
    )
