"""Behavioural cloning over sequences: from recordings and a recipe to a run folder.

A run folder holds `recipe.yaml`, `checkpoint/`, TensorBoard events, and at the end `metrics.json`. A killed run goes
on from its checkpoint and ends with the same weights as one that was not killed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from understudy.errors import RecipeError
from understudy.recordings import Recordings
from understudy.recordings.cache import Span
from understudy.training.augment import Augment
from understudy.training.checkpoint import find_checkpoint, load_checkpoint, save_checkpoint
from understudy.training.collapse import EmbeddingMetrics, measure_embeddings
from understudy.training.compute import Compute
from understudy.training.copycat import CopycatMetrics, measure_copying
from understudy.training.data import Prefetch, Window, window_maker
from understudy.training.distributed import Ranks, StopFlag, join
from understudy.training.embed import embed
from understudy.training.learner import Learner, Progress, prepare
from understudy.training.metrics import evaluate
from understudy.training.pretrain import FILE as PRETRAINED_FILE
from understudy.training.recipe import Recipe, load_recipe
from understudy.training.recovery import measure_styles, style_finder, training_demonstrations
from understudy.training.stream import WindowStream

__all__ = ["Learner", "prepare", "train"]

_LOG_EVERY = 10


def train(
    recipe: Recipe,
    recordings: Recordings,
    out: Path,
    progress: Progress | None = None,
    senses: Recordings | None = None,
    compute: Compute | None = None,
) -> dict[str, Any]:
    """Train, or go on training, into the run folder `out`.

    Started by `torchrun`, the processes train as one: each reads its part of every batch.

    Args:
        recipe: What to train.
        recordings: What to learn from.
        out: The run folder; one that all processes share.
        progress: Called with what is done, how much, and of how much.
        senses: What to pretrain on, if the recipe does.
        compute: On what; the CPU if left out.

    Returns:
        What `metrics.json` holds; empty in all processes but the first.

    Raises:
        RecipeError: If the recipe does not fit the recordings, or `out` holds a run of another recipe.
    """
    ranks, compute = Ranks.from_environment(), compute or Compute()
    progress = progress if progress and ranks.is_first else lambda *_: None
    with join(compute.on(ranks.local), ranks):
        with ranks.first_alone():
            if ranks.is_first:
                _claim(out, recipe)
            torch.set_num_threads(recipe.loop.threads)
            learner = prepare(recipe, recordings, out, progress, senses, compute, ranks)
            if learner.labels is not None and ranks.is_first:
                learner.labels.roster.save(out)
        _resume(learner, out)
        _learn(learner, out, progress)
    if not ranks.is_first:
        return {}
    progress("Measuring on held-out recordings", 0, 1)
    metrics = _measure(learner)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1))
    progress("Measuring on held-out recordings", 1, 1)
    return metrics


def _resume(learner: Learner, out: Path) -> None:
    learner.move()
    resumed = load_checkpoint(
        out / "checkpoint",
        policy=learner.policy,
        average=learner.average,
        styles=(learner.styles, learner.average_styles),
        self_supervision=learner.self_supervision,
        optimizer=learner.optimizer,
    )
    if resumed is not None:
        memory, state = resumed
        learner.memory = memory[learner.ranks.part(learner.recipe.loop.batch)].to(learner.device)
        learner.update = state["update"]
    learner.ranks.require_same(learner.update, "checkpoints", learner.device)


def _learn(learner: Learner, out: Path, progress: Progress) -> None:
    from torch.utils.tensorboard import SummaryWriter

    loop = learner.recipe.loop
    first = learner.ranks.is_first
    prefetch = Prefetch(_windows(learner, progress), learner.update, loop.updates)
    board = SummaryWriter(str(out), purge_step=learner.update) if first else None
    try:
        with StopFlag(learner.ranks) as stop:
            for window in prefetch:
                losses = learner.advance(window)
                done = learner.update
                if done % _LOG_EVERY == 0:
                    losses = learner.ranks.mean(losses)
                    if board:
                        for name, value in zip(learner.objective.names, losses.tolist(), strict=True):
                            board.add_scalar(f"train/{name}", value, done)
                stopping = learner.ranks.any(stop.raised, learner.device)
                if done % loop.checkpoint_every == 0 or done == loop.updates or stopping:
                    _save(learner, out)
                progress("Training", done, loop.updates)
                if stopping:
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        if learner.whole and learner.ranks.size == 1:
            _save(learner, out)
        raise
    finally:
        prefetch.close()
        if board:
            board.close()


def _windows(learner: Learner, progress: Progress) -> Callable[[int], Window]:
    """The function from an update's number to what this process reads of its window."""
    recipe = learner.recipe
    frozen = not recipe.loop.encoder_rate
    return window_maker(
        embed(learner.policy, learner.cache, recipe, progress) if frozen else learner.cache,
        learner.codec,
        WindowStream(learner.split.train, recipe.loop),
        Augment(recipe, learner.behavior),
        training_demonstrations(learner),
        learner.ranks.part(recipe.loop.batch),
    )


def _save(learner: Learner, out: Path) -> None:
    memory = learner.ranks.gather(learner.memory)
    if not learner.ranks.is_first:
        return
    save_checkpoint(
        out / "checkpoint",
        policy=learner.policy,
        average=learner.average,
        optimizer=learner.optimizer,
        memory=memory,
        styles=(learner.styles, learner.average_styles),
        self_supervision=learner.self_supervision,
        state={"update": learner.update},
    )


def _measure(learner: Learner) -> dict[str, Any]:
    learner.average.cpu()
    style_of = style_finder(learner) if learner.styles else None
    rows = evaluate(learner.average, learner.cache, learner.split.held_out, learner.counts, style_of)
    metrics = {
        "updates": learner.update,
        "pretraining_explains": learner.explained,
        "parameters": sum(each.numel() for each in learner.policy.parameters()),
        "train_steps": sum(len(span) for span in learner.split.train),
        "held_out_steps": {kind: sum(len(span) for span in spans) for kind, spans in learner.split.held_out.items()},
        "heads": [row.to_dict() for row in rows],
        "copying": [row.to_dict() for row in _copying(learner, style_of)],
        "embeddings": [row.to_dict() for row in _embeddings(learner, style_of)],
    }
    return metrics | ({"styles": measure_styles(learner)} if learner.styles else {})


def _copying(learner: Learner, style_of: Callable[[Span], Tensor] | None) -> list[CopycatMetrics]:
    if not learner.policy.shape.past_actions:
        return []
    return measure_copying(learner.average, learner.cache, learner.split.held_out, style_of)


def _embeddings(learner: Learner, style_of: Callable[[Span], Tensor] | None) -> list[EmbeddingMetrics]:
    lesson = learner.self_supervision.cpu() if learner.self_supervision else None
    return measure_embeddings(learner.average, learner.cache, learner.split.held_out, style_of, lesson)


def _claim(out: Path, recipe: Recipe) -> None:
    """Make the run folder this recipe's, or check that it is."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.yaml"
    begun = find_checkpoint(out / "checkpoint") or (out / PRETRAINED_FILE).exists()
    if path.exists() and begun and load_recipe(path) != recipe:
        raise RecipeError(f"{out} holds a run of another recipe; train into a new folder, or delete this one.")
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
