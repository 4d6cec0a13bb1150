"""Teaching an encoder to see before it learns to play: predict one sensor from another.

Gameplay logs of people are few, and their actions say little about what is in a picture. Any player, even a random
one, can record a game with both a picture and a sensor that is computed from the game's state, such as rays. An
encoder that has learned to tell the rays from the picture knows walls, distances and monsters; cloning people then
starts there. The predicted sensor is only a target: the bot that plays never reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from understudy.agents.networks import PixelEncoder
from understudy.agents.networks.encoders import Scale
from understudy.errors import RecipeError
from understudy.recordings import Cache, Recordings
from understudy.recordings.cache import Span
from understudy.training.augment import Augment
from understudy.training.build import reductions, select_behavior
from understudy.training.recipe import MirrorRecipe, PretrainRecipe, Recipe

Progress = Callable[[str, int, int], None]

FILE = "pretrained.safetensors"
_HELD_OUT_EVERY = 8  # every eighth episode measures, the others teach


def pretrain(
    recipe: Recipe, encoder: nn.Module, recordings: Recordings | None, out: Path, progress: Progress
) -> float | None:
    """Pretrain the recipe's encoder in place, or take the weights of an earlier call from `out`.

    Args:
        recipe: With or without a `pretrain` part.
        encoder: Of `recipe.pretrain.sensor`.
        recordings: With that sensor and the one to predict.
        out: The run folder.
        progress: Called with what is done, how much, and of how much.

    Returns:
        The share of the predicted sensor's variance that is explained in held-out episodes, or None if the recipe
        pretrains nothing.

    Raises:
        RecipeError: If there are no recordings for it, or they lack a sensor.
    """
    part = recipe.pretrain
    if part is None:
        return None
    path = out / FILE
    if path.exists():
        tensors = load_file(path)
        explained = tensors.pop("explained").item()
        encoder.load_state_dict(tensors)
        return explained
    if recordings is None:
        raise RecipeError(
            f"The recipe '{recipe.name}' pretrains on recordings of '{part.sensor}' and '{part.predict}'; name their "
            "folder with --senses, and record them with: understudy record --help"
        )
    explained = _Lesson(recipe, part, encoder, recordings, out, progress).teach()
    partial = path.with_suffix(".part")
    save_file({**encoder.state_dict(), "explained": torch.tensor(explained)}, partial)
    partial.rename(path)
    return explained


class _Lesson:
    """One pretraining: its data, its head, its optimiser."""

    def __init__(
        self,
        recipe: Recipe,
        part: PretrainRecipe,
        encoder: nn.Module,
        recordings: Recordings,
        out: Path,
        progress: Progress,
    ) -> None:
        if not isinstance(encoder, PixelEncoder):
            raise RecipeError(f"pretrain.sensor: '{part.sensor}' is not read by a pixels encoder.")
        recorded = recordings.behavior
        both = recorded.select([part.sensor, part.predict])
        transforms = reductions(recipe, select_behavior(recipe, recorded))
        self._part, self._encoder, self._progress = part, encoder, progress
        self._cache = Cache.build(
            recordings, out.parent / "cache", sensors=both.sensor_names, transforms=transforms, progress=progress
        )
        self._augment = Augment(recipe.model_copy(update={"mirror": None}), recorded)
        mirror = recipe.mirror or MirrorRecipe()
        self._mirrors = part.sensor in mirror.sensors and part.predict in mirror.fans
        self._scale = Scale(both.sensor(part.predict))
        size = int(np.prod(both.sensor(part.predict).space.shape))
        torch.manual_seed(recipe.loop.seed)
        self._head = nn.Linear(encoder.features, size)
        self._bf16 = recipe.loop.bf16
        spans = self._cache.spans
        held = [span for index, span in enumerate(spans) if index % _HELD_OUT_EVERY == _HELD_OUT_EVERY - 1]
        self._held_rows = _rows(held or spans[-1:])
        self._rows = _rows([span for span in spans if span not in held] or spans)
        self._rng = np.random.default_rng(recipe.loop.seed)

    def teach(self) -> float:
        part = self._part
        parameters = [*self._encoder.parameters(), *self._head.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=part.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, part.learning_rate, total_steps=part.updates)
        self._encoder.train()
        for update in range(part.updates):
            rows = self._rng.choice(self._rows, part.batch)
            predicted, target = self._predict(rows, update)
            # Both distances and one-hot types lie in [0, 1], where cross-entropy suits either.
            loss = nn.functional.binary_cross_entropy_with_logits(predicted, target)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            self._progress(f"Learning to see '{part.predict}' in '{part.sensor}'", update + 1, part.updates)
        return self._explained()

    def _predict(self, rows: np.ndarray, group: int | None) -> tuple[Tensor, Tensor]:
        """Predictions (logits) and targets of some rows; pictures are augmented if a group is given."""
        values = self._cache.gather(np.sort(rows))
        frames = torch.from_numpy(values[f"observation.{self._part.sensor}"])
        told = torch.from_numpy(values[f"observation.{self._part.predict}"])
        if group is not None:
            if self._mirrors:
                flipped = torch.from_numpy(self._rng.random(len(rows)) < 0.5)
                frames[flipped], told[flipped] = frames[flipped].flip(2), told[flipped].flip(1)
            frames = self._augment({self._part.sensor: frames[:, None]}, {}, group)[0][self._part.sensor][:, 0]
        # The root spreads out the near distances, which are most of them, and leaves noughts and ones alone.
        target = (
            self._scale(torch.from_numpy(values[f"observation.{self._part.predict}"])).flatten(1).clamp(0, 1).sqrt()
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=self._bf16):
            features = self._encoder(frames)
        return self._head(features.float()), target

    @torch.no_grad()
    def _explained(self) -> float:
        self._encoder.eval()
        pairs = [
            self._predict(rows, None) for rows in np.array_split(self._held_rows, max(1, len(self._held_rows) // 256))
        ]
        predicted = torch.cat([each for each, _ in pairs]).sigmoid()
        target = torch.cat([each for _, each in pairs])
        error = ((predicted - target) ** 2).sum()
        return float(1 - error / ((target - target.mean(0)) ** 2).sum())


def _rows(spans: Sequence[Span]) -> np.ndarray:
    return np.concatenate([np.arange(span.start, span.stop) for span in spans])
