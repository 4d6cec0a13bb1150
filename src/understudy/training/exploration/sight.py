"""How the explorer's eyes come by their weights, once per run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from understudy.agents.networks import ActionCodec
from understudy.errors import RecipeError
from understudy.recordings import Episode, Recordings
from understudy.training.exploration.contrast import learn_by_contrast
from understudy.training.exploration.games import EpisodeGame
from understudy.training.exploration.parts import Parts
from understudy.training.parity import PARITY_STEPS
from understudy.training.pretrain import pretrain

Progress = Callable[[str, int, int], None]

EYES_FILE = "eyes.safetensors"
"""In a run folder: the frozen encoders."""
SAMPLE_FILE = "sample.npz"
"""In a run folder: observations for the parity check of an export."""
_KEEP = 0.8
"""Chance that each choice stays what it was, so that random play gets anywhere."""


def open_eyes(
    parts: Parts,
    game: EpisodeGame,
    shown: Sequence[tuple[int, Episode]],
    recordings: Recordings | None,
    out: Path,
    progress: Progress,
) -> None:
    """Give the eyes their weights, or take those of an earlier call from `out`; leave a sample of play there too.

    Raises:
        RecipeError: If the recipe's source of weights is not there, or does not fit.
    """
    path = out / EYES_FILE
    if path.exists() and (out / SAMPLE_FILE).exists():
        parts.eyes.load_state_dict(load_file(path))
        return
    recipe = parts.recipe
    contrast = recipe.encoder.contrast
    decisions = max(PARITY_STEPS, contrast.decisions if contrast else 0)
    played = _play_at_random(game, parts.codec, decisions, recipe.loop.seed, progress)
    _save_sample(played, out)
    parts.eyes.requires_grad_()
    if recipe.encoder.run:
        parts.eyes.take_from_run(Path(recipe.encoder.run))
    if recipe.encoder.pretrain:
        sensor = recipe.encoder.pretrain.sensor
        if sensor not in recipe.sensors:
            raise RecipeError(f"encoder.pretrain.sensor: the recipe reads no sensor '{sensor}'.")
        pretrain(recipe.senses, parts.eyes.encoders[sensor], recordings, out, progress)
    if contrast:
        demonstrated = [{name: each.observation(name) for name in parts.eyes.names} for _, each in shown]
        learn_by_contrast(parts.eyes, [*played, *demonstrated], contrast, recipe.loop.seed, progress)
    parts.eyes.eval().requires_grad_(False)
    partial = path.with_suffix(".part")
    save_file({key: value.contiguous() for key, value in parts.eyes.state_dict().items()}, partial)
    partial.rename(path)


def _play_at_random(
    game: EpisodeGame, codec: ActionCodec, decisions: int, seed: int, progress: Progress
) -> list[dict[str, np.ndarray]]:
    """Play at random; return episodes by sensor name, each (steps, *sensor shape), `decisions` steps in all."""
    rng = np.random.default_rng((seed, 5))
    classes = np.array(codec.classes)
    episodes: list[list[dict[str, np.ndarray]]] = []
    choices, over = rng.integers(classes), True
    for decision in range(decisions):
        if over:
            seen, _ = game.reset(seed=seed) if decision == 0 else game.reset()
            episodes.append([])
        episodes[-1].append({name: np.array(value) for name, value in seen.items()})
        choices = np.where(rng.random(len(classes)) < _KEEP, choices, rng.integers(classes))
        parts = codec.decode(torch.from_numpy(choices[None]))
        action = {name: part[0].numpy() for name, part in zip(codec.names, parts, strict=True)}
        seen, _, terminated, truncated, _ = game.step(action)
        over = terminated or truncated
        progress("Playing at random", decision + 1, decisions)
    return [{name: np.stack([step[name] for step in steps]) for name in steps[0]} for steps in episodes]


def _save_sample(played: Sequence[dict[str, np.ndarray]], out: Path) -> None:
    """Keep the first observations for the parity check of an export."""
    sample = {name: np.concatenate([each[name] for each in played])[:PARITY_STEPS] for name in played[0]}
    np.savez_compressed(out / SAMPLE_FILE, **sample)  # type: ignore[arg-type]
