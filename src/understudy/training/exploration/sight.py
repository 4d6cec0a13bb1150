"""How the explorer's eyes come by their weights, once per run folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

from understudy.errors import RecipeError
from understudy.recordings import Episode, Recordings
from understudy.training.exploration import EYES_FILE
from understudy.training.exploration.contrast import learn_by_contrast
from understudy.training.exploration.games import EpisodeGame
from understudy.training.exploration.parts import Parts
from understudy.training.exploration.random_play import play_at_random
from understudy.training.pretrain import pretrain

Progress = Callable[[str, int, int], None]

SAMPLE_FILE = "sample.npz"
SAMPLE_STEPS = 256


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
    decisions = max(SAMPLE_STEPS, contrast.decisions if contrast else 0)
    played = play_at_random(game, parts.codec, decisions, recipe.loop.seed, progress)
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


def _save_sample(played: Sequence[dict[str, np.ndarray]], out: Path) -> None:
    """Keep the first observations for the parity check of an export."""
    sample = {name: np.concatenate([each[name] for each in played])[:SAMPLE_STEPS] for name in played[0]}
    np.savez_compressed(out / SAMPLE_FILE, **sample)  # type: ignore[arg-type]
