"""What a profile puts between a policy's logits and its actions: masks, scales and the likeliest choice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.profiles.layout import Choice, Layout
from understudy.agents.profiles.nodes import GraphBuilder

MASKED = 1e9
"""Taken from the logit of a masked class: its probability is then nought in float32, at any temperature."""
_CERTAIN = 1e4
_NOISE_BELOW = np.float32(1 - 2**-24)


@dataclass(frozen=True)
class Likeliest:
    """The most likely choices at some logits.

    Attributes:
        indices: The name of each choice's class, int64, shape (batch,).
        logits: The name of logits that lead to these choices whatever the noise; those of `Box` parts are unchanged.
    """

    indices: list[str]
    logits: str


def bind_constants(graph: GraphBuilder, bundle: Bundle, like: str) -> dict[str, str]:
    """Add the inputs that a profile fixes: the default style, and zeros for a state that is not carried."""
    width = bundle.style_size
    blank = graph.rows_of(like, width) if width else ""
    fixed = {"style": graph("Add", blank, graph.constant(bundle.style().reshape(1, width)))} if width else {}
    return {"state": graph.rows_of(like, bundle.state_size), **fixed}


def clip_noise(graph: GraphBuilder, noise: str) -> str:
    """Keep noise below 1, which some engines' generators can reach and which no policy was made for."""
    return graph("Min", noise, graph.constant(_NOISE_BELOW))


def mask_logits(graph: GraphBuilder, layout: Layout, logits: str, masks: str) -> str:
    """Rule out the classes that are masked.

    Args:
        graph: To add to.
        layout: Of the logits.
        logits: Their name.
        masks: The name of a float of shape (batch, classes of all choices): 1 allows a class, 0 rules it out.
    """
    weights = np.zeros((sum(each.classes for each in layout.choices), len(layout.continuous)), np.float32)
    row = 0
    for choice in layout.choices:
        if len(choice.columns) == 1:
            weights[row : row + 2, choice.columns[0]] = MASKED, -MASKED
        else:
            weights[np.arange(row, row + choice.classes), list(choice.columns)] = -MASKED
        row += choice.classes
    ruled_out = graph("Sub", graph.constant(1.0), masks)
    return graph("Add", logits, graph("MatMul", ruled_out, graph.constant(weights)))


def class_logits(graph: GraphBuilder, choice: Choice, logits: str) -> str:
    """Return the logits of a choice's classes, in order, shape (batch, classes)."""
    taken = graph.columns(logits, choice.columns)
    if len(choice.columns) > 1:
        return taken
    return graph("Concat", graph("Mul", taken, graph.constant(0.0)), taken, axis=1)


def likeliest(graph: GraphBuilder, layout: Layout, logits: str) -> Likeliest:
    """Find the most likely class of each choice; of equal ones the first."""
    settled = graph("Mul", logits, graph.constant([layout.continuous]))
    indices = []
    for choice in layout.choices:
        index = graph("ArgMax", class_logits(graph, choice, logits), axis=1, keepdims=1)
        hot = graph("Equal", index, graph.constant([range(choice.classes)], np.int64))
        weights = np.zeros((choice.classes, len(layout.continuous)), np.float32)
        if len(choice.columns) == 1:
            weights[:, choice.columns[0]] = -_CERTAIN, _CERTAIN
        else:
            weights[np.arange(choice.classes), list(choice.columns)] = _CERTAIN
        settled = graph("Add", settled, graph("MatMul", graph("Cast", hot, to=1), graph.constant(weights)))
        indices.append(index)
    return Likeliest(indices, settled)


def chosen(graph: GraphBuilder, layout: Layout, drawn: Mapping[str, str]) -> list[str]:
    """Return the class of each choice in a tail's actions, int64, each of shape (batch, 1)."""
    columns = []
    for choice in layout.choices:
        width = math.prod(choice.part.shape)
        flat = graph.reshape(drawn[f"action.{choice.part.name}"], -1, width)
        columns.append(graph("Cast", graph.columns(flat, [choice.index]), to=7))
    return columns


def unit_numbers(graph: GraphBuilder, layout: Layout, drawn: Mapping[str, str]) -> list[str]:
    """Return the numbers of each `Box` part in a tail's actions, scaled to [-1, 1], each (batch, numbers)."""
    results = []
    for part in layout.numbers:
        assert isinstance(part.space, spaces.Box)
        low, high = (each.astype(np.float64).reshape(1, -1) for each in (part.space.low, part.space.high))
        wide = high > low
        slope = np.where(wide, 2 / np.where(wide, high - low, 1), 0)
        flat = graph.reshape(drawn[f"action.{part.name}"], -1, part.num_labels)
        scaled = graph("Mul", graph("Sub", flat, graph.constant(low)), graph.constant(slope))
        shifted = graph("Sub", scaled, graph.constant(np.where(wide, 1, 0)))
        results.append(graph("Clip", shifted, graph.constant(-1.0), graph.constant(1.0)))
    return results
