"""The reward for a preference's style: how much play looks like the demonstrations of it.

Sources: Peng et al. 2021, "AMP", arXiv:2104.02180, equations 6 to 8 (least squares, gradient penalty, reward), as in
CCPT, arXiv:2202.10057; one discriminator per preference as in MultiGAIL, arXiv:2308.07598.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from understudy.training.exploration.moments import RunningMoments
from understudy.training.exploration.recipe import DiscriminatorRecipe


class Discriminators(nn.Module):
    """One network per preference, from a pair of consecutive embeddings to 1 (demonstrated) or -1 (played).

    Args:
        preferences: How many.
        features: Of an embedding.
        recipe: Sizes and rates.
        moments: Of the embeddings, shared with whoever else reads them.
    """

    def __init__(self, preferences: int, features: int, recipe: DiscriminatorRecipe, moments: RunningMoments) -> None:
        super().__init__()
        self.recipe = recipe
        self._moments = [moments]  # in a list, so that this module does not own them
        width = recipe.width
        self.networks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(2 * features, width),
                nn.LeakyReLU(),
                nn.Linear(width, width),
                nn.LeakyReLU(),
                nn.Linear(width, 1),
            )
            for _ in range(preferences)
        )
        rate = recipe.learning_rate
        self.optimizer = torch.optim.Adam(self.parameters(), lr=rate) if preferences else None

    @torch.no_grad()
    def reward(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return how demonstrated each pair looks to each discriminator.

        Args:
            before: Embeddings, float32, (n, features).
            after: Those of the next decision, float32, (n, features).

        Returns:
            max(0, 1 - (D - 1)^2 / 4), float32 in [0, 1], (n, preferences).
        """
        pairs = self._pairs(before, after)
        judged = [network(pairs)[:, 0] for network in self.networks]
        rewards = [(1 - 0.25 * (each - 1) ** 2).clamp(min=0).numpy() for each in judged]
        return np.stack(rewards, 1) if rewards else np.zeros((len(before), 0), np.float32)

    def learn(
        self,
        shown: Sequence[tuple[np.ndarray, np.ndarray]],
        before: np.ndarray,
        after: np.ndarray,
        rng: np.random.Generator,
    ) -> float:
        """Teach every discriminator its preference's demonstrations from what was played.

        Args:
            shown: By preference, embeddings before and after, each (pairs, features).
            before: Played, (n, features).
            after: Played, (n, features).
            rng: Draws the batches.

        Returns:
            The mean loss.
        """
        losses = []
        optimizer = self.optimizer
        for _ in range(self.recipe.updates if optimizer else 0):
            played = rng.integers(len(before), size=self.recipe.batch)
            fake = self._pairs(before[played], after[played])
            terms = [self._loss(index, pair, fake, rng) for index, pair in enumerate(shown)]
            loss = torch.stack(terms).sum()
            assert optimizer is not None
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item() / len(shown))
        return float(np.mean(losses)) if losses else 0.0

    def _loss(self, index: int, shown: tuple[np.ndarray, np.ndarray], fake: Tensor, rng: np.random.Generator) -> Tensor:
        rows = rng.integers(len(shown[0]), size=self.recipe.batch)
        real = self._pairs(shown[0][rows], shown[1][rows]).requires_grad_()
        network = self.networks[index]
        judged = network(real)
        slopes = torch.autograd.grad(judged.sum(), real, create_graph=True)[0]
        penalty = (slopes**2).sum(-1).mean()
        return ((judged - 1) ** 2).mean() + ((network(fake) + 1) ** 2).mean() + 0.5 * self.recipe.penalty * penalty

    def _pairs(self, before: np.ndarray, after: np.ndarray) -> Tensor:
        moments = self._moments[0]
        return torch.cat([moments(torch.from_numpy(before)), moments(torch.from_numpy(after))], -1)
