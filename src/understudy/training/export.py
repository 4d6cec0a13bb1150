"""Export: from a run folder to a bundle with a parity certificate, or a refusal."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import understudy
from understudy.agents.bundle import STYLE_FILE, Bundle, ParitySample, write_bundle
from understudy.agents.networks import DecisionGraph, Policy
from understudy.agents.networks.style import StyleSpace
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime, compare
from understudy.errors import BundleError, RecipeError
from understudy.recordings import Episode, Recordings
from understudy.spec import BehaviorSpec
from understudy.training.build import build_policy, build_styles, in_graph, play_log_odds, select_behavior
from understudy.training.checkpoint import find_checkpoint, load_checkpoint
from understudy.training.export_styles import export_styles
from understudy.training.recipe import Recipe, load_recipe
from understudy.training.styles import Roster
from understudy.training.tracing import trace

PARITY_STEPS = 256
# Kept in the bundle for the server to check at start; the certificate covers all of PARITY_STEPS.
_STORED_STEPS = 32


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
    sample = parity_sample(graph, episode, PARITY_STEPS, style)
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
    certificate = _certify(policy, sample, card)
    files = {STYLE_FILE: styled.graph} if styled else None
    return write_bundle(out, policy, _head(sample, _STORED_STEPS), files, certificate=certificate, **card)


def to_onnx(graph: DecisionGraph) -> bytes:
    """Return the graph in ONNX, with a dynamic batch as dimension 0 of every input and output."""
    names = [*graph.inputs, *graph.outputs]
    return trace(graph, _example(graph), graph.inputs, graph.outputs, {name: {0: "batch"} for name in names})


@torch.no_grad()
def parity_sample(
    graph: DecisionGraph, episode: Episode, steps: int, style: Sequence[float] | None = None
) -> ParitySample:
    """Play the network, step by step with its state carried, through recorded observations, in one style if any."""
    behavior = graph.policy.behavior
    rows = slice(0, min(steps, episode.num_steps))
    observations = {name: np.ascontiguousarray(episode.observation(name, rows)) for name in behavior.sensor_names}
    num = rows.stop
    noise = uniform_noise(np.zeros(num, np.uint64), np.arange(num, dtype=np.uint64), graph.noise_size)
    state = torch.zeros(1, graph.state_size)
    more = () if style is None else (torch.tensor([style], dtype=torch.float32),)
    outputs = []
    for step in range(num):
        sensors = [torch.from_numpy(observations[name][step : step + 1]) for name in behavior.sensor_names]
        *actions, state, logits = graph(*sensors, state, torch.from_numpy(noise[step : step + 1]), *more)
        outputs.append((*actions, logits))
    *actions, logits = (torch.cat(column).numpy() for column in zip(*outputs, strict=True))
    return ParitySample(observations, noise, logits, dict(zip(behavior.action_names, actions, strict=True)))


def _example(graph: DecisionGraph) -> tuple[torch.Tensor, ...]:
    """Two bots' worth of inputs, so that the tracer does not take the batch for a constant one."""
    sensors = [
        torch.zeros(2, *each.space.shape, dtype=getattr(torch, np.dtype(each.space.dtype).name))
        for each in graph.policy.behavior.sensors
    ]
    style = [torch.zeros(2, graph.policy.shape.style)] if graph.policy.shape.style else []
    return (*sensors, torch.zeros(2, graph.state_size), torch.zeros(2, graph.noise_size), *style)


def _certify(policy: bytes, sample: ParitySample, card: dict[str, Any]) -> dict[str, Any]:
    """Play the exported graph through the same frames; raise `BundleError` unless it gives the same answers."""
    with tempfile.TemporaryDirectory() as folder:
        draft = write_bundle(Path(folder) / "draft", policy, None, certificate={}, **card)
        agreement = compare(PolicyRuntime(draft), sample)
    if not agreement.holds:
        raise BundleError(f"The exported graph of '{card['name']}' is not the trained network: {agreement}.")
    return {
        "steps": agreement.steps,
        "max_logit_difference": agreement.max_difference,
        "tolerance": PARITY_TOLERANCE,
        "equal_actions": agreement.equal_actions,
        "torch": torch.__version__,
        "onnxruntime": version("onnxruntime"),
        "machine": platform.machine(),
    }


def _head(sample: ParitySample, steps: int) -> ParitySample:
    def cut(arrays: Any) -> Any:
        return {name: value[:steps] for name, value in arrays.items()}

    return ParitySample(cut(sample.observations), sample.noise[:steps], sample.logits[:steps], cut(sample.actions))


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
