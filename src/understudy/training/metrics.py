"""How well a policy predicts people's actions, per head, against the marginal and the first-order Markov chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from understudy.agents.networks import ActionCodec, Policy
from understudy.recordings.cache import Cache, Span
from understudy.training.baselines import ChoiceCounts
from understudy.training.data import to_window
from understudy.training.stream import WindowBatch

_CHUNK = 128
_COUNTED = 1 << 16
# Blocks of consecutive steps that the bootstrap draws whole, since neighbouring steps are not independent: 15 seconds
# at the usual rates.
_BLOCK = 256
_DRAWS = 1000


@dataclass(frozen=True)
class HeadMetrics:
    """One head on one held-out set, in nats per decision.

    Attributes:
        held_out: Which set.
        head: Which action part.
        where: `"all"` steps, or those where the person's action `"changed"`.
        steps: How many.
        model: Mean of -log p(action).
        markov: The same of the first-order Markov chain.
        marginal: The same of the marginal.
        gain: Mean of markov - model.
        gain_low: 2.5 % end of a block bootstrap of `gain`.
        gain_high: 97.5 % end.
    """

    held_out: str
    head: str
    where: str
    steps: int
    model: float
    markov: float
    marginal: float
    gain: float
    gain_low: float
    gain_high: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


def encode_rows(cache: Cache, codec: ActionCodec, rows: slice) -> np.ndarray:
    """Return the class indices of some rows, int64, shape (rows, choices)."""
    actions = {name: torch.from_numpy(np.array(cache.arrays[f"action.{name}"][rows])) for name in codec.names}
    return codec.encode(actions).numpy()


def count_choices(cache: Cache, codec: ActionCodec, spans: Sequence[Span]) -> list[ChoiceCounts]:
    """Count each choice over the training spans, in the codec's order; a piece at a time, for there may be millions."""
    counts = [ChoiceCounts.none(head.classes) for head in codec for _ in range(head.choices)]
    for span in spans:
        for start in range(span.start, span.stop, _COUNTED):
            follows = start > span.start
            piece = encode_rows(cache, codec, slice(start - follows, min(start + _COUNTED, span.stop)))
            for column, each in enumerate(counts):
                each.add(piece[:, column], follows=follows)
    return counts


@torch.no_grad()
def predict_nats(policy: Policy, cache: Cache, span: Span, style: torch.Tensor | None = None) -> np.ndarray:
    """Return -log p of each recorded action under the policy, carrying its memory through a span from zero.

    Args:
        policy: To measure.
        cache: Of its recordings.
        span: Which of its rows.
        style: float32, (style_size,), for a policy with styles.

    Returns:
        float32, shape (steps, heads).
    """
    policy.eval()
    codec = policy.codec
    state = torch.zeros(1, policy.state_size)
    more = () if style is None else (style.unsqueeze(0),)
    rows = []
    for start in range(span.start, span.stop, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, span.stop))[None]
        past = np.where(numbers > span.start, numbers - 1, -1)
        batch = WindowBatch.of(numbers, past, np.ones_like(numbers, bool), first=start == span.start)
        window = to_window(cache, codec, batch)
        known, state = policy(window.sensors, window.past, state, *more)
        rows.append(policy.nats(known, window.targets)[0])
    return torch.cat(rows).numpy()


def evaluate(
    policy: Policy,
    cache: Cache,
    held_out: dict[str, tuple[Span, ...]],
    counts: Sequence[ChoiceCounts],
    style_of: Callable[[Span], torch.Tensor] | None = None,
) -> list[HeadMetrics]:
    """Measure a policy on each held-out set.

    Args:
        policy: To measure.
        cache: Of its recordings.
        held_out: Spans by the set's name.
        counts: Of the training rows, for the baselines.
        style_of: The style to play a span in, for a policy with styles.
    """
    table = []
    for kind, spans in held_out.items():
        styles = [style_of(span) if style_of else None for span in spans]
        model = np.concatenate([predict_nats(policy, cache, *each) for each in zip(spans, styles, strict=True)])
        markov, marginal, changed = (np.concatenate(each) for each in _baselines(policy.codec, cache, spans, counts))
        for column, name in enumerate(policy.codec.names):
            for where, mask in (("all", np.ones(len(model), bool)), ("changed", changed[:, column])):
                if mask.any():
                    nats = (each[:, column] for each in (model, markov, marginal))
                    table.append(_row(kind, name, where, mask, *nats))
    return table


def _baselines(
    codec: ActionCodec, cache: Cache, spans: Sequence[Span], counts: Sequence[ChoiceCounts]
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Markov nats, marginal nats and whether the action changed, each (steps, heads) per span."""
    ends = np.cumsum([head.choices for head in codec])
    markov, marginal, changed = [], [], []
    for span in spans:
        now = encode_rows(cache, codec, slice(span.start, span.stop))
        before = np.concatenate([np.full((1, now.shape[1]), -1), now[:-1]])
        per_choice = [
            (c.markov_nats(now[:, i], before[:, i]), c.marginal_nats(now[:, i])) for i, c in enumerate(counts)
        ]
        moved = (now != before) & (before >= 0)
        markov.append(_per_head(np.stack([each[0] for each in per_choice], 1), ends))
        marginal.append(_per_head(np.stack([each[1] for each in per_choice], 1), ends))
        changed.append(_per_head(moved, ends).astype(bool))
    return markov, marginal, changed


def _per_head(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sum the choices of each head."""
    return np.stack([part.sum(1) for part in np.split(values, ends[:-1], 1)], 1)


def _row(
    kind: str, name: str, where: str, mask: np.ndarray, model: np.ndarray, markov: np.ndarray, marginal: np.ndarray
) -> HeadMetrics:
    gain = np.where(mask, markov - model, 0.0)
    low, high = _block_interval(gain, mask)
    mean, chain, share = (float(each[mask].mean()) for each in (model, markov, marginal))
    return HeadMetrics(kind, name, where, int(mask.sum()), mean, chain, share, chain - mean, low, high)


def _block_interval(values: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over masked steps, by a bootstrap over blocks of consecutive steps."""
    starts = np.arange(0, len(values), _BLOCK)
    sums, sizes = np.add.reduceat(values, starts), np.add.reduceat(mask.astype(float), starts)
    draws = np.random.default_rng(0).integers(len(starts), size=(_DRAWS, len(starts)))
    means = sums[draws].sum(1) / np.maximum(sizes[draws].sum(1), 1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
