"""Preferences as the policy reads them: alpha, then one weight for each preference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

SLIDER = "alpha"


class RewardWeights(nn.Module):
    """Turns a style into the weights of the rewards it asks for, which is what the policy reads.

    The style is alpha, then a weight for each preference; what it asks for is novelty by alpha, and each preference's
    style by its share of 1 - alpha. Blends of styles and a slider past its end so become sound weights.

    Args:
        preferences: How many there are; none for an agent that only explores.
    """

    def __init__(self, preferences: int) -> None:
        super().__init__()
        self.preferences = preferences

    def forward(self, style: Tensor) -> Tensor:
        """Map (batch, 1 + preferences) to weights of novelty and of each style, same shape, in [0, 1]."""
        alpha = style[:, :1].clamp(0, 1)
        if not self.preferences:  # ONNX Runtime joins no empty tensors
            return alpha
        asked = style[:, 1:].clamp(min=0)
        return torch.cat([alpha, (1 - alpha) * asked / asked.sum(-1, keepdim=True).clamp(min=1e-6)], -1)


class Deck:
    """Draws the style of each episode: every pair of an alpha and a preference once, in any order, then again.

    Args:
        alphas: As in the recipe; one that is there twice is drawn twice as often.
        preferences: How many there are.
        seed: Of the order.
    """

    def __init__(self, alphas: Sequence[float], preferences: int, seed: Sequence[int]) -> None:
        wishes = np.eye(preferences) if preferences else np.zeros((1, 0))
        self._cards = np.array([(alpha, *wish) for alpha in alphas for wish in wishes], np.float32)
        self._rng = np.random.default_rng(list(seed))
        self._order: list[int] = []

    def draw(self) -> np.ndarray:
        """Return a style, float32, (1 + preferences,)."""
        if not self._order:
            self._order = self._rng.permutation(len(self._cards)).tolist()
        return self._cards[self._order.pop()]


def named_styles(names: Sequence[str], alphas: Sequence[float]) -> dict[str, list[float]]:
    """Return the styles of a bundle by name: each preference, then at each alpha, such as `golden@0.3`, and `free`."""
    wishes = {name: [float(name == each) for each in names] for name in names}
    plain = {name: [0.0, *wish] for name, wish in wishes.items()}
    levels = sorted(set(alphas) | {0.0, 1.0})
    at = {f"{name}@{alpha:g}": [float(alpha), *wish] for name, wish in wishes.items() for alpha in levels}
    share = [1.0 / len(names)] * len(names) if names else []
    return plain | at | {"free": [1.0, *share]}


def slider(preferences: int) -> dict[str, list[float]]:
    """Return the bundle's slider: what to add to a style for an alpha higher by one."""
    return {SLIDER: [1.0] + [0.0] * preferences}
