"""The reward for what is new: to the agent in all its life, and within an episode.

Sources: Burda et al. 2019, "Exploration by random network distillation", arXiv:1810.12894; the episode's part and the
product of the two from Badia et al. 2020, "Never give up", arXiv:2002.06038, section 3.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from understudy.training.exploration.moments import RunningMoments
from understudy.training.exploration.recipe import NoveltyRecipe

_KERNEL = 1e-3
_FLOOR = 1e-3
_MOST = 5.0


class Novelty(nn.Module):
    """Random network distillation on embeddings: the predictor learns what the fixed target says of what was seen.

    Args:
        features: Of an embedding.
        recipe: Sizes and rates.
        moments: Of the embeddings, shared with whoever else reads them.
    """

    def __init__(self, features: int, recipe: NoveltyRecipe, moments: RunningMoments) -> None:
        super().__init__()
        self.recipe = recipe
        self._moments = [moments]  # in a list, so that this module does not own them
        self.errors = RunningMoments(1)
        self.target = nn.Sequential(
            nn.Linear(features, recipe.width), nn.ReLU(), nn.Linear(recipe.width, recipe.features)
        ).requires_grad_(False)
        self.predictor = nn.Sequential(
            nn.Linear(features, recipe.width),
            nn.ReLU(),
            nn.Linear(recipe.width, recipe.width),
            nn.ReLU(),
            nn.Linear(recipe.width, recipe.features),
        )
        self.optimizer = torch.optim.Adam(self.predictor.parameters(), lr=recipe.learning_rate)

    def errors_of(self, embeddings: Tensor) -> Tensor:
        """Return the predictor's squared error on embeddings (n, features), shape (n,)."""
        seen = self._moments[0](embeddings)
        return ((self.predictor(seen) - self.target(seen)) ** 2).mean(-1)

    @torch.no_grad()
    def reward(self, embeddings: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Return how new each embedding is, before the predictor learns of them.

        Args:
            embeddings: Of what each decision led to, float32, (steps, games, features).
            starts: Whether a decision was its episode's first, bool, (steps, games).

        Returns:
            float32, (steps, games), at least nought.
        """
        steps, games, features = embeddings.shape
        errors = self.errors_of(torch.from_numpy(embeddings.reshape(-1, features)))
        self.errors.update(errors[:, None])
        if not self.recipe.episodic:
            return errors.numpy().reshape(steps, games)
        lasting = (1 + self.errors(errors[:, None])[:, 0]).clamp(1, _MOST).numpy().reshape(steps, games)
        seen = self._moments[0](torch.from_numpy(embeddings)).numpy()
        within = [_episodic(seen[:, game], starts[:, game], self.recipe.neighbours) for game in range(games)]
        return (np.stack(within, 1) * lasting).astype(np.float32)

    def learn(self, embeddings: np.ndarray, rng: np.random.Generator) -> float:
        """Let the predictor learn some of the embeddings (n, features); return its mean error in them."""
        losses = []
        for _ in range(self.recipe.updates):
            rows = rng.integers(len(embeddings), size=self.recipe.batch)
            loss = self.errors_of(torch.from_numpy(embeddings[rows])).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))


def _episodic(seen: np.ndarray, starts: np.ndarray, neighbours: int) -> np.ndarray:
    """How unlike everything before in its episode each embedding (steps, features) is, (steps,)."""
    bounds = [0, *(np.flatnonzero(starts[1:]) + 1), len(seen)]
    parts = [_unlike(seen[start:stop], neighbours) for start, stop in itertools.pairwise(bounds)]
    return np.concatenate(parts)


def _unlike(seen: np.ndarray, neighbours: int) -> np.ndarray:
    squares = (seen**2).sum(1)
    apart = np.maximum(squares[:, None] + squares[None] - 2 * seen @ seen.T, 0)
    apart[np.triu_indices(len(seen))] = np.inf
    nearest = np.sort(apart, 1)[:, :neighbours]
    known = np.isfinite(nearest)
    scale = float(nearest[known].mean()) if known.any() else 1.0
    kernel = np.where(known, _KERNEL / (np.where(known, nearest, 0) / max(scale, 1e-8) + _KERNEL), 0)
    return 1 / (np.sqrt(kernel.sum(1)) + np.sqrt(_FLOOR))
