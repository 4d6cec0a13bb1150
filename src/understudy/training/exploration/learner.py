"""PPO on mixed rewards: stable-baselines3's, with rewards that are made once a whole iteration was played."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import obs_as_tensor

from understudy.training.checkpoint import Learned
from understudy.training.exploration.cloning import Cloner
from understudy.training.exploration.parts import Parts
from understudy.training.exploration.preference import Deck
from understudy.training.exploration.rewards import Returns, mix
from understudy.training.exploration.trails import Trail, cut_trails
from understudy.training.exploration.vector import ExplorationGames, Step

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]
_STREAM = 1_000_003


class Explorer:
    """Everything one exploration changes or reads while it learns.

    Args:
        parts: Its networks.
        games: To play in.
        shown: By preference, embeddings before and after, each (pairs, features).
    """

    def __init__(self, parts: Parts, games: ExplorationGames, shown: Pairs) -> None:
        recipe = parts.recipe
        self.parts, self.games, self._shown = parts, games, shown
        self.iteration = 0
        self.returns = Returns(recipe.ppo.gamma)
        self.cloner: Cloner | None = None
        self.ppo = PPO(
            "MultiInputPolicy",
            games,
            n_steps=recipe.loop.episode * recipe.loop.episodes,
            policy_kwargs=parts.policy_kwargs,
            seed=recipe.loop.seed,
            device="cpu",
            **recipe.ppo.model_dump(),
        )
        self.ppo.set_logger(Logger(None, []))
        self._callback = CallbackList([])
        self._callback.init_callback(self.ppo)
        self.ppo.ep_info_buffer = self.ppo.ep_success_buffer = _Nothing()
        for before, after in shown:
            parts.moments.update(torch.from_numpy(np.concatenate([before, after[-1:]])))

    @property
    def learned(self) -> Learned:
        """What a checkpoint holds."""
        parts = self.parts
        optimizers = {"optimizer.ppo": self.ppo.policy.optimizer, "optimizer.novelty": parts.novelty.optimizer}
        if parts.discriminators.optimizer:
            optimizers["optimizer.style"] = parts.discriminators.optimizer
        if self.cloner:
            optimizers["optimizer.clone"] = self.cloner.optimizer
        modules = {
            "policy": self.ppo.policy,
            "moments": parts.moments,
            "returns": self.returns,
            "novelty": parts.novelty,
            "style": parts.discriminators,
        }
        return Learned(modules, optimizers)

    def iterate(self) -> tuple[dict[str, float], list[Trail]]:
        """Play whole episodes in every game, reward them, and learn; return numbers to plot, and where it went."""
        seed = self.parts.recipe.loop.seed * _STREAM + self.iteration
        rng = np.random.default_rng((seed, 7))
        torch.manual_seed(seed)
        np.random.seed(seed % (1 << 32))  # PPO shuffles by it
        self._play(seed)
        steps = self.games.steps
        before, after = pairs_played(steps, self.parts.recipe.discriminator.apart)
        numbers = self._reward(steps, before, after)
        self.ppo.train()
        if self.cloner:
            numbers["clone/nats"] = self.cloner.go_on(rng)
        numbers["novelty/error"] = self.parts.novelty.learn(after, rng)
        numbers["style/loss"] = self.parts.discriminators.learn(self._shown, before, after, rng)
        self.iteration += 1
        trails = cut_trails(steps, self.iteration)
        return numbers | {name: float(value) for name, value in self.ppo.logger.name_to_value.items()}, trails

    def _play(self, seed: int) -> None:
        ppo, recipe = self.ppo, self.parts.recipe
        deck = Deck(recipe.rewards.alphas, len(self.parts.names), (seed, 9))
        ppo._last_obs = self.games.begin(deck, seed % (1 << 31))
        ppo._last_episode_starts = np.ones(self.games.num_envs, bool)
        ppo.collect_rollouts(self.games, self._callback, ppo.rollout_buffer, ppo.n_steps)

    def _reward(self, steps: Sequence[Step], before: np.ndarray, after: np.ndarray) -> dict[str, float]:
        """Put the mixed rewards in place of the games' own, beside what PPO added to those at truncations."""
        parts, buffer = self.parts, self.ppo.rollout_buffer
        own = np.stack([each.rewards for each in steps])
        parts.moments.update(torch.from_numpy(after))
        starts = np.stack([each.starts for each in steps])
        novelty = parts.novelty.reward(after.reshape(*own.shape, -1), starts)
        styles = parts.discriminators.reward(before, after).reshape(*own.shape, len(parts.names))
        weights = self.games.weights(np.stack([each.styles for each in steps]))
        mixed = mix(own, novelty, styles, weights, parts.recipe.rewards.environment)
        mixed = self.returns.scale(mixed, starts)
        buffer.rewards = mixed + (buffer.rewards - own)  # float32, as the buffer's own
        with torch.no_grad():
            last = self.ppo.policy.predict_values(obs_as_tensor(self.ppo._last_obs, self.ppo.device))
        buffer.compute_returns_and_advantage(last, np.asarray(self.ppo._last_episode_starts))
        told = {"reward/novelty": novelty.mean(), "reward/environment": own.mean(), "reward/mixed": mixed.mean()}
        for index, name in enumerate(parts.names):
            asked = weights[..., 1 + index]
            told[f"style/{name}"] = (styles[..., index] * asked).sum() / max(float(asked.sum()), 1e-8)
        return {name: float(value) for name, value in told.items()}


class _Nothing(list[Any]):
    """The statistics of episodes that stable-baselines3 keeps, which are not asked for here."""


def pairs_played(steps: Sequence[Step], apart: int) -> tuple[np.ndarray, np.ndarray]:
    """Return embeddings `apart` decisions before, or at the start, and after each, (steps * games, features)."""
    before, after, starts = (
        np.stack([getattr(each, name) for each in steps]) for name in ("before", "after", "starts")
    )
    rows = np.arange(len(steps))[:, None]
    begun = np.maximum.accumulate(np.where(starts, rows, 0), 0)
    chosen = np.maximum(rows + 1 - apart, begun)
    features = before.shape[-1]
    paired = np.take_along_axis(before, chosen[..., None], 0)
    return paired.reshape(-1, features), after.reshape(-1, features)
