"""Behavioural cloning over sequences: from recordings and a recipe to a run folder.

A run folder holds `recipe.yaml`, `checkpoint/`, TensorBoard events, and at the end `metrics.json`. A killed run goes
on from its checkpoint and ends with the same weights as one that was not killed.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from understudy.agents.networks import Policy
from understudy.errors import RecipeError, suggest
from understudy.recordings import Cache, Recordings
from understudy.spec import BehaviorSpec
from understudy.training.augment import Augment
from understudy.training.baselines import ChoiceCounts
from understudy.training.build import build_policy, encoder_of, play_log_odds, reductions, select_behavior
from understudy.training.checkpoint import find_checkpoint, load_checkpoint, save_checkpoint
from understudy.training.data import Prefetch, Window, window_maker
from understudy.training.embed import FEATURES, embed
from understudy.training.metrics import count_choices, evaluate
from understudy.training.pretrain import FILE as PRETRAINED_FILE
from understudy.training.pretrain import pretrain
from understudy.training.recipe import Recipe, load_recipe
from understudy.training.split import Split, split_spans
from understudy.training.stream import WindowStream

Progress = Callable[[str, int, int], None]


@dataclass
class Learner:
    """Everything one run changes or reads while it learns."""

    recipe: Recipe
    behavior: BehaviorSpec
    cache: Cache
    split: Split
    counts: list[ChoiceCounts]
    policy: Policy
    average: Policy
    optimizer: torch.optim.Optimizer
    class_weights: list[Tensor | None]
    memory: Tensor
    explained: float | None = None
    update: int = 0
    # False while an update changes the weights: what is found then is neither the last update's nor this one's.
    whole: bool = True

    def step(self, window: Window) -> dict[str, float]:
        """Do one update on a window and return its losses by head, in nats."""
        loop = self.recipe.loop
        torch.manual_seed(loop.seed * 1_000_003 + self.update)
        memory = torch.zeros(len(window.valid), self.policy.shape.memory) if window.first else self.memory
        self._set_learning_rate()
        self.policy.train()
        past = self._hide_past(window.past)
        with torch.autocast("cpu", torch.bfloat16, enabled=loop.bf16):
            logits, memory = self._forward(window, past, memory)
        losses = self._losses(logits.float(), window)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), loop.clip)
        self.whole = False
        self.optimizer.step()
        self._update_average()
        self.memory = memory.detach().float()
        self.update += 1
        self.whole = True
        return {name: value.item() for name, value in losses.items()}

    def _forward(self, window: Window, past: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        if FEATURES in window.sensors:
            return self.policy.decide(window.sensors[FEATURES], past, memory)
        out: tuple[Tensor, Tensor] = self.policy(window.sensors, past, memory)
        return out

    def _losses(self, logits: Tensor, window: Window) -> dict[str, Tensor]:
        codec = self.policy.codec
        pieces = zip(codec, codec.split(logits), codec.split_choices(window.targets), self.class_weights, strict=True)
        # A window after the ends of all its spans holds no step; its loss is nought.
        total = window.valid.sum().clamp(min=1)
        nats = [head.negative_log_likelihood(piece, target, weights) for head, piece, target, weights in pieces]
        return {name: (each * window.valid).sum() / total for name, each in zip(codec.names, nats, strict=True)}

    def _hide_past(self, past: Tensor) -> Tensor:
        """Hide the last action at some steps, against policies that only copy it.

        Source: history dropout, as in Bansal et al. 2018, arXiv:1812.03079, section 4.
        """
        kept = torch.rand(past.shape[:2]) >= self.recipe.policy.past_dropout
        return past * kept.unsqueeze(-1)

    def _set_learning_rate(self) -> None:
        loop = self.recipe.loop
        progress = self.update / loop.updates
        rate = loop.learning_rate * min(1.0, (self.update + 1) / max(1, loop.warmup))
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * rate * (0.02 + 0.98 * (1 + math.cos(math.pi * progress)) / 2)

    @torch.no_grad()
    def _update_average(self) -> None:
        """Average the weights exponentially, quicker at the start so that the first weights are forgotten."""
        decay = min(self.recipe.loop.average, self.update / (self.update + 10))
        for ours, theirs in zip(self.average.parameters(), self.policy.parameters(), strict=True):
            ours.lerp_(theirs, 1 - decay)


def prepare(
    recipe: Recipe,
    recordings: Recordings,
    out: Path,
    progress: Progress | None = None,
    senses: Recordings | None = None,
) -> Learner:
    """Build the cache, the split, the policy and its starting point; see `train` for the arguments.

    Raises:
        RecipeError: If the recipe does not fit the recordings.
    """
    behavior = select_behavior(recipe, recordings.behavior)
    play_log_odds(recipe, behavior)  # a mistake in them is told before the training, not after it
    progress = progress or (lambda *_: None)
    cache = Cache.build(
        recordings,
        out.parent / "cache",
        sensors=behavior.sensor_names,
        transforms=reductions(recipe, behavior),
        progress=progress,
    )
    split = split_spans(cache.spans, recipe.split, recipe.loop.seed).cut_at(cache.cuts)
    policy = build_policy(recipe, behavior)
    explained = None
    if recipe.pretrain is not None:
        explained = pretrain(recipe, encoder_of(policy, recipe.pretrain.sensor), senses, out, progress)
    counts = count_choices(cache, policy.codec, split.train)
    weights = _class_weights(recipe, policy, counts)
    _start_from_markov(policy, counts)
    average = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(_parameter_groups(policy, recipe), lr=recipe.loop.learning_rate, betas=(0.9, 0.99))
    memory = torch.zeros(recipe.loop.batch, policy.shape.memory)
    return Learner(recipe, behavior, cache, split, counts, policy, average, optimizer, weights, memory, explained)


def train(
    recipe: Recipe,
    recordings: Recordings,
    out: Path,
    progress: Progress | None = None,
    senses: Recordings | None = None,
) -> dict[str, Any]:
    """Train, or go on training, into the run folder `out`.

    Args:
        recipe: What to train.
        recordings: What to learn from.
        out: The run folder.
        progress: Called with what is done, how much, and of how much.
        senses: What to pretrain on, if the recipe does.

    Returns:
        What `metrics.json` holds.

    Raises:
        RecipeError: If the recipe does not fit the recordings, or `out` holds a run of another recipe.
    """
    progress = progress or (lambda *_: None)
    _claim(out, recipe)
    torch.set_num_threads(recipe.loop.threads)
    learner = prepare(recipe, recordings, out, progress, senses)
    resumed = load_checkpoint(
        out / "checkpoint", policy=learner.policy, average=learner.average, optimizer=learner.optimizer
    )
    if resumed is not None:
        learner.memory, state = resumed
        learner.update = state["update"]
    _learn(learner, out, progress)
    progress("Measuring on held-out recordings", 0, 1)
    metrics = _measure(learner)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1))
    progress("Measuring on held-out recordings", 1, 1)
    return metrics


def _learn(learner: Learner, out: Path, progress: Progress) -> None:
    from torch.utils.tensorboard import SummaryWriter

    recipe, loop = learner.recipe, learner.recipe.loop
    stream = WindowStream(learner.split.train, loop)
    augment = Augment(recipe, learner.behavior)
    seen = learner.cache if loop.encoder_rate else embed(learner.policy, learner.cache, recipe, progress)
    make = window_maker(seen, learner.policy.codec, stream, augment)
    prefetch = Prefetch(make, learner.update, loop.updates)
    board = SummaryWriter(str(out), purge_step=learner.update)
    try:
        for window in prefetch:
            losses = learner.step(window)
            done = learner.update
            if done % 10 == 0:
                for name, value in losses.items():
                    board.add_scalar(f"train/{name}", value, done)
            if done % loop.checkpoint_every == 0 or done == loop.updates:
                _save(learner, out)
            progress("Training", done, loop.updates)
    except KeyboardInterrupt:
        if learner.whole:
            _save(learner, out)
        raise
    finally:
        prefetch.close()
        board.close()


def _save(learner: Learner, out: Path) -> None:
    save_checkpoint(
        out / "checkpoint",
        policy=learner.policy,
        average=learner.average,
        optimizer=learner.optimizer,
        memory=learner.memory,
        state={"update": learner.update},
    )


def _measure(learner: Learner) -> dict[str, Any]:
    rows = evaluate(learner.average, learner.cache, learner.split.held_out, learner.counts)
    return {
        "updates": learner.update,
        "pretraining_explains": learner.explained,
        "parameters": sum(each.numel() for each in learner.policy.parameters()),
        "train_steps": sum(len(span) for span in learner.split.train),
        "held_out_steps": {kind: sum(len(span) for span in spans) for kind, spans in learner.split.held_out.items()},
        "heads": [row.to_dict() for row in rows],
    }


def _claim(out: Path, recipe: Recipe) -> None:
    """Make the run folder this recipe's, or check that it is."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.yaml"
    begun = find_checkpoint(out / "checkpoint") or (out / PRETRAINED_FILE).exists()
    if path.exists() and begun and load_recipe(path) != recipe:
        raise RecipeError(f"{out} holds a run of another recipe; train into a new folder, or delete this one.")
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def _class_weights(recipe: Recipe, policy: Policy, counts: Sequence[ChoiceCounts]) -> list[Tensor | None]:
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
def _start_from_markov(policy: Policy, counts: Sequence[ChoiceCounts]) -> None:
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


def _parameter_groups(policy: Policy, recipe: Recipe) -> list[dict[str, Any]]:
    """Decay matrices and kernels only, and not the direct path, which starts from counts."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in policy.named_parameters():
        decay = 0.0 if parameter.dim() < 2 or name.startswith("markov") else recipe.loop.weight_decay
        rate = {"encoders": recipe.loop.encoder_rate, "markov": recipe.loop.markov_rate}.get(name.split(".")[0], 1.0)
        groups.setdefault((decay, rate), []).append(parameter)
    return [{"params": each, "weight_decay": decay, "rate": rate} for (decay, rate), each in groups.items()]
