"""`understudy explore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from understudy.cli.progress import progress
from understudy.errors import GameError, require


def explore(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file; see recipes/explore/parkland.yaml.")],
    out: Annotated[Path, typer.Option(help="The run folder. Running again goes on where the last run stopped.")],
    logs: Annotated[
        Path | None, typer.Option(help="Recordings that show the preferences; none for an agent that only explores.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option(help="Export to this folder when done.")] = None,
) -> None:
    """Train a tester that explores a game in the style of a few demonstrations, or freely, or between.

    Its style is alpha, from 0 (stays on the demonstrated path) to 1 (explores freely), and the preference: golden,
    golden@0.5, free, or golden,alpha=0.3. Rewards can be watched with: tensorboard --logdir OUT
    """
    require("torch", "train")
    require("stable_baselines3", "sb3")
    from understudy.playtest.run.game import Game, GameFaultError
    from understudy.playtest.spec import GameSpec
    from understudy.recordings import open_recordings
    from understudy.training.exploration.loop import explore as learn
    from understudy.training.exploration.recipe import load_exploration_recipe

    read = load_exploration_recipe(recipe)
    spec = GameSpec.model_validate(read.game.model_dump(by_alias=True))
    try:
        with progress() as report:
            recordings = open_recordings(logs) if logs else None
            make_game = lambda: Game(spec, recipe.parent, pictures=False)  # noqa: E731 - sent to workers by value
            metrics = learn(read, make_game, out, recordings, report)
    except GameFaultError as error:
        raise GameError(
            f"The game '{spec.id}' failed while it was explored ({error}); what was learned up to the last checkpoint "
            f"is in {out}. Run the same command again to go on."
        ) from error
    _tell(metrics)
    if bundle is None:
        Console(highlight=False, markup=False).print(f"Next: understudy export {out} BUNDLE")
        return
    export_explored(out, bundle)


def export_explored(run: Path, out: Path, temperature: float = 1.0) -> None:
    """Export an exploration's run folder to a bundle, and say so."""
    require("torch", "train")
    require("stable_baselines3", "sb3")
    from understudy.training.exploration.export import export_exploration

    bundle = export_exploration(run, out, temperature=temperature)
    certificate = bundle.card.certificate
    console = Console(highlight=False, markup=False)
    console.print(
        f"Bundle '{bundle.name}' in {out}: equal to the network on {certificate['steps']} steps of play (logits within "
        f"{certificate['max_logit_difference']:.1e}). Styles: {', '.join(bundle.card.styles)}."
    )
    console.print(f"Next: understudy serve {out}")


def _tell(metrics: dict[str, object]) -> None:
    table = Table("number", "in the last iteration", title=f"{metrics['decisions']} decisions")
    last = metrics["last"]
    for name, value in last.items() if isinstance(last, dict) else ():
        if name.startswith(("reward/", "style/", "novelty/")):
            table.add_row(name, f"{value:.4g}")
    # A folder may be called [b], which is no markup.
    Console(markup=False).print(table)
