"""Exploring a game with the preferences of a few demonstrations: from a recipe to a run folder.

A run folder holds `recipe.yaml`, `eyes.safetensors`, `sample.npz`, `checkpoint/`, `trails.jsonl`, TensorBoard events,
and at the end `metrics.json`. A killed run goes on from its checkpoint and ends with the same weights as one that was
not: every iteration starts its games anew from seeds of its own, so that no game's state has to be kept.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from understudy.errors import GameError, RecipeError, require
from understudy.recordings import Recordings
from understudy.training.build import select_behavior
from understudy.training.checkpoint import find_checkpoint
from understudy.training.exploration.cloning import Cloner
from understudy.training.exploration.demonstrations import (
    demonstrated,
    pairs_by_preference,
    preference_names,
    watch,
)
from understudy.training.exploration.games import EpisodeGame, MakeGame, open_games
from understudy.training.exploration.learner import Explorer
from understudy.training.exploration.parts import build_parts
from understudy.training.exploration.recipe import ExplorationRecipe, load_exploration_recipe
from understudy.training.exploration.sight import EYES_FILE, open_eyes
from understudy.training.exploration.trails import append_trails, keep_trails
from understudy.training.exploration.vector import ExplorationGames

Progress = Callable[[str, int, int], None]


def explore(
    recipe: ExplorationRecipe,
    make_game: MakeGame,
    out: Path,
    recordings: Recordings | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Explore, or go on exploring, into the run folder `out`.

    Args:
        recipe: How.
        make_game: Makes one game to play.
        out: The run folder.
        recordings: Demonstrations of the preferences; none for an agent that only explores.
        progress: Called with what is done, how much, and of how much.

    Returns:
        What `metrics.json` holds.

    Raises:
        RecipeError: If the recipe does not fit the game or the demonstrations, or `out` holds a run of another recipe.
        GameError: If the process of a game died.
    """
    require("stable_baselines3", "sb3")
    progress = progress or (lambda *_: None)
    names = preference_names(recipe, recordings)
    _claim(out, recipe)
    torch.set_num_threads(recipe.loop.threads)
    explorer = _prepare(recipe, tuple(names), make_game, out, recordings, progress)
    try:
        return _learn(explorer, out, progress)
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        raise GameError(
            f"A game's process died while it was explored; what was learned up to the last checkpoint is in {out}. "
            "Run the same command again to go on, with 'loop.workers: false' to see why."
        ) from error
    finally:
        with contextlib.suppress(EOFError, OSError):
            explorer.games.close()


def _prepare(
    recipe: ExplorationRecipe,
    names: tuple[str, ...],
    make_game: MakeGame,
    out: Path,
    recordings: Recordings | None,
    progress: Progress,
) -> Explorer:
    loop, sensors = recipe.loop, list(recipe.sensors)
    game = make_game()
    try:
        behavior = select_behavior(recipe.senses, game.behavior)
        shown = demonstrated(recipe, names, recordings, behavior)
        parts = build_parts(recipe, behavior, names)
        open_eyes(parts, EpisodeGame(game, sensors, loop.episode), shown, recordings, out, progress)
    finally:
        game.close()
    watched = watch(shown, parts.eyes, parts.codec, progress)
    games = ExplorationGames(
        open_games(make_game, loop.games, sensors, loop.episode, workers=loop.workers),
        parts.eyes,
        parts.memory,
        parts.codec,
        parts.wishes,
        past_actions=recipe.mind.past_actions,
        looks=recipe.encoder.trained,
    )
    explorer = Explorer(parts, games, pairs_by_preference(watched, len(names), recipe.discriminator.apart))
    if recipe.clone and watched:
        explorer.cloner = Cloner(parts, explorer.ppo.policy, recipe.clone, watched)
    resumed = explorer.learned.load(out / "checkpoint")
    if resumed is not None:
        explorer.iteration = resumed[0]["iteration"]
    elif explorer.cloner:
        explorer.cloner.begin(loop.seed, progress)
    return explorer


def _learn(explorer: Explorer, out: Path, progress: Progress) -> dict[str, Any]:
    from torch.utils.tensorboard import SummaryWriter

    parts, loop = explorer.parts, explorer.parts.recipe.loop
    state = {"behavior": parts.behavior.to_dict(), "preferences": list(parts.names)}
    keep_trails(out, explorer.iteration)
    board = SummaryWriter(str(out), purge_step=explorer.iteration)
    numbers: dict[str, float] = {}
    try:
        while explorer.iteration < loop.iterations:
            numbers, trails = explorer.iterate()
            done = explorer.iteration
            append_trails(out, trails)
            for name, value in numbers.items():
                board.add_scalar(name, value, done)
            if done % loop.checkpoint_every == 0 or done == loop.iterations:
                explorer.learned.save(out / "checkpoint", {**state, "iteration": done})
            progress("Exploring", done, loop.iterations)
    finally:
        board.close()
    return _conclude(out, explorer, numbers)


def _conclude(out: Path, explorer: Explorer, numbers: dict[str, float]) -> dict[str, Any]:
    path, loop = out / "metrics.json", explorer.parts.recipe.loop
    if not numbers and path.exists():  # it was done before
        return dict(json.loads(path.read_text()))
    metrics = {
        "iterations": explorer.iteration,
        "decisions": explorer.iteration * loop.games * loop.episode * loop.episodes,
        "preferences": list(explorer.parts.names),
        "parameters": sum(each.numel() for each in explorer.ppo.policy.parameters()),
        "last": numbers,
    }
    path.write_text(json.dumps(metrics, indent=1))
    return metrics


def _claim(out: Path, recipe: ExplorationRecipe) -> None:
    """Make the run folder this recipe's, or check that it is."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "recipe.yaml"
    begun = find_checkpoint(out / "checkpoint") or (out / EYES_FILE).exists()
    if path.exists() and begun and load_exploration_recipe(path) != recipe:
        raise RecipeError(f"{out} holds a run of another recipe; explore into a new folder, or delete this one.")
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json", by_alias=True), sort_keys=False))
