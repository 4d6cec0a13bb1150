"""`understudy export`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from understudy.cli.explore import export_explored
from understudy.errors import RecipeError, require, suggest


def export(
    run: Annotated[Path, typer.Argument(help="The run folder of a training; with --profile or --target, a bundle.")],
    out: Annotated[Path, typer.Argument(help="The bundle's folder, replaced if it is there; with --profile, a file.")],
    logs: Annotated[
        Path | None, typer.Option(help="The recordings it was trained on: the parity check plays their frames.")
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0.05, max=5.0, help="Times the recipe's own: below 1 plays safer, above 1 livelier.")
    ] = 1.0,
    variants: Annotated[str, typer.Option(help="Also in fewer bits, separated by commas: int8, bf16.")] = "",
    min_agreement: Annotated[
        float, typer.Option(help="Share of decisions in which a variant must act as the original does.")
    ] = 0.99,
    profile: Annotated[
        str, typer.Option(help="Write a bundle as a model that an engine runs without a server: unity or godot.")
    ] = "",
    style: Annotated[str, typer.Option(help="With --profile: which of the bundle's styles the model plays.")] = "",
    sampled: Annotated[
        bool, typer.Option("--sampled", help="With --profile godot: draw actions, not the likeliest.")
    ] = False,
    target: Annotated[str, typer.Option(help="Write a bundle as another server's model repository: triton.")] = "",
) -> None:
    """Export a trained bot to a bundle: ONNX, its spec, and a certificate that both play the same.

    The exported graph plays 256 recorded steps beside the network it came from; if they differ, nothing is written.

    With --profile, a bundle becomes a model for Unity's ML-Agents or for Godot RL Agents; with --target, a model
    repository for Triton and KServe. Both are checked in the same way.
    """
    if target:
        _export_target(run, target, out)
        return
    if profile:
        _export_profile(run, profile, out, style, sampled)
        return
    require("torch", "train")
    from understudy.training.exploration.recipe import is_exploration

    if is_exploration(run):
        export_explored(run, out, temperature)
        return
    if logs is None:
        raise RecipeError("The parity check needs the recordings the bot was trained on; name them with --logs.")
    names = [each.strip() for each in variants.split(",") if each.strip()]
    _export_run(run, out, logs, temperature, names, min_agreement)


def _export_run(
    run: Path, out: Path, logs: Path, temperature: float, variants: list[str], min_agreement: float
) -> None:
    from understudy.recordings import open_recordings
    from understudy.training.export import export_run
    from understudy.training.variants import add_variants

    recordings = open_recordings(logs)
    bundle = export_run(run, recordings, out, temperature=temperature)
    if variants:
        bundle = add_variants(bundle, recordings, variants, min_agreement)
    certificate = bundle.card.certificate
    size = bundle.policy_path.stat().st_size / 2**20
    Console(highlight=False).print(
        f"Bundle '{bundle.name}' in {out}: {size:.1f} MiB, equal to the network on {certificate['steps']} recorded "
        f"steps (logits within {certificate['max_logit_difference']:.1e})."
    )
    for name, each in bundle.card.variants.items():
        Console(highlight=False).print(f"{name}: {each.equal_actions:.2%} equal decisions, {each.speedup:.2f} x")
    Console(highlight=False).print(f"Next: understudy serve {out}")


def _export_profile(folder: Path, profile: str, out: Path, style: str, sampled: bool) -> None:
    from understudy.agents.bundle import Bundle
    from understudy.agents.profiles import export_profile

    exported = export_profile(Bundle.load(folder), profile, out, style=style, sampled=sampled)
    parity = exported.certificate["parity"]
    actions = {key: exported.certificate[key] for key in _ORDERS if key in exported.certificate}
    Console(highlight=False, soft_wrap=True, markup=False).print(
        f"{profile} model in {out}: opset {exported.certificate['opset']}, plays as the bundle on {parity['steps']} "
        f"steps of {parity['bots']} bots (numbers within {parity['max_difference']:.1e}).\n"
        f"In this order: {json.dumps(actions)}\nCertificate: {out}.json"
    )


def _export_target(folder: Path, target: str, out: Path) -> None:
    from understudy.agents.bundle import Bundle
    from understudy.serving.fleet.triton import export_triton

    if target != "triton":
        raise RecipeError(f"There is no target '{target}'.{suggest(target, ['triton'])}")
    export_triton(Bundle.load(folder), out)
    Console(highlight=False, soft_wrap=True).print(f"Triton repository in {out}; how to use it: {out}/README.md")


_ORDERS = ("sensors", "discrete_branches", "continuous_actions", "action_space")
