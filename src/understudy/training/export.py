"""Export: from a run folder to a bundle with a parity certificate, or a refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import understudy
from understudy.agents.bundle import STYLE_FILE, Bundle
from understudy.agents.networks import DecisionGraph, Policy
from understudy.agents.networks.style import StyleSpace
from understudy.errors import RecipeError
from understudy.recordings import Episode, Recordings
from understudy.spec import BehaviorSpec
from understudy.training.build import build_policy, build_styles, in_graph, play_log_odds, select_behavior
from understudy.training.checkpoint import find_checkpoint, load_checkpoint
from understudy.training.export_styles import export_styles
from understudy.training.parity import PARITY_STEPS, parity_sample, write_certified
from understudy.training.recipe import Recipe, load_recipe
from understudy.training.styles import Roster
from understudy.training.tracing import trace_batch


@dataclass(frozen=True)
class TrainedRun:
    """A run folder, read back."""

    folder: Path
    recipe: Recipe
    behavior: BehaviorSpec
    policy: Policy
    updates: int
    styles: StyleSpace | None = None
    roster: Roster | None = None

    @classmethod
    def load(cls, folder: Path, recordings: Recordings) -> TrainedRun:
        """Read a run folder; raises `RecipeError` if it has no checkpoint."""
        recipe = load_recipe(folder / "recipe.yaml")
        behavior = select_behavior(recipe, recordings.behavior)
        if find_checkpoint(folder / "checkpoint") is None:
            raise RecipeError(f"{folder} has no checkpoint yet; train first: understudy train RECIPE --out {folder}")
        policy, average = build_policy(recipe, behavior), build_policy(recipe, behavior)
        roster = Roster.load(folder) if recipe.style else None
        styles = build_styles(recipe, behavior, len(roster.players)) if roster else None
        resumed = load_checkpoint(folder / "checkpoint", policy=policy, average=average, styles=(None, styles))
        assert resumed is not None
        styles = styles.eval() if styles else None
        return cls(folder, recipe, behavior, average.eval(), resumed[1]["update"], styles, roster)


def export_run(run: Path, recordings: Recordings, out: Path, *, temperature: float = 1.0) -> Bundle:
    """Export a trained run to a bundle.

    Args:
        run: The run folder.
        recordings: Of the run's behaviour; the longest gives the frames of the parity check.
        out: The bundle's folder, replaced if it is there.
        temperature: Multiplies the recipe's own temperatures.

    Raises:
        BundleError: If the exported graph does not give the network's own answers on recorded frames.
    """
    trained = TrainedRun.load(run, recordings)
    known = trained.recipe.temperature
    temperatures = {name: known.get(name, 1.0) * temperature for name in trained.behavior.action_names}
    log_odds = play_log_odds(trained.recipe, trained.behavior)
    graph = DecisionGraph(trained.policy, in_graph(trained.recipe, trained.behavior), temperatures, log_odds).eval()
    episode = max(recordings, key=lambda each: each.num_steps)
    styled = (
        export_styles(trained.styles, trained.roster, trained.recipe, recordings)
        if trained.styles and trained.roster
        else None
    )
    style = next(iter(styled.card["styles"].values())) if styled else None
    sample = parity_sample(graph, trained.behavior, _observations(episode, trained.behavior), style)
    policy = to_onnx(graph)
    card: dict[str, Any] = {
        "name": trained.recipe.name,
        "behavior": trained.behavior,
        "state_size": graph.state_size,
        "noise_size": graph.noise_size,
        "logits_size": trained.policy.codec.logits_size,
        "provenance": _provenance(trained, recordings, temperatures),
        **(styled.card if styled else {}),
    }
    return write_certified(out, policy, sample, {STYLE_FILE: styled.graph} if styled else None, **card)


def to_onnx(graph: DecisionGraph) -> bytes:
    """Return the graph in ONNX, with a dynamic batch as dimension 0 of every input and output."""
    policy = graph.policy
    sizes = (graph.state_size, graph.noise_size, *([policy.shape.style] if policy.shape.style else []))
    return trace_batch(graph, policy.behavior, sizes, graph.inputs, graph.outputs)


def _observations(episode: Episode, behavior: BehaviorSpec) -> dict[str, np.ndarray]:
    """The first steps of an episode, by sensor."""
    rows = slice(0, min(PARITY_STEPS, episode.num_steps))
    return {name: np.ascontiguousarray(episode.observation(name, rows)) for name in behavior.sensor_names}


def _provenance(trained: TrainedRun, recordings: Recordings, temperature: dict[str, float]) -> dict[str, Any]:
    metrics = trained.folder / "metrics.json"
    return {
        "recipe": trained.recipe.model_dump(mode="json"),
        "temperature": temperature,
        "updates": trained.updates,
        "recordings": [{"name": each.name, "digest": each.digest} for each in recordings],
        "metrics": json.loads(metrics.read_text()) if metrics.exists() else {},
        "understudy": understudy.__version__,
    }
