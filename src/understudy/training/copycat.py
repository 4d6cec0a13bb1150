"""How much a policy copies: what it predicts when told its last action, when not told now, and when never told.

A policy that is fed its own last action can predict people's well by repeating it, and then goes on forever with
whatever it began. What tells is where the action changes, and what is left of the prediction without the last action.

Source: the copycat problem of Wen et al. 2020, arXiv:2010.14876; what is measured here is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from understudy.agents.networks import Policy
from understudy.recordings.cache import Cache, Span
from understudy.training.data import Window, to_window
from understudy.training.stream import WindowBatch

_CHUNK = 64
_SPANS_AT_ONCE = 32


@dataclass(frozen=True)
class CopycatMetrics:
    """One head on one held-out set, in nats per decision.

    Attributes:
        held_out: Which set.
        head: Which action part.
        where: `"all"` steps, those where the person's action `"changed"`, or those where it was `"held"`.
        steps: How many; the first of each span is left out.
        told: Mean of -log p(action), the policy being told its last action at every step.
        hidden: The same, the last action being hidden at this one step; the memory was told those before.
        never: The same, where no action was ever told.
        copied: Mean of hidden - told: what the prediction owes to the last action alone.
        change: Mean probability that the policy, being told, gives to an action other than the last. Where the person's
            changed, the share of changes that it foresees; where it was held, the share of changes it makes up.
    """

    held_out: str
    head: str
    where: str
    steps: int
    told: float
    hidden: float
    never: float
    copied: float
    change: float

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return asdict(self)


@dataclass(frozen=True)
class Telling:
    """What a policy predicts in a span, each (steps, parts), by how much it is told; see `CopycatMetrics`."""

    told: np.ndarray
    hidden: np.ndarray
    never: np.ndarray
    change: np.ndarray
    changed: np.ndarray


def measure_copying(
    policy: Policy,
    cache: Cache,
    held_out: Mapping[str, Sequence[Span]],
    style_of: Callable[[Span], Tensor] | None = None,
) -> list[CopycatMetrics]:
    """Measure how much a policy copies, on each held-out set.

    Args:
        policy: To measure, on the CPU; it is put into evaluation mode.
        cache: Of its recordings.
        held_out: Spans by the set's name.
        style_of: The style to play a span in, (style_size,), for a policy with styles.

    Returns:
        For each set and action part a row of all steps, and where there are any, of those changed and those held.
    """
    table = []
    for kind, spans in held_out.items():
        tellings = tell(policy, cache, spans, style_of)
        # At the first step of a span there is nothing to copy.
        whole = Telling(*(np.concatenate([getattr(each, name)[1:] for each in tellings]) for name in _COLUMNS))
        for part, name in enumerate(policy.codec.names):
            changed = whole.changed[:, part]
            for where, mask in (("all", np.ones_like(changed)), ("changed", changed), ("held", ~changed)):
                if mask.any():
                    table.append(_row(kind, name, where, whole, part, mask))
    return table


@torch.no_grad()
def tell(
    policy: Policy, cache: Cache, spans: Sequence[Span], style_of: Callable[[Span], Tensor] | None = None
) -> list[Telling]:
    """Predict each recorded action of some spans, told, not told now, and never told; memories begin at zero."""
    policy.eval()
    order = sorted(range(len(spans)), key=lambda at: len(spans[at]))
    found: dict[int, Telling] = {}
    for first in range(0, len(order), _SPANS_AT_ONCE):
        places = order[first : first + _SPANS_AT_ONCE]
        together = [spans[at] for at in places]
        style = torch.stack([style_of(span) for span in together]) if style_of else None
        columns = [
            np.concatenate(each, 1) for each in zip(*_tell_together(policy, cache, together, style), strict=True)
        ]
        for row, at in enumerate(places):
            found[at] = Telling(*(each[row, : len(spans[at])] for each in columns))
    return [found[at] for at in range(len(spans))]


_COLUMNS = ("told", "hidden", "never", "change", "changed")


def _tell_together(
    policy: Policy, cache: Cache, spans: Sequence[Span], style: Tensor | None
) -> Iterator[tuple[np.ndarray, ...]]:
    """Give the columns of a `Telling`, each (spans, steps, parts), a chunk of steps at a time."""
    told = never = torch.zeros(len(spans), policy.state_size)
    styles = None if style is None else style.repeat(3, 1)
    for window in _windows(policy, cache, spans):
        known = []
        features = policy.encode({name: each.flatten(0, 1) for name, each in window.sensors.items()})
        features = features.reshape(*window.valid.shape, -1)
        for step in range(window.valid.shape[1]):
            past = window.past[:, step : step + 1]
            hidden = policy.codec.hide(past, torch.zeros(past.shape[:2]))
            # Three bots side by side for each span: one told, one not told now, one never told.
            out, state = policy.decide(
                features[:, step : step + 1].repeat(3, 1, 1),
                torch.cat([past, hidden, hidden]),
                torch.cat([told, told, never]),
                styles,
            )
            told, _, never = state.chunk(3)
            known.append(out)
        yield _columns(policy, torch.cat(known, 1), window)


def _columns(policy: Policy, known: Tensor, window: Window) -> tuple[np.ndarray, ...]:
    codec = policy.codec
    nats = policy.nats(known, window.targets.repeat(3, 1, 1)).chunk(3)
    pieces = torch.split(window.past, list(codec.classes), -1)
    before = torch.stack([piece.argmax(-1) for piece in pieces], -1)
    repeat = _repeat(policy, known[: len(before)], window.targets, before)
    began = ~window.past.any(-1, keepdim=True)
    moved = [
        (one != other).any(-1) for one, other in zip(*map(codec.split_choices, (window.targets, before)), strict=True)
    ]
    changed = torch.stack(moved, -1) & ~began
    return *(each.numpy() for each in nats), (1 - repeat).numpy(), changed.numpy()


def _repeat(policy: Policy, known: Tensor, targets: Tensor, before: Tensor) -> Tensor:
    """How probable it is that a part does again what it did, the other parts doing what was done, (..., parts)."""
    sizes = torch.tensor([head.choices for head in policy.codec])
    part_of = torch.arange(len(sizes)).repeat_interleave(sizes)
    nats = [policy.nats(known, torch.where(part_of == part, before, targets))[..., part] for part in range(len(sizes))]
    return torch.stack(nats, -1).neg().exp()


def _windows(policy: Policy, cache: Cache, spans: Sequence[Span]) -> Iterator[Window]:
    """Chunks of all spans side by side; the shorter ones stay at their last step."""
    starts, stops = (np.array([getattr(span, end) for span in spans])[:, None] for end in ("start", "stop"))
    longest = max(len(span) for span in spans)
    for start in range(0, longest, _CHUNK):
        rows = starts + np.arange(start, min(start + _CHUNK, longest))
        valid = rows < stops
        rows = np.minimum(rows, stops - 1)
        past = np.where(rows > starts, rows - 1, -1)
        yield to_window(cache, policy.codec, WindowBatch.of(rows, past, valid, first=start == 0))


def _row(kind: str, name: str, where: str, whole: Telling, part: int, mask: np.ndarray) -> CopycatMetrics:
    columns = (whole.told, whole.hidden, whole.never, whole.change)
    told, hidden, never, change = (float(each[mask, part].mean()) for each in columns)
    return CopycatMetrics(kind, name, where, int(mask.sum()), told, hidden, never, hidden - told, change)
