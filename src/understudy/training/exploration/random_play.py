"""Random play of a game, for pictures to learn to see from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from understudy.agents.networks import ActionCodec
from understudy.training.exploration.games import EpisodeGame

Progress = Callable[[str, int, int], None]

_KEEP = 0.8
"""Chance that each choice stays what it was, so that random play gets anywhere."""


def play_at_random(
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
