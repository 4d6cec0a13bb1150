"""Whether embeddings collapsed: how many dimensions they fill on held-out play, and how well what comes next is told.

An encoder that says the same of everything is easily told in advance, and useless. Its effective rank shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.agents.networks import Policy
from understudy.recordings.cache import Cache, Span
from understudy.training.data import to_window
from understudy.training.objective import encode_window
from understudy.training.self_supervision import SelfSupervision
from understudy.training.stream import WindowBatch

_CHUNK = 128
# Of each held-out set; a rank needs some times as many rows as there are dimensions.
_MOST_ROWS, _MOST_SPANS = 4096, 32


@dataclass(frozen=True)
class EmbeddingMetrics:
    """The exported weights' embeddings on one held-out set.

    Attributes:
        held_out: Which set.
        steps: How many were looked at.
        size: Numbers in an embedding.
        effective_rank: Of the embeddings, 1 (collapsed) to `size`; see `effective_rank`.
        deviation: Mean standard deviation of an embedding's numbers.
        memory_size: Numbers in the memory's output.
        memory_effective_rank: Of the memory's output.
        loss: What self-supervision makes small, unweighted, in its own unit; None for a recipe without it.
        standing_still: The same if nothing were told to change; None where no embedding is told.
    """

    held_out: str
    steps: int
    size: int
    effective_rank: float
    deviation: float
    memory_size: int
    memory_effective_rank: float
    loss: float | None = None
    standing_still: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def effective_rank(rows: np.ndarray) -> float:
    """Return how many dimensions rows (steps, size) fill: e to the entropy of their singular values, centred.

    Source: Roy & Vetterli 2007, "The effective rank", definition 1. Rows that are all alike have rank 1.
    """
    values = np.linalg.svd(rows - rows.mean(0, keepdims=True), compute_uv=False).astype(np.float64)
    shares = values / values.sum() if values.sum() > 1e-9 else np.ones(1)
    return float(np.exp(-(shares * np.log(np.maximum(shares, 1e-300))).sum()))


@dataclass(frozen=True)
class Sight:
    """What a policy makes of one span.

    Attributes:
        seen: Embeddings, (steps, embedding_size).
        remembered: What the memory makes of them, (steps, memory.features).
        choices: Class indices of the actions, int64, (steps, choices).
    """

    seen: Tensor
    remembered: Tensor
    choices: Tensor


@torch.no_grad()
def look(policy: Policy, cache: Cache, span: Span, style: Tensor | None = None) -> Sight:
    """Take a policy through a span, its memory from zero and told its past actions; see `Sight`."""
    policy.eval()
    state = torch.zeros(1, policy.state_size)
    more = () if style is None else (style.unsqueeze(0),)
    chunks = []
    for start in range(span.start, span.stop, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, span.stop))[None]
        past = np.where(numbers > span.start, numbers - 1, -1)
        batch = WindowBatch.of(numbers, past, np.ones_like(numbers, bool), first=start == span.start)
        window = to_window(cache, policy.codec, batch)
        _, state, seen, remembered = policy.observe(encode_window(policy.encode, window), window.past, state, *more)
        chunks.append((seen[0], remembered[0], window.targets[0]))
    return Sight(*(torch.cat(each) for each in zip(*chunks, strict=True)))


def measure_embeddings(
    policy: Policy,
    cache: Cache,
    held_out: Mapping[str, Sequence[Span]],
    style_of: Callable[[Span], Tensor] | None = None,
    lesson: SelfSupervision | None = None,
) -> list[EmbeddingMetrics]:
    """Measure embeddings on the beginnings of some of each held-out set's spans, at most 4,096 steps.

    Args:
        policy: To measure, on the CPU; it is put into evaluation mode.
        cache: Of its recordings.
        held_out: Spans by the set's name.
        style_of: The style to play a span in, (style_size,), for a policy with styles.
        lesson: The self-supervision it was trained with, on the CPU.
    """
    table = []
    for kind, spans in held_out.items():
        sights = [look(policy, cache, each, style_of(each) if style_of else None) for each in _beginnings(spans)]
        table.append(_row(kind, sights, lesson))
    return table


def _beginnings(spans: Sequence[Span]) -> list[Span]:
    chosen = np.unique(np.linspace(0, len(spans) - 1, min(_MOST_SPANS, len(spans))).round().astype(int))
    most = _MOST_ROWS // len(chosen)
    return [replace(each, stop=min(each.stop, each.start + most)) for each in (spans[index] for index in chosen)]


def _row(kind: str, sights: Sequence[Sight], lesson: SelfSupervision | None) -> EmbeddingMetrics:
    seen = torch.cat([each.seen for each in sights]).numpy()
    remembered = torch.cat([each.remembered for each in sights]).numpy()
    return EmbeddingMetrics(
        held_out=kind,
        steps=len(seen),
        size=seen.shape[1],
        effective_rank=effective_rank(seen),
        deviation=float(seen.std(0).mean()),
        memory_size=remembered.shape[1],
        memory_effective_rank=effective_rank(remembered),
        **(_losses(sights, lesson) if lesson is not None else {}),
    )


@torch.no_grad()
def _losses(sights: Sequence[Sight], lesson: SelfSupervision) -> dict[str, float | None]:
    losses, stills = [], []
    for each in sights:
        if len(each.seen) > lesson.recipe.steps:
            seen = each.seen.unsqueeze(0)
            losses.append(lesson.pairs(seen, seen, each.remembered.unsqueeze(0), each.choices.unsqueeze(0)).flatten())
            still = lesson.standing_still(seen, seen)
            stills += [] if still is None else [still.flatten()]
    return {
        "loss": float(torch.cat(losses).mean()) if losses else None,
        "standing_still": float(torch.cat(stills).mean()) if stills else None,
    }
