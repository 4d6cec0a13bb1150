"""What recordings teach besides people's actions: how what is seen changes, in the same updates.

Demonstrations are few, and an action says little about a picture. What is seen next says more, and costs no label. The
embeddings that this works on are the encoders' features, after the policy's bottleneck if it has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn

from understudy.agents.networks import Policy
from understudy.agents.networks.heads import nats_by_part
from understudy.errors import RecipeError
from understudy.training.recipe import Recipe, SelfSupervisedRecipe

SELF_SUPERVISED, SPREAD = "self_supervised", "self_supervised_spread"
"""Names of the two terms."""

# Less than this is a dimension that tells nothing; the encoders' layer normalisation gives about one half.
_LEAST_DEVIATION = 0.25


@dataclass(frozen=True)
class Pairs:
    """Steps and those some decisions later.

    Attributes:
        now: Embeddings, (batch, pairs, embedding_size).
        later: Those of the later steps.
        target: The same as they are to be told, without a gradient.
        remembered: What the memory made of all up to `now`, (batch, pairs, memory.features).
        choices: Class indices of what was done from `now` on, int64, (batch, pairs, steps, choices).
    """

    now: Tensor
    later: Tensor
    target: Tensor
    remembered: Tensor
    choices: Tensor


class Task(Protocol):
    """One way to learn from how embeddings change.

    Attributes:
        tells_embeddings: Whether it tells embeddings; all alike, they would be easily told, and have to be kept apart.
    """

    tells_embeddings: bool

    def __call__(self, pairs: Pairs) -> Tensor:
        """Return what training makes small, (batch, pairs)."""
        ...


class NextEmbedding(nn.Module):
    """Tells the later embedding from the memory and what was done meanwhile: a forward model.

    The target has no gradient, so that the encoder is not drawn to what is easily told.
    Source: Schwarzer et al. 2021, arXiv:2007.05929, and Chen & He 2021, arXiv:2011.10566, for the stopped gradient.
    """

    tells_embeddings = True

    def __init__(self, recipe: SelfSupervisedRecipe, policy: Policy) -> None:
        super().__init__()
        self.codec, self.distance = policy.codec, recipe.distance
        read = policy.memory.features + recipe.steps * policy.codec.logits_size
        self.tell = _perceptron(read, recipe.width, policy.embedding_size)

    def forward(self, pairs: Pairs) -> Tensor:
        """See `Task`."""
        done = self.codec.one_hot(pairs.choices).flatten(2)
        return distance(self.distance, self.tell(torch.cat([pairs.remembered, done], -1)), pairs.target)


class InverseDynamics(nn.Module):
    """Tells what was done from the embeddings before and after it, in nats.

    It does not read the memory, which is told past actions. Nothing pulls the embeddings together.
    Source: Brandfonbrener et al. 2023, arXiv:2305.16985; over several steps, as Lamb et al. 2022, arXiv:2207.08229.
    """

    tells_embeddings = False

    def __init__(self, recipe: SelfSupervisedRecipe, policy: Policy) -> None:
        super().__init__()
        self.codec = policy.codec
        self.tell = _perceptron(2 * policy.embedding_size, recipe.width, policy.codec.logits_size)

    def forward(self, pairs: Pairs) -> Tensor:
        """See `Task`."""
        logits = self.tell(torch.cat([pairs.now, pairs.later], -1)).float()
        return torch.stack(nats_by_part(self.codec, logits, pairs.choices[:, :, 0])).sum(0)


class LatentDynamics(nn.Module):
    """Tells the later embedding by a latent action that is read from both: an inverse and a forward model at once.

    A latent action of few numbers can only carry what memory and the present embedding do not tell. It reads no action
    from the log but what the memory is told.
    Source: DynaMo, Cui et al. 2024, arXiv:2409.12192; here the forward model's history is the policy's memory.
    """

    tells_embeddings = True

    def __init__(self, recipe: SelfSupervisedRecipe, policy: Policy) -> None:
        super().__init__()
        self.distance, size = recipe.distance, policy.embedding_size
        self.infer = _perceptron(2 * size, recipe.width, recipe.latent)
        self.tell = _perceptron(size + policy.memory.features + recipe.latent, recipe.width, size)

    def forward(self, pairs: Pairs) -> Tensor:
        """See `Task`."""
        latent = self.infer(torch.cat([pairs.now, pairs.later], -1))
        read = torch.cat([pairs.now, pairs.remembered, latent], -1)
        return distance(self.distance, self.tell(read), pairs.target)


_TASKS: Mapping[str, Callable[[SelfSupervisedRecipe, Policy], Task]] = {
    "next_embedding": NextEmbedding,
    "inverse_dynamics": InverseDynamics,
    "dynamo": LatentDynamics,
}


class SelfSupervision(nn.Module):
    """A recipe's task with its weights; trained with the policy, and left behind at its export.

    Args:
        recipe: Which task, and the weights of the terms.
        policy: Whose embeddings and memory it reads.
    """

    def __init__(self, recipe: SelfSupervisedRecipe, policy: Policy) -> None:
        super().__init__()
        self.recipe = recipe
        self.task = _TASKS[recipe.objective](recipe, policy)

    @property
    def names(self) -> list[str]:
        """Of the terms, in their order."""
        return [SELF_SUPERVISED, *([SPREAD] if self.task.tells_embeddings else [])]

    def forward(
        self, seen: Tensor, targets: Tensor, remembered: Tensor, choices: Tensor, valid: Tensor, total: Tensor
    ) -> list[Tensor]:
        """Return the terms, weighted.

        Args:
            seen: Embeddings of a window, (batch, time, embedding_size).
            targets: The same as they are to be told.
            remembered: What the memory made of them, (batch, time, memory.features).
            choices: Class indices of the actions, int64, (batch, time, choices).
            valid: 1 where a step counts, (batch, time).
            total: Steps that count, over which the terms are means.
        """
        pairs = self.pairs(seen, targets, remembered, choices)
        share = pairs.shape[1] / valid.shape[1]
        loss = (pairs * valid[:, self.recipe.steps :]).sum() / (total * share)
        terms = [self.recipe.weight * loss]
        if self.task.tells_embeddings:
            # In bfloat16, a covariance is the difference of two numbers that are rounded alike.
            with torch.autocast(seen.device.type, enabled=False):
                terms.append(self._spread(seen.float(), valid))
        return terms

    def pairs(self, seen: Tensor, targets: Tensor, remembered: Tensor, choices: Tensor) -> Tensor:
        """Return the task's loss of each step that has a later one, (batch, time - steps)."""
        steps = self.recipe.steps
        count = seen.shape[1] - steps
        done = torch.stack([choices[:, at : at + count] for at in range(steps)], 2)
        target = targets[:, steps:].detach()
        return self.task(Pairs(seen[:, :count], seen[:, steps:], target, remembered[:, :count], done))

    def standing_still(self, seen: Tensor, targets: Tensor) -> Tensor | None:
        """Return the loss of telling that nothing changes, (batch, time - steps); None where no embedding is told."""
        if not self.task.tells_embeddings:
            return None
        steps = self.recipe.steps
        return distance(self.recipe.distance, seen[:, :-steps], targets[:, steps:])

    def _spread(self, seen: Tensor, valid: Tensor) -> Tensor:
        """What keeps embeddings from being all alike.

        Source: the variance and covariance terms of VICReg, Bardes et al. 2022, arXiv:2105.04906, equations 1 to 4.
        """
        covariance = _covariance(seen.flatten(0, 1), valid.flatten())
        variances = covariance.diagonal()
        tied = (covariance.square().sum() - variances.square().sum()) / len(variances)
        flat = (_LEAST_DEVIATION - (variances.clamp(min=0) + 1e-4).sqrt()).clamp(min=0).mean()
        return self.recipe.covariance * tied + self.recipe.variance * flat


def distance(kind: str, told: Tensor, target: Tensor) -> Tensor:
    """Return how far off an embedding was told, (...), whatever the target's length: 0 is exact."""
    told, target = told.float(), target.float()
    if kind == "cosine":
        return 1 - nn.functional.cosine_similarity(told, target, dim=-1)
    # Normalised, the target cannot be made small to be told easily.
    target = nn.functional.layer_norm(target, target.shape[-1:])
    return nn.functional.smooth_l1_loss(told, target, reduction="none").mean(-1)


def check_self_supervision(recipe: Recipe) -> None:
    """Raise `RecipeError` if a recipe's task could not learn, or not change, anything."""
    part, policy = recipe.self_supervised, recipe.policy
    if part is None:
        return
    if part.steps >= recipe.loop.window:
        raise RecipeError(
            f"self_supervised.steps ({part.steps}) must be less than loop.window ({recipe.loop.window}), in which both "
            "embeddings lie."
        )
    if part.objective == "next_embedding" and not policy.remember_sensors:
        raise RecipeError(
            "self_supervised.objective: next_embedding is told from the memory, which reads no sensors here; set "
            "policy.remember_sensors to true, or take another objective."
        )
    if part.objective != "next_embedding" and not recipe.loop.encoder_rate and not policy.bottleneck:
        raise RecipeError(
            f"self_supervised.objective: {part.objective} teaches embeddings, but loop.encoder_rate 0 freezes them; "
            "give policy.bottleneck a width, take next_embedding, which also teaches the memory, or train the encoders."
        )


def _perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, outputs))


def _covariance(rows: Tensor, weights: Tensor) -> Tensor:
    """The covariance of weighted rows (rows, size), over those of all processes, (size, size)."""
    weighted = rows * weights.unsqueeze(1)
    count, total, squares = _of_all(weights.sum()), _of_all(weighted.sum(0)), _of_all(weighted.T @ rows)
    mean = total / count.clamp(min=1)
    return squares / count.clamp(min=1) - torch.outer(mean, mean)


def _of_all(part: Tensor) -> Tensor:
    """The sum over all processes, with the gradient that makes their mean gradient that of the sum."""
    if not (dist.is_available() and dist.is_initialized()):
        return part
    total = part.detach().clone()
    dist.all_reduce(total)
    return total + dist.get_world_size() * (part - part.detach())
