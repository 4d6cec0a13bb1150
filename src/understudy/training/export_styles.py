"""What a bundle says of styles: the named ones, the sliders, and the graph that reads one from demonstrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import torch

from understudy.agents.networks.style import StyleGraph, StyleSpace, emphasised
from understudy.errors import BundleError
from understudy.recordings import Episode, Recordings
from understudy.training.recipe import Recipe, StyleRecipe
from understudy.training.recovery import persona_styles, with_skill
from understudy.training.sliders import slider_directions
from understudy.training.styles import Roster
from understudy.training.tracing import trace

# Of a style's numbers, between the training encoder and the exported graph.
TOLERANCE = 1e-4
ANYONE = "anyone"


@dataclass(frozen=True)
class ExportedStyles:
    """The styles' part of a bundle: fields of its card, and `style.onnx`."""

    card: dict[str, Any]
    graph: bytes


def export_styles(space: StyleSpace, roster: Roster, recipe: Recipe, recordings: Recordings) -> ExportedStyles:
    """Export a trained space of styles.

    Args:
        space: In evaluation mode.
        roster: Its players.
        recipe: That it was trained by.
        recordings: That it was trained on: sliders are measured on them, and the longest certifies the graph.

    Raises:
        BundleError: If the exported graph does not give the encoder's own answers.
        RecipeError: If a slider cannot be measured.
    """
    assert recipe.style is not None
    size, skill = recipe.style_size, roster.median_skill
    found, emphasis = persona_styles(roster, space), recipe.style.emphasis
    centre = torch.stack(list(found.values())).mean(0)
    named = {name: emphasised(style, centre, emphasis) for name, style in found.items()}
    # Sequences without a style taught the policy what everybody does.
    plain = {ANYONE: torch.zeros(recipe.style.size)} if recipe.style.dropout and ANYONE not in named else {}
    styles = {name: with_skill(style, skill, size).tolist() for name, style in (plain | named).items()}
    graph = StyleGraph(space.encoder, recipe.style.skill is not None, centre, emphasis).eval()
    example = demonstrate(graph, max(recordings, key=lambda each: each.num_steps), recipe.style)
    onnx = style_to_onnx(graph, example)
    card = {
        "style_size": size,
        "styles": styles,
        "has_skill": recipe.style.skill is not None,
        "sliders": slider_directions(space, roster, recipe, recordings),
        "demonstrations": {
            "sensors": list(space.encoder.encoders),
            "steps": recipe.style.steps,
            "certificate": certify(graph, onnx, example),
        },
    }
    return ExportedStyles(card, onnx)


def demonstrate(graph: StyleGraph, episode: Episode, recipe: StyleRecipe) -> tuple[torch.Tensor, ...]:
    """Cut an episode to pieces and return them as the graph's inputs, each (pieces, steps, *shape)."""
    starts = np.linspace(0, max(0, episode.num_steps - recipe.steps), recipe.pieces).round().astype(int)
    rows = np.minimum(starts[:, None] + np.arange(recipe.steps), episode.num_steps - 1)
    read = {"observation": episode.observation, "action": episode.action}
    keys = (name.split(".", 1) for name in graph.inputs)
    return tuple(torch.from_numpy(np.ascontiguousarray(read[kind](name)[rows])) for kind, name in keys)


def style_to_onnx(graph: StyleGraph, example: tuple[torch.Tensor, ...]) -> bytes:
    """Return the graph in ONNX, with any number of pieces as dimension 0 of every input."""
    return trace(graph, example, graph.inputs, ["style"], {name: {0: "pieces"} for name in graph.inputs})


@torch.no_grad()
def certify(graph: StyleGraph, onnx: bytes, example: tuple[torch.Tensor, ...]) -> dict[str, Any]:
    """Compare the exported graph with the encoder on one piece, and on all; raise `BundleError` if they differ."""
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    differences = []
    for num in (1, len(example[0])):
        pieces = tuple(each[:num] for each in example)
        feed = {name: each.numpy() for name, each in zip(graph.inputs, pieces, strict=True)}
        found = session.run(["style"], feed)[0]
        differences.append(float(np.abs(found - graph(*pieces).numpy()).max()))
    if not max(differences) <= TOLERANCE:
        raise BundleError(
            f"The exported style encoder is not the trained one: styles differ by up to {max(differences):.2g} "
            f"(allowed: {TOLERANCE:g})."
        )
    return {"pieces": len(example[0]), "max_difference": max(differences), "tolerance": TOLERANCE}
