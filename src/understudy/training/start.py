"""Where a training starts from: weights of rare classes, biases and a direct path from counts, rates by parameter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from understudy.agents.networks import Policy
from understudy.errors import RecipeError, suggest
from understudy.recordings.cache import Cache, Span, take_rows
from understudy.training.baselines import ChoiceCounts
from understudy.training.recipe import Recipe

# A player's embedding is only touched when a batch has a sequence of that player.
_PLAYERS_RATE = 3.0
# Enough for the quantiles of rare bins.
_SPREAD_ROWS = 500_000


def class_weights(recipe: Recipe, policy: Policy, counts: Sequence[ChoiceCounts]) -> list[Tensor | None]:
    """Weight each class by its frequency to the power of -balance, and note the weights for calibration."""
    codec = policy.codec
    for name in recipe.balance:
        if name not in codec.names:
            raise RecipeError(f"balance: there is no action part '{name}'.{suggest(name, codec.names)}")
    weights: list[Tensor | None] = []
    logs = []
    columns = iter(counts)
    for name, head in zip(codec.names, codec, strict=True):
        power = recipe.balance.get(name, 0.0)
        shares = torch.from_numpy(np.stack([next(columns).marginal_probability for _ in range(head.choices)])).float()
        table = shares**-power
        table = table / (table * shares).sum(-1, keepdim=True)
        weights.append(table if power else None)
        logs.append(table.log().flatten() if power else torch.zeros(head.size))
    policy.log_weights.copy_(torch.cat(logs))
    return weights


@torch.no_grad()
def start_from_markov(policy: Policy, counts: Sequence[ChoiceCounts]) -> None:
    """Set the heads' biases to the marginal and the direct path to the Markov chain's departure from it."""
    marginals = torch.cat([torch.from_numpy(each.marginal_probability).log() for each in counts]).float()
    policy.heads.bias.copy_(marginals + policy.log_weights)
    if policy.markov is None:
        return
    start = 0
    for each in counts:
        size = len(each.marginal)
        block = slice(start, start + size)
        departure = torch.from_numpy(each.transition_probability).log().float() - marginals[block]
        policy.markov.weight[block, block] = departure.T
        start += size


def learn_spread(policy: Policy, cache: Cache, spans: Sequence[Span], seed: int) -> None:
    """Let play spread numbers within bins as people's lie there, where the recipe asks for it."""
    rows = np.concatenate([np.arange(span.start, span.stop) for span in spans])
    some = np.sort(np.random.default_rng(seed).choice(rows, min(_SPREAD_ROWS, len(rows)), replace=False))
    for head in policy.codec:
        if head.spread_size:
            values = np.asarray(take_rows(cache.arrays[f"action.{head.part.name}"], some))
            head.learn_spread(torch.from_numpy(values.reshape(len(some), head.choices)))


def parameter_groups(recipe: Recipe, *modules: nn.Module | None) -> list[dict[str, Any]]:
    """Decay matrices and kernels only, and neither the direct path, which starts from counts, nor players."""
    rates = {"encoders": recipe.loop.encoder_rate, "markov": recipe.loop.markov_rate, "players": _PLAYERS_RATE}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in chain.from_iterable(each.named_parameters() for each in modules if each is not None):
        undecayed = parameter.dim() < 2 or name.startswith(("markov", "players"))
        key = (0.0 if undecayed else recipe.loop.weight_decay, rates.get(name.split(".")[0], 1.0))
        groups.setdefault(key, []).append(parameter)
    return [{"params": each, "weight_decay": decay, "rate": rate} for (decay, rate), each in groups.items()]
