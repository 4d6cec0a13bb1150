"""Mixing the rewards of one iteration: r = w_env r_env + alpha novelty + (1 - alpha) style, each standardised."""

from __future__ import annotations

import numpy as np


def mix(
    environment: np.ndarray, novelty: np.ndarray, styles: np.ndarray, weights: np.ndarray, share: float
) -> np.ndarray:
    """Mix what each decision earned.

    Source: Sestini et al. 2022, arXiv:2202.10057: each reward is standardised over the rollout, then mixed by alpha.

    Args:
        environment: The game's own rewards, float32, (steps, games).
        novelty: float32, (steps, games).
        styles: By preference, float32, (steps, games, preferences).
        weights: Of novelty and each preference, as `RewardWeights` gives them, (steps, games, 1 + preferences).
        share: Weight of the game's own rewards.

    Returns:
        float32, (steps, games).
    """
    earned = np.concatenate([novelty[..., None], styles], -1).astype(np.float64)
    mean, spread = earned.mean((0, 1)), earned.std((0, 1))
    standard = (earned - mean) / np.maximum(spread, 1e-8)
    mixed: np.ndarray = share * environment + (standard * weights).sum(-1)
    return mixed.astype(np.float32)
