"""From what a policy knows to an action: the interface of the joint heads, and the one whose choices are independent.

A policy hands its joint head what it knows: the logits of every choice alone, and behind them whatever the head asked
for. A head that keeps coordination draws later choices in the light of earlier ones, or all of them from one noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from understudy.agents.networks.codec import ActionCodec


@dataclass(frozen=True)
class Play:
    """How play departs from what was learned.

    Attributes:
        log_odds: Added to the logits, float32, shape (logits_size,).
        temperature: Divides them then, float32, shape (logits_size,).
    """

    log_odds: Tensor
    temperature: Tensor

    def __call__(self, logits: Tensor, part: slice = slice(None)) -> Tensor:
        """Adjust all logits (..., logits_size), or only those of a choice."""
        return (logits + self.log_odds[part]) / self.temperature[part]


class JointHead(Protocol):
    """Decides on all choices of an action together.

    What is `known` holds the logits of each choice alone, (..., logits_size), then `reads` numbers of this head's own.

    Attributes:
        reads: Numbers it wants to know besides the logits.
        noise_size: Uniform numbers it draws an action from.
    """

    reads: int
    noise_size: int

    def read(self, outlook: Tensor) -> list[Tensor]:
        """Return the numbers it wants to know, (..., reads), from the layer before the logits; or none."""
        ...

    def losses(self, known: Tensor, targets: Tensor, weights: Sequence[Tensor | None]) -> list[Tensor]:
        """Return what training makes small, in nats, shape (...) for each action part.

        Args:
            known: Shape (..., known_size).
            targets: Class indices of what was done, int64, shape (..., choices).
            weights: By part, of the classes, shape (choices, classes), or None.
        """
        ...

    def logits(self, known: Tensor, targets: Tensor) -> Tensor:
        """Return the logits of each choice where `targets` were chosen, (..., logits_size).

        Their softmax is the probability of a choice given the choices before it, if the head orders them, else alone.
        """
        ...

    def draw(self, known: Tensor, noise: Tensor, play: Play) -> tuple[Tensor, Tensor]:
        """Draw an action.

        Args:
            known: Of calibrated logits, shape (batch, known_size).
            noise: Uniform in [0, 1), shape (batch, noise_size).
            play: How play departs from what was learned.

        Returns:
            Class indices, int64, (batch, choices); and the logits they were drawn from, before `play`.
        """
        ...


class FactoredHead(nn.Module):
    """Each choice on its own: the action is as likely as its choices' probabilities multiplied."""

    reads = 0

    def __init__(self, codec: ActionCodec) -> None:
        super().__init__()
        self.codec = codec
        self.noise_size = codec.num_choices

    def read(self, outlook: Tensor) -> list[Tensor]:  # noqa: ARG002
        """Want nothing."""
        return []

    def losses(self, known: Tensor, targets: Tensor, weights: Sequence[Tensor | None]) -> list[Tensor]:
        """Return -log p(target) of each part."""
        return nats_by_part(self.codec, self.logits(known, targets), targets, weights)

    def logits(self, known: Tensor, targets: Tensor) -> Tensor:  # noqa: ARG002
        """Return the logits as they are known."""
        return known[..., : self.codec.logits_size]

    def draw(self, known: Tensor, noise: Tensor, play: Play) -> tuple[Tensor, Tensor]:
        """Draw every choice by its own number of noise."""
        return self.codec.sample(play(known), noise), known


def nats_by_part(
    codec: ActionCodec, logits: Tensor, targets: Tensor, weights: Sequence[Tensor | None] | None = None
) -> list[Tensor]:
    """Return -log p(target) of each part, shape (...); see `codec.Head.negative_log_likelihood`."""
    weights = [None] * len(codec.names) if weights is None else weights
    pieces = zip(codec, codec.split(logits), codec.split_choices(targets), weights, strict=True)
    return [head.negative_log_likelihood(piece, target, weight) for head, piece, target, weight in pieces]
