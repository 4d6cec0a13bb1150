"""Learning to see in-domain from pictures alone: what is seen soon after another picture should resemble it.

Source: Stooke et al. 2021, "Decoupling representation learning from reinforcement learning", arXiv:2009.08319
(augmented temporal contrast), with the InfoNCE loss of van den Oord et al. 2018, arXiv:1807.03748.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from understudy.training.exploration.eyes import Eyes
from understudy.training.exploration.recipe import ContrastRecipe

Progress = Callable[[str, int, int], None]
Sensors = Mapping[str, np.ndarray]


def learn_by_contrast(
    eyes: Eyes, episodes: Sequence[Sensors], recipe: ContrastRecipe, seed: int, progress: Progress
) -> float:
    """Train the encoders in place.

    Args:
        eyes: To train.
        episodes: Each by sensor name, (steps, *sensor shape).
        recipe: How.
        seed: Of the draws.
        progress: Called with what is done, how much, and of how much.

    Returns:
        The share of pairs, of the last tenth of the updates, whose second picture was told from all others in its
        batch.
    """
    rng = np.random.default_rng((seed, 3))
    torch.manual_seed(seed)
    match = nn.Linear(eyes.features, eyes.features, bias=False)
    optimizer = torch.optim.AdamW([*eyes.encoders.parameters(), *match.parameters()], lr=recipe.learning_rate)
    eyes.train()
    found = []
    for update in range(recipe.updates):
        first, second = _draw(episodes, recipe, rng)
        now, later = (nn.functional.normalize(each, dim=-1) for each in (match(eyes(first)), eyes(second)))
        logits = now @ later.T / recipe.temperature
        truth = torch.arange(len(logits))
        loss = nn.functional.cross_entropy(logits, truth)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(float((logits.argmax(1) == truth).float().mean()))
        progress("Learning to see by contrast", update + 1, recipe.updates)
    eyes.eval()
    return float(np.mean(found[-max(1, recipe.updates // 10) :]))


def _draw(
    episodes: Sequence[Sensors], recipe: ContrastRecipe, rng: np.random.Generator
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Draw pairs of observations up to `apart` decisions from each other."""
    lengths = np.array([len(next(iter(each.values()))) for each in episodes])
    chosen = rng.choice(len(episodes), recipe.batch, p=lengths / lengths.sum())
    starts = (rng.random(recipe.batch) * lengths[chosen]).astype(int)
    ends = np.minimum(starts + rng.integers(1, recipe.apart + 1, recipe.batch), lengths[chosen] - 1)
    return _gather(episodes, chosen, starts), _gather(episodes, chosen, ends)


def _gather(episodes: Sequence[Sensors], chosen: np.ndarray, rows: np.ndarray) -> dict[str, torch.Tensor]:
    return {
        name: torch.from_numpy(np.stack([episodes[at][name][row] for at, row in zip(chosen, rows, strict=True)]))
        for name in episodes[0]
    }
