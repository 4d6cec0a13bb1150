"""The learner: everything one run changes or reads while it learns, and one update of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn

from understudy.agents.networks import ActionCodec, Policy
from understudy.agents.networks.style import StyleSpace
from understudy.recordings import Cache, Recordings
from understudy.spec import BehaviorSpec
from understudy.training.baselines import ChoiceCounts
from understudy.training.build import (
    build_codec,
    build_policy,
    build_styles,
    encoder_of,
    play_log_odds,
    reductions,
    select_behavior,
)
from understudy.training.compute import Compute
from understudy.training.data import Window
from understudy.training.distributed import Ranks
from understudy.training.metrics import count_choices
from understudy.training.objective import Objective
from understudy.training.pretrain import pretrain
from understudy.training.recipe import Recipe
from understudy.training.self_supervision import SelfSupervision, check_self_supervision
from understudy.training.sliders import check_sliders
from understudy.training.split import Split, split_spans
from understudy.training.start import class_weights, learn_spread, parameter_groups, start_from_markov
from understudy.training.styles import Labels, read_labels

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
    labels: Labels | None = None
    styles: StyleSpace | None = None
    average_styles: StyleSpace | None = None
    self_supervision: SelfSupervision | None = None
    compute: Compute = field(default_factory=Compute)
    ranks: Ranks = field(default_factory=Ranks)

    @cached_property
    def codec(self) -> ActionCodec:
        """Of the actions, on the CPU, where windows are made."""
        return build_codec(self.recipe, self.behavior)

    @cached_property
    def device(self) -> torch.device:
        """Where this process computes."""
        return self.compute.on(self.ranks.local)

    @cached_property
    def objective(self) -> Objective:
        """What an update makes smaller."""
        return Objective(
            self.policy,
            self.recipe,
            [each if each is None else each.to(self.device) for each in self.class_weights],
            self.styles,
            self.labels.roster if self.labels else None,
            self.self_supervision,
            self.average,
            processes=self.ranks.size,
            bf16=self.compute.uses_bf16(self.recipe.loop),
            compiled=self.compute.compiles,
        )

    @cached_property
    def _differentiated(self) -> nn.Module:
        """The objective, its gradients averaged over all processes."""
        if self.ranks.size == 1:
            return self.objective
        # Encoders whose features are embedded once are never called.
        self.policy.encoders.requires_grad_(bool(self.recipe.loop.encoder_rate))
        return nn.parallel.DistributedDataParallel(self.objective)

    def move(self) -> None:
        """Take everything to where it is computed; before a checkpoint is loaded."""
        for module in (self.policy, self.average, self.styles, self.average_styles, self.self_supervision):
            if module is not None:
                module.to(self.device)
        self.memory = self.memory.to(self.device)

    def step(self, window: Window) -> dict[str, float]:
        """Do one update on a window and return its losses by head and by other terms, in nats."""
        return dict(zip(self.objective.names, self.advance(window).tolist(), strict=True))

    def advance(self, window: Window) -> Tensor:
        """As `step`, without waiting for the device; the losses are those of this process, in the objective's order."""
        window = window.to(self.device)
        torch.manual_seed(self.recipe.loop.seed * 1_000_003 + self.update)
        memory = self.memory
        if window.first:
            memory = torch.zeros(len(window.valid), self.policy.state_size, device=self.device)
        self._set_learning_rate()
        self.policy.train()
        past = self._hide_past(window)
        if self.ranks.rank:
            torch.manual_seed((self.recipe.loop.seed * 1_000_003 + self.update) * 4099 + self.ranks.rank)
        losses, memory = self._differentiated(window, past, memory)
        self.optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, self.recipe.loop.clip)
        self.whole = False
        self.optimizer.step()
        self._update_average()
        self.memory = memory.detach().float()
        self.update += 1
        self.whole = True
        return losses.detach()

    @cached_property
    def _kept(self) -> list[nn.Parameter]:
        """The parameters that are averaged, to be exported."""
        return list(chain(self.policy.parameters(), self.styles.parameters() if self.styles else ()))

    @cached_property
    def _parameters(self) -> list[nn.Parameter]:
        return [*self._kept, *(self.self_supervision.parameters() if self.self_supervision else ())]

    def _hide_past(self, window: Window) -> Tensor:
        """Hide the last action at some steps, against policies that only copy it.

        Source: history dropout, as in Bansal et al. 2018, arXiv:1812.03079, section 4.
        """
        # Drawn for the whole batch, so that several processes hide what one would.
        drawn = torch.rand(window.whole, window.past.shape[1])
        kept = (drawn >= self.recipe.policy.past_dropout).to(self.device)[window.places]
        return self.policy.codec.hide(window.past, kept)

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
        averaged = chain(self.average.parameters(), self.average_styles.parameters() if self.average_styles else ())
        for ours, theirs in zip(averaged, self._kept, strict=True):
            ours.lerp_(theirs, 1 - decay)


def prepare(
    recipe: Recipe,
    recordings: Recordings,
    out: Path,
    progress: Progress | None = None,
    senses: Recordings | None = None,
    compute: Compute | None = None,
    ranks: Ranks | None = None,
) -> Learner:
    """Build the cache, the split, the policy and its starting point; see `train` for the arguments.

    Raises:
        RecipeError: If the recipe does not fit the recordings.
    """
    behavior = select_behavior(recipe, recordings.behavior)
    check_self_supervision(recipe)
    play_log_odds(recipe, behavior)  # a mistake in them is told before the training, not after it
    progress = progress or (lambda *_: None)
    ranks = ranks or Ranks()
    share = ranks.part(recipe.loop.batch)
    cache = Cache.build(
        recordings,
        out.parent / "cache",
        sensors=behavior.sensor_names,
        transforms=reductions(recipe, behavior),
        progress=progress,
    )
    split = split_spans(cache.spans, recipe.split, recipe.loop.seed).cut_at(cache.cuts)
    check_sliders(recipe, recordings)
    labels = read_labels(recordings, cache.spans, split.train, recipe.style) if recipe.style else None
    policy = build_policy(recipe, behavior)
    styles = build_styles(recipe, behavior, len(labels.roster.players) if labels else 0)
    explained = None
    if recipe.pretrain is not None:
        explained = pretrain(recipe, encoder_of(policy, recipe.pretrain.sensor), senses, out, progress)
    counts = count_choices(cache, policy.codec, split.train)
    weights = class_weights(recipe, policy, counts)
    start_from_markov(policy, counts)
    learn_spread(policy, cache, split.train, recipe.loop.seed)
    lesson = SelfSupervision(recipe.self_supervised, policy) if recipe.self_supervised else None
    groups = parameter_groups(recipe, policy, styles, lesson)
    return Learner(
        recipe=recipe,
        behavior=behavior,
        cache=cache,
        split=split,
        counts=counts,
        policy=policy,
        average=copy.deepcopy(policy),
        optimizer=torch.optim.AdamW(groups, lr=recipe.loop.learning_rate, betas=(0.9, 0.99)),
        class_weights=weights,
        memory=torch.zeros(share.stop - share.start, policy.state_size),
        explained=explained,
        labels=labels,
        styles=styles,
        average_styles=copy.deepcopy(styles),
        self_supervision=lesson,
        compute=compute or Compute(),
        ranks=ranks,
    )
