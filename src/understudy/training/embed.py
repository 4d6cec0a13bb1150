"""Frozen encoders need to see each picture only once: what they make of it is kept, as it is and mirrored.

Source: the pattern of the BASALT behavioural-cloning baseline (Milani et al. 2023, arXiv:2312.02405): embed all frames
once, then train a small policy on the embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from understudy.agents.networks import Policy
from understudy.recordings import Cache
from understudy.training.recipe import Recipe

FEATURES = "features"
_ROWS_AT_ONCE = 512

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Embedded:
    """A cache whose sensors were replaced by the encoders' features.

    Attributes:
        arrays: `observation.features`, float32, shape (rows, 2, features): of the pictures as they are, and of the
            mirrored ones (or the same again if the recipe mirrors nothing); and the action columns of the cache.
    """

    arrays: Mapping[str, np.ndarray]


@torch.no_grad()
def embed(policy: Policy, cache: Cache, recipe: Recipe, progress: Progress) -> Embedded:
    """Run the policy's encoders over a whole cache."""
    policy.eval()
    mirrored = recipe.mirror.sensors if recipe.mirror else ()
    sides = []
    for side, flipped in enumerate(((), mirrored) if mirrored else ((),)):
        rows = []
        for start in range(0, cache.num_rows, _ROWS_AT_ONCE):
            rows.append(_encode(policy, cache, slice(start, start + _ROWS_AT_ONCE), flipped))
            done = side * cache.num_rows + min(start + _ROWS_AT_ONCE, cache.num_rows)
            progress("Embedding pictures", done, cache.num_rows * (2 if mirrored else 1))
        sides.append(np.concatenate(rows))
    actions = {key: array for key, array in cache.arrays.items() if key.startswith("action.")}
    return Embedded({f"observation.{FEATURES}": np.stack([sides[0], sides[-1]], 1), **actions})


def _encode(policy: Policy, cache: Cache, rows: slice, flipped: tuple[str, ...]) -> np.ndarray:
    device, sensors = next(policy.parameters()).device, {}
    for name in policy.behavior.sensor_names:
        values = torch.from_numpy(np.array(cache.arrays[f"observation.{name}"][rows]))
        sensors[name] = (values.flip(2) if name in flipped else values).to(device)
    return policy.encode(sensors).cpu().numpy()
