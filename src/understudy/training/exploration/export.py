"""Export: from an exploration's run folder to a bundle with a parity certificate, or a refusal."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from safetensors.torch import load_file

import understudy
from understudy.agents.bundle import Bundle
from understudy.errors import RecipeError
from understudy.spec import BehaviorSpec
from understudy.training.checkpoint import find_checkpoint, read_module, read_state
from understudy.training.exploration.games import flat_space
from understudy.training.exploration.graph import ExplorerGraph
from understudy.training.exploration.parts import Parts, build_parts
from understudy.training.exploration.preference import named_styles, slider
from understudy.training.exploration.recipe import load_exploration_recipe
from understudy.training.exploration.sight import EYES_FILE, SAMPLE_FILE
from understudy.training.parity import parity_sample, write_certified
from understudy.training.tracing import trace_batch

ENCODER_FILE = "encoder.onnx"
"""From observations to the embedding that novelty and style are measured on."""


def export_exploration(run: Path, out: Path, *, temperature: float = 1.0) -> Bundle:
    """Export an exploration to a bundle, whose style is alpha and a weight for each preference.

    Its named styles are each preference (at alpha 0, where it stays on the demonstrated path), each preference at each
    alpha of the recipe such as `golden@0.3`, and `free` (alpha 1); its slider is `alpha`.

    Args:
        run: The run folder; neither the game nor the demonstrations are needed.
        out: The bundle's folder, replaced if it is there.
        temperature: Divides the logits before sampling.

    Raises:
        RecipeError: If the run has no checkpoint.
        BundleError: If the exported graph does not give the network's own answers.
    """
    graph, parts, iteration = load_explorer(run, temperature)
    recipe = parts.recipe
    styles = named_styles(parts.names, recipe.rewards.alphas)
    sample = parity_sample(graph, parts.behavior, _observations(run), next(iter(styles.values())))
    sizes = (graph.state_size, graph.noise_size, graph.style_size)
    policy = trace_batch(graph, parts.behavior, sizes, graph.inputs, graph.outputs)
    card: dict[str, Any] = {
        "name": recipe.name,
        "behavior": parts.behavior,
        "state_size": graph.state_size,
        "noise_size": graph.noise_size,
        "logits_size": parts.codec.logits_size,
        "style_size": graph.style_size,
        "styles": styles,
        "sliders": slider(len(parts.names)),
        "provenance": _provenance(run, parts, iteration, temperature),
    }
    return write_certified(out, policy, sample, {ENCODER_FILE: encoder_onnx(parts)}, **card)


@torch.no_grad()
def load_explorer(run: Path, temperature: float = 1.0) -> tuple[ExplorerGraph, Parts, int]:
    """Read a run folder: its policy as a graph, its parts, and the iterations it was trained for.

    Raises:
        RecipeError: If it has no checkpoint.
    """
    recipe = load_exploration_recipe(run / "recipe.yaml")
    home = find_checkpoint(run / "checkpoint")
    if home is None:
        raise RecipeError(f"{run} has no checkpoint yet; explore first: understudy explore RECIPE --out {run}")
    state = read_state(home)
    parts = build_parts(recipe, BehaviorSpec.from_dict(state["behavior"]), tuple(state["preferences"]))
    parts.eyes.load_state_dict(load_file(run / EYES_FILE))
    past = parts.codec.logits_size if recipe.mind.past_actions else 0
    form: dict[str, spaces.Space[Any]] = {
        "read": flat_space(parts.memory.features + past),
        "weights": flat_space(1 + len(parts.names)),
    }
    policy = parts.build_policy(spaces.Dict(form))
    policy.load_state_dict(read_module(home, "policy"))
    return ExplorerGraph(parts, policy.eval(), temperature).eval(), parts, state["iteration"]


def encoder_onnx(parts: Parts) -> bytes:
    """Return the eyes in ONNX: from `observation.<sensor>` (batch, *sensor shape) to `embedding` (batch, features)."""
    names = [f"observation.{name}" for name in parts.eyes.names]
    return trace_batch(_Looking(parts), parts.behavior, (), names, ["embedding"])


class _Looking(torch.nn.Module):
    """The eyes, told sensors in the spec's order."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.eyes = parts.eyes

    def forward(self, *arrays: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.eyes(dict(zip(self.eyes.names, arrays, strict=True)))
        return embedding


def _observations(run: Path) -> dict[str, np.ndarray]:
    with np.load(run / SAMPLE_FILE, allow_pickle=False) as file:
        return dict(file)


def _provenance(run: Path, parts: Parts, iteration: int, temperature: float) -> dict[str, Any]:
    metrics = run / "metrics.json"
    return {
        "recipe": parts.recipe.model_dump(mode="json", by_alias=True),
        "temperature": temperature,
        "iterations": iteration,
        "preferences": list(parts.names),
        "metrics": json.loads(metrics.read_text()) if metrics.exists() else {},
        "understudy": understudy.__version__,
        "stable_baselines3": version("stable_baselines3"),
    }
