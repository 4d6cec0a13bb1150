"""Augmentation: a sequence is seen mirrored, shifted or in another light; all of its windows alike.

Source: shifts as in Yarats et al. 2021, arXiv:2107.09645 (here one shift per sequence, since a picture that jumps
between frames would look like a turn).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from understudy.errors import RecipeError, suggest
from understudy.spec import BehaviorSpec
from understudy.training.embed import FEATURES
from understudy.training.recipe import MirrorRecipe, PixelsRecipe, Recipe


class Augment:
    """Augments a batch; the same group of sequences is always augmented alike.

    Args:
        recipe: Says what may vary.
        behavior: Of the recordings.

    Raises:
        RecipeError: If the recipe mirrors what is not there or cannot be mirrored.
    """

    def __init__(self, recipe: Recipe, behavior: BehaviorSpec) -> None:
        self._pixels = {name: part for name, part in recipe.sensors.items() if isinstance(part, PixelsRecipe)}
        self._mirror = recipe.mirror or MirrorRecipe()
        self._seed = recipe.loop.seed
        for key, kind in (("negate", spaces.Box), ("reverse", spaces.Discrete)):
            for name in getattr(self._mirror, key):
                _check_part(f"mirror.{key}", name, kind, behavior)
        self._classes = {name: behavior.action(name).num_labels for name in self._mirror.reverse}
        for name in self._mirror.sensors:
            if name not in self._pixels:
                raise RecipeError(
                    f"mirror.sensors: '{name}' is not read by a pixels encoder, so it cannot be mirrored."
                )

    def __call__(
        self,
        sensors: Mapping[str, Tensor],
        actions: Mapping[str, Tensor],
        group: int,
        places: np.ndarray | None = None,
        whole: int | None = None,
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Augment a window of sequences.

        Args:
            sensors: By name, (batch, time, *sensor shape); or the features of both sides, see `embed`.
            actions: By name, (batch, time or more, *part shape).
            group: Number of the group of sequences, which decides everything drawn here.
            places: Which of the group's sequences these are, int64, (batch,); left out, they are all of them.
            whole: How many there are.

        Returns:
            Both, with pictures of dtype uint8 still, or float32 levels where the light was varied.
        """
        whole = len(next(iter(sensors.values()))) if whole is None else whole
        places = np.arange(whole) if places is None else places
        rng = np.random.default_rng((self._seed, 7, group))
        mirrored = torch.from_numpy((rng.random(whole) < (0.5 if self._mirror.sensors else 0.0))[places])
        done = {name: self._mirrored_action(name, value, mirrored) for name, value in actions.items()}
        if FEATURES in sensors:
            sides = sensors[FEATURES]
            return {FEATURES: _where(mirrored, sides[:, :, 1], sides[:, :, 0])}, done
        seen = dict(sensors)
        for name in self._mirror.sensors:
            seen[name] = _where(mirrored, seen[name].flip(3), seen[name])
        for name, part in self._pixels.items():
            if name not in seen:
                continue
            if part.shift:
                seen[name] = _shift(seen[name], rng.integers(-part.shift, part.shift + 1, (whole, 2))[places])
            if part.contrast:
                seen[name] = _relight(seen[name], rng.uniform(-part.contrast, part.contrast, (whole, 2))[places])
        return seen, done

    def _mirrored_action(self, name: str, value: Tensor, mirrored: Tensor) -> Tensor:
        if name in self._mirror.negate:
            return _where(mirrored, -value, value)
        if name in self._mirror.reverse:
            return _where(mirrored, self._classes[name] - 1 - value, value)
        return value


def _check_part(key: str, name: str, kind: type, behavior: BehaviorSpec) -> None:
    if name not in behavior.action_names:
        raise RecipeError(f"{key}: there is no action part '{name}'.{suggest(name, behavior.action_names)}")
    space = behavior.action(name).space
    if not isinstance(space, kind):
        raise RecipeError(f"{key}: '{name}' should be a {kind.__name__}, but it is {space}.")


def _where(mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    return torch.where(mask.reshape(-1, *[1] * (no.dim() - 1)), yes, no)


def _shift(frames: Tensor, offsets: np.ndarray) -> Tensor:
    """Shift each sequence's pictures by (down, right) pixels, repeating the edge."""
    height, width = frames.shape[2:4]
    shifted = torch.empty_like(frames)
    for row, (down, right) in enumerate(offsets):
        rows = (torch.arange(height) - int(down)).clamp(0, height - 1)
        columns = (torch.arange(width) - int(right)).clamp(0, width - 1)
        shifted[row] = frames[row].index_select(1, rows).index_select(2, columns)
    return shifted


def _relight(frames: Tensor, amounts: np.ndarray) -> Tensor:
    """Multiply each sequence's levels by 1 + amount and add up to that share of the full range."""
    gain, offset = torch.from_numpy(amounts.astype(np.float32)).T.reshape(2, -1, 1, 1, 1, 1)
    return (frames.float() * (1 + gain) + offset * 127.5).clamp(0, 255)
