"""What lies between an explorer's embeddings and its actions: a memory without weights, and what PPO trains."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from understudy.agents.networks import FiLM
from understudy.training.exploration.eyes import Eyes


class EchoMemory(nn.Module):
    """Embeddings of a few decisions ago, and running means of all of them.

    It has no weights: nothing in it has to be learned, so that PPO may shuffle decisions.

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


class Mind(BaseFeaturesExtractor):
    """From what the explorer reads to a layer for its actions and values; a features extractor of stable-baselines3.

    Args:
        observation_space: Of `ExplorationGames`.
        hidden: Width of its layers.
        eyes: A frozen explorer's, to copy and train along; None for a policy that reads embeddings alone.
        shapes: Of the eyes' sensors, by name.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        hidden: int,
        eyes: Eyes | None = None,
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        weights = int(observation_space["weights"].shape[0])  # type: ignore[index]
        super().__init__(observation_space, features_dim=hidden + weights)
        read = int(observation_space["read"].shape[0])  # type: ignore[index]
        self.eyes = copy.deepcopy(eyes).requires_grad_() if eyes else None
        self.shapes = dict(shapes or {})
        read += self.eyes.features if self.eyes else 0
        self.join = nn.Sequential(nn.Linear(read, hidden), nn.LayerNorm(hidden), nn.ReLU())
        self.film = FiLM(weights, hidden)
        self.deep = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())

    def forward(self, observations: Mapping[str, Tensor]) -> Tensor:
        """Map observations, by name (batch, size), to (batch, hidden + weights)."""
        seen = {name: observations[f"seen.{name}"].reshape(-1, *shape) for name, shape in self.shapes.items()}
        return self.think(observations["read"], observations["weights"], seen)

    def think(self, read: Tensor, weights: Tensor, seen: Mapping[str, Tensor]) -> Tensor:
        """As `forward`, from sensors (batch, *sensor shape) in their own form."""
        read = torch.cat([read, self.eyes(seen)], -1) if self.eyes else read
        return torch.cat([self.deep(self.film(self.join(read), weights)), weights], -1)
