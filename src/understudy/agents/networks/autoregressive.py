"""A head that decides choice by choice, each in the light of those before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from understudy.agents.networks.codec import ActionCodec, draw
from understudy.agents.networks.heads import Play, nats_by_part


class AutoregressiveHead(nn.Module):
    """The chain rule over the choices, in the spec's order: no action that nobody does, whatever its choices alone.

    What was chosen is added to a layer of what the policy knows; each choice's logits are those it has alone, and what
    it reads of that layer. A new head adds nothing: it begins as independent choices.

    Source: Larochelle and Murray 2011, "The neural autoregressive distribution estimator", here conditioned on what the
    policy knows.

    Args:
        codec: Of the actions.
        inputs: Width of the layer before the logits.
        width: Of the layer that keeps what was chosen.
    """

    def __init__(self, codec: ActionCodec, inputs: int, width: int) -> None:
        super().__init__()
        self.codec = codec
        self.reads = width
        self.noise_size = codec.num_choices
        self.enter = nn.Linear(inputs, width)
        self.told = nn.Embedding(codec.logits_size, width)
        self.leave = nn.Linear(width, codec.logits_size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def read(self, outlook: Tensor) -> list[Tensor]:
        """Want the layer as it is before any choice."""
        return [self.enter(outlook)]

    def losses(self, known: Tensor, targets: Tensor, weights: Sequence[Tensor | None]) -> list[Tensor]:
        """Return -log p(target) of each part, given the targets of the choices before it (teacher forcing)."""
        return nats_by_part(self.codec, self.logits(known, targets), targets, weights)

    def logits(self, known: Tensor, targets: Tensor) -> Tensor:
        """Return the logits of each choice, given those of the targets before it."""
        logits, layer = self._split(known)
        found = []
        for choice, part in enumerate(self.codec.choice_slices):
            found.append(logits[..., part] + self._say(layer, part))
            layer = layer + self.told(targets[..., choice] + part.start)
        return torch.cat(found, -1)

    def draw(self, known: Tensor, noise: Tensor, play: Play) -> tuple[Tensor, Tensor]:
        """Draw choice after choice; the logits are those along the way."""
        logits, layer = self._split(known)
        found, chosen = [], []
        for choice, part in enumerate(self.codec.choice_slices):
            found.append(logits[..., part] + self._say(layer, part))
            chosen.append(draw(play(found[-1], part), noise[:, choice]))
            layer = layer + self.told(chosen[-1] + part.start)
        return torch.stack(chosen, -1), torch.cat(found, -1)

    def _split(self, known: Tensor) -> tuple[Tensor, Tensor]:
        size = self.codec.logits_size
        return known[..., :size], known[..., size : size + self.reads]

    def _say(self, layer: Tensor, part: slice) -> Tensor:
        return nn.functional.linear(torch.relu(layer), self.leave.weight[part], self.leave.bias[part])
