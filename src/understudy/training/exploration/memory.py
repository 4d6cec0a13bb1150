"""What an explorer remembers: embeddings of a few decisions ago, and running means of all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class EchoMemory(nn.Module):
    """A memory without weights: nothing in it has to be learned, so that PPO may shuffle decisions.

    Args:
        features: Of an embedding.
        lags: How many decisions ago the remembered embeddings are.
        decays: Of the running means.
    """

    def __init__(self, features: int, lags: Sequence[int], decays: Sequence[float]) -> None:
        super().__init__()
        self.lags, self.decays = tuple(lags), tuple(decays)
        self._width = features
        self._depth = max(self.lags, default=0)
        self.state_size = features * (self._depth + len(self.decays))
        self.features = features * (1 + len(self.lags) + len(self.decays))

    def forward(self, embedding: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Remember one decision.

        Args:
            embedding: Of what is seen now, (batch, features).
            state: Of the memory, (batch, state_size); zeros at the start of an episode.

        Returns:
            What the policy reads, (batch, self.features): what is seen now, what was seen at each lag (zeros before
            the start), and the running means with what is seen now; and the next state.
        """
        width = self._width
        slots = [state[:, at * width : (at + 1) * width] for at in range(self._depth + len(self.decays))]
        past, means = slots[: self._depth], slots[self._depth :]
        means = [decay * mean + (1 - decay) * embedding for decay, mean in zip(self.decays, means, strict=True)]
        read = torch.cat([embedding, *(past[lag - 1] for lag in self.lags), *means], -1)
        return read, torch.cat([embedding, *past[:-1], *means] if past else [*means, embedding[:, :0]], -1)
