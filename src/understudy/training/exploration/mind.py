"""What PPO trains: from what the explorer reads to a layer that both its actions and its values are read from."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from understudy.agents.networks import FiLM
from understudy.training.exploration.eyes import Eyes


class Mind(BaseFeaturesExtractor):
    """The features extractor of stable-baselines3's policy.

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
