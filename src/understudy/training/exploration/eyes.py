"""The explorer's eyes: from what the game sends to one embedding, with any reduction of pictures inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from understudy.errors import RecipeError
from understudy.spec import BehaviorSpec
from understudy.training.build import build_policy, in_graph
from understudy.training.checkpoint import find_checkpoint, read_module
from understudy.training.exploration.recipe import ExplorationRecipe

_ROWS_AT_ONCE = 512


class Eyes(nn.Module):
    """The recipe's encoders, side by side.

    Args:
        recipe: Names the sensors and how each is encoded.
        behavior: With just those sensors.

    Raises:
        RecipeError: If an encoder does not fit its sensor.
    """

    def __init__(self, recipe: ExplorationRecipe, behavior: BehaviorSpec) -> None:
        super().__init__()
        senses = recipe.senses
        self.names = behavior.sensor_names
        self.pixels = nn.ModuleDict(in_graph(senses, behavior))
        self.encoders = build_policy(senses, behavior).encoders
        self.features = sum(cast(int, each.features) for each in self.encoders.values())

    def forward(self, sensors: Mapping[str, Tensor]) -> Tensor:
        """Embed a batch of observations, by name (batch, *sensor shape), to (batch, features)."""
        reduced = {name: self.reduce(name, sensors[name]) for name in self.names}
        return torch.cat([self.encoders[name](value) for name, value in reduced.items()], -1)

    def reduce(self, name: str, value: Tensor) -> Tensor:
        """Return a sensor's batch as its encoder reads it."""
        return cast(Tensor, self.pixels[name](value)) if name in self.pixels else value

    @torch.no_grad()
    def embed(self, sensors: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embed many observations, by name (rows, *sensor shape), to float32 (rows, features)."""
        rows = len(sensors[self.names[0]])
        found = [np.zeros((0, self.features), np.float32)]
        for start in range(0, rows, _ROWS_AT_ONCE):
            part = {
                name: torch.from_numpy(np.ascontiguousarray(sensors[name][start : start + _ROWS_AT_ONCE]))
                for name in self.names
            }
            found.append(self(part).numpy())
        return np.concatenate(found)

    def take_from_run(self, run: Path) -> None:
        """Take the encoders of a run of `understudy train`.

        Raises:
            RecipeError: If there is no run, or its encoders are not of this recipe's shape.
        """
        home = find_checkpoint(run / "checkpoint")
        if home is None:
            raise RecipeError(f"encoder.run: {run} is no run folder with a checkpoint; make one with: understudy train")
        try:
            self.encoders.load_state_dict(read_module(home, "average.encoders"))
        except RuntimeError as error:
            raise RecipeError(
                f"encoder.run: the encoders of {run} are of another shape; give the same 'sensors' as its recipe."
            ) from error
