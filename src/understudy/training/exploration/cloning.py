"""Imitating each preference's demonstrations at alpha 0, through the very policy that explores: first, and along.

Sources: Baker et al. 2022, arXiv:2206.11795: reinforcement learning from a cloned policy gets where learning from
scratch does not; Rajeswaran et al. 2018, "DAPG", arXiv:1709.10087: imitation along keeps it from forgetting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor

from understudy.training.exploration.demonstrations import Demonstration
from understudy.training.exploration.parts import Parts
from understudy.training.exploration.recipe import CloneRecipe

Progress = Callable[[str, int, int], None]


class Cloner:
    """Trains a policy to do what was shown.

    Args:
        parts: Of the explorer.
        policy: To train in place.
        recipe: How.
        watched: What to imitate.

    Attributes:
        optimizer: Of the policy, apart from PPO's.
    """

    def __init__(
        self, parts: Parts, policy: ActorCriticPolicy, recipe: CloneRecipe, watched: Sequence[Demonstration]
    ) -> None:
        self.recipe, self._policy = recipe, policy
        columns = [_columns(parts, each) for each in watched]
        self._rows = {key: torch.cat([each[key] for each in columns]) for key in columns[0]}
        self.optimizer = torch.optim.Adam(policy.parameters(), lr=recipe.learning_rate)

    def begin(self, seed: int, progress: Progress) -> float:
        """Imitate before anything is explored; return the mean loss of the last tenth, in nats a decision."""
        rng = np.random.default_rng((seed, 11))
        losses = []
        for update in range(self.recipe.updates):
            losses.append(self._update(rng))
            progress("Cloning demonstrations", update + 1, self.recipe.updates)
        return float(np.mean(losses[-max(1, self.recipe.updates // 10) :]))

    def go_on(self, rng: np.random.Generator) -> float:
        """Imitate a little in every iteration; return the mean loss, in nats a decision."""
        return float(np.mean([self._update(rng) for _ in range(self.recipe.along)])) if self.recipe.along else 0.0

    def _update(self, rng: np.random.Generator) -> float:
        chosen = torch.from_numpy(rng.integers(len(self._rows["read"]), size=self.recipe.batch))
        batch = {key: value[chosen] for key, value in self._rows.items()}
        choices = batch.pop("choices")
        self._policy.set_training_mode(True)
        _, log_likelihood, _ = self._policy.evaluate_actions(batch, choices)
        loss = -log_likelihood.mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()


@torch.no_grad()
def _columns(parts: Parts, demonstration: Demonstration) -> dict[str, Tensor]:
    """A demonstration's decisions as the policy reads them, and their choices."""
    steps = len(demonstration.embeddings)
    choices = torch.from_numpy(demonstration.choices)
    state, reads = torch.zeros(1, parts.memory.state_size), []
    for step in range(steps):
        read, state = parts.memory(torch.from_numpy(demonstration.embeddings[step : step + 1]), state)
        reads.append(read)
    read = torch.cat(reads)
    if parts.recipe.mind.past_actions:
        past = parts.codec.one_hot(choices)
        read = torch.cat([read, torch.cat([past[:1] * 0, past[:-1]])], -1)
    style = torch.zeros(steps, 1 + len(parts.names))
    style[:, 1 + demonstration.preference] = 1
    columns = {"read": read, "weights": parts.wishes(style), "choices": choices}
    if parts.recipe.encoder.trained:
        for name in parts.eyes.names:
            seen = torch.from_numpy(np.array(demonstration.episode.observation(name)))
            columns[f"seen.{name}"] = seen.flatten(1)
    return columns
