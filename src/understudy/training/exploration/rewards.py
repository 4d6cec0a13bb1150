"""Mixing the rewards of one iteration: r = w_env r_env + alpha novelty + (1 - alpha) style, each standardised."""

from __future__ import annotations

import numpy as np
import torch

from understudy.training.exploration.moments import RunningMoments


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


class Returns(RunningMoments):
    """Scales rewards so that what PPO's critic has to tell is about one in size.

    It divides by the deviation of the discounted returns so far. Rewards that are small against the errors of a fresh
    critic would drown in them, and PPO would learn from those errors, since it standardises advantages.

    Source: Burda et al. 2019, arXiv:1810.12894, section 2.4.

    Args:
        gamma: The discount, in [0, 1].
    """

    def __init__(self, gamma: float) -> None:
        super().__init__(1)
        self._gamma = gamma

    def scale(self, rewards: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Take in rewards (steps, games) and return them scaled, float32; `starts` as in `discounted_returns`."""
        returns = discounted_returns(rewards, starts, self._gamma)
        self.update(torch.from_numpy(returns.reshape(-1, 1)))
        scaled: np.ndarray = rewards / self.deviation.numpy()
        return scaled.astype(np.float32)


def discounted_returns(rewards: np.ndarray, starts: np.ndarray, gamma: float) -> np.ndarray:
    """Add up what each decision and those after it in its episode earn, discounted by `gamma`.

    Args:
        rewards: float32, (steps, games).
        starts: Whether a decision was its episode's first, bool, (steps, games).
        gamma: In [0, 1].

    Returns:
        float64, (steps, games).
    """
    returns = rewards.astype(np.float64)
    for step in range(len(returns) - 2, -1, -1):
        returns[step] += gamma * returns[step + 1] * ~starts[step + 1]
    return returns
