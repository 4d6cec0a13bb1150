"""Export: from an exploration's run folder to a bundle with a parity certificate, or a refusal."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from safetensors.torch import load_file

import understudy
from understudy.agents.bundle import Bundle, ParitySample, write_bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime, compare
from understudy.errors import BundleError, RecipeError
from understudy.spec import BehaviorSpec
from understudy.training.checkpoint import find_checkpoint
from understudy.training.exploration import EYES_FILE
from understudy.training.exploration.checkpoint import read_state
from understudy.training.exploration.games import flat_space
from understudy.training.exploration.graph import ExplorerGraph
from understudy.training.exploration.parts import Parts, build_parts
from understudy.training.exploration.preference import named_styles, slider
from understudy.training.exploration.recipe import load_exploration_recipe
from understudy.training.exploration.sight import SAMPLE_FILE
from understudy.training.tracing import trace

ENCODER_FILE = "encoder.onnx"
"""From observations to the embedding that novelty and style are measured on."""
_STORED_STEPS = 32


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
    sample = parity_sample(graph, _sample(run), next(iter(styles.values())))
    batch = {name: {0: "batch"} for name in (*graph.inputs, *graph.outputs)}
    policy = trace(graph, graph.example(2), graph.inputs, graph.outputs, batch)
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
    certificate = _certify(policy, sample, card)
    files = {ENCODER_FILE: encoder_onnx(parts)}
    return write_bundle(out, policy, _head(sample), files, certificate=certificate, **card)


@torch.no_grad()
def load_explorer(run: Path, temperature: float = 1.0) -> tuple[ExplorerGraph, Parts, int]:
    """Read a run folder: its policy as a graph, its parts, and the iterations it was trained for.

    Raises:
        RecipeError: If it has no checkpoint.
    """
    recipe = load_exploration_recipe(run / "recipe.yaml")
    state = read_state(run / "checkpoint")
    home = find_checkpoint(run / "checkpoint")
    if state is None or home is None:
        raise RecipeError(f"{run} has no checkpoint yet; explore first: understudy explore RECIPE --out {run}")
    parts = build_parts(recipe, BehaviorSpec.from_dict(state["behavior"]), tuple(state["preferences"]))
    parts.eyes.load_state_dict(load_file(run / EYES_FILE))
    past = parts.codec.logits_size if recipe.mind.past_actions else 0
    form: dict[str, spaces.Space[Any]] = {
        "read": flat_space(parts.memory.features + past),
        "weights": flat_space(1 + len(parts.names)),
    }
    policy = parts.build_policy(spaces.Dict(form))
    tensors = load_file(home / "tensors.safetensors")
    prefix = "policy."
    policy.load_state_dict({key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)})
    return ExplorerGraph(parts, policy.eval(), temperature).eval(), parts, state["iteration"]


def encoder_onnx(parts: Parts) -> bytes:
    """Return the eyes in ONNX: from `observation.<sensor>` (batch, *sensor shape) to `embedding` (batch, features)."""
    names = [f"observation.{name}" for name in parts.eyes.names]
    arrays = tuple(
        torch.zeros(2, *each.shape, dtype=getattr(torch, each.dtype.name)) for each in parts.behavior.sensors
    )
    return trace(_Looking(parts), arrays, names, ["embedding"], {name: {0: "batch"} for name in (*names, "embedding")})


class _Looking(torch.nn.Module):
    """The eyes, told sensors in the spec's order."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.eyes = parts.eyes

    def forward(self, *arrays: torch.Tensor) -> torch.Tensor:
        embedding: torch.Tensor = self.eyes(dict(zip(self.eyes.names, arrays, strict=True)))
        return embedding


@torch.no_grad()
def parity_sample(graph: ExplorerGraph, observations: Mapping[str, np.ndarray], style: Sequence[float]) -> ParitySample:
    """Play the network, step by step with its state carried, through recorded observations in one style."""
    behavior = graph.behavior
    num = len(next(iter(observations.values())))
    noise = uniform_noise(np.zeros(num, np.uint64), np.arange(num, dtype=np.uint64), graph.noise_size)
    state, asked, outputs = torch.zeros(1, graph.state_size), torch.tensor([style], dtype=torch.float32), []
    for step in range(num):
        sensors = [torch.from_numpy(observations[name][step : step + 1]) for name in behavior.sensor_names]
        *actions, state, logits = graph(*sensors, state, torch.from_numpy(noise[step : step + 1]), asked)
        outputs.append((*actions, logits))
    *actions, logits = (torch.cat(column).numpy() for column in zip(*outputs, strict=True))
    return ParitySample(dict(observations), noise, logits, dict(zip(behavior.action_names, actions, strict=True)))


def _sample(run: Path) -> dict[str, np.ndarray]:
    with np.load(run / SAMPLE_FILE, allow_pickle=False) as file:
        return dict(file)


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


def _head(sample: ParitySample) -> ParitySample:
    """What is stored in the bundle; the certificate covers all of it."""
    rows = slice(_STORED_STEPS)
    observations = {name: value[rows] for name, value in sample.observations.items()}
    actions = {name: value[rows] for name, value in sample.actions.items()}
    return ParitySample(observations, sample.noise[rows], sample.logits[rows], actions)


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
