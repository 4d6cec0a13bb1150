"""The games as the policy sees them: embeddings remembered, a style for each episode, and a log of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from torch import Tensor

from understudy.agents.networks import ActionCodec
from understudy.training.exploration.eyes import Eyes
from understudy.training.exploration.games import flat_space
from understudy.training.exploration.mind import EchoMemory
from understudy.training.exploration.preference import Deck, RewardWeights


@dataclass(frozen=True)
class Step:
    """What one decision of all games was.

    Attributes:
        before: Embeddings of what was seen, float32, (games, features).
        after: Of what was seen next, also where the episode ended there.
        styles: float32, (games, 1 + preferences).
        starts: Whether it was an episode's first, bool, (games,).
        rewards: The games' own, float32, (games,).
        positions: Where the players were then, or None where the game does not tell.
    """

    before: np.ndarray
    after: np.ndarray
    styles: np.ndarray
    starts: np.ndarray
    rewards: np.ndarray
    positions: list[list[float] | None]


class ExplorationGames(VecEnvWrapper):
    """Embeds what games show, remembers it, and hands each episode a style.

    Observations hold `read` (what the memory gives and the last action), `weights` (of the rewards, see
    `RewardWeights`), and, for a policy that looks itself, `seen.<sensor>`, flattened.

    Args:
        games: Whose actions are mappings by part.
        eyes: Frozen.
        memory: Of embeddings.
        codec: Of the actions.
        wishes: From styles to weights.
        past_actions: Whether the last action is read.
        looks: Whether the policy looks itself.
    """

    def __init__(
        self,
        games: VecEnv,
        eyes: Eyes,
        memory: EchoMemory,
        codec: ActionCodec,
        wishes: RewardWeights,
        *,
        past_actions: bool,
        looks: bool,
    ) -> None:
        self._eyes, self._memory, self._codec, self._wishes = eyes, memory, codec, wishes
        self._past_actions, self._looks = past_actions, looks
        past = codec.logits_size if past_actions else 0
        form: dict[str, spaces.Space[Any]] = {
            "read": flat_space(memory.features + past),
            "weights": flat_space(1 + wishes.preferences),
        }
        if looks:
            seen = games.observation_space
            assert isinstance(seen, spaces.Dict)
            form |= {f"seen.{name}": _flattened(seen[name]) for name in eyes.names}
        super().__init__(games, spaces.Dict(form), spaces.MultiDiscrete(list(codec.classes)))
        self.steps: list[Step] = []

    def begin(self, deck: Deck, seed: int) -> dict[str, np.ndarray]:
        """Start every game anew, with episodes of this seed and styles of this deck; return the observation."""
        self._deck = deck
        self.venv.seed(seed)
        return self.reset()

    def reset(self) -> dict[str, np.ndarray]:
        """Start every game anew."""
        raw = self.venv.reset()
        assert isinstance(raw, dict)
        games = self.num_envs
        self.steps = []
        self._state = torch.zeros(games, self._memory.state_size)
        self._past = torch.zeros(games, self._codec.logits_size)
        self._styles = np.stack([self._deck.draw() for _ in range(games)])
        self._starts = np.ones(games, bool)
        self._positions = [info.get("position") for info in self.venv.reset_infos]
        self._embedding = self._eyes.embed(raw)
        return self._observe(raw)

    def step_async(self, actions: np.ndarray) -> None:
        """Take class indices, int64, (games, choices)."""
        indices = torch.from_numpy(np.asarray(actions, np.int64))
        self._past = self._codec.one_hot(indices)
        parts = [each.numpy() for each in self._codec.decode(indices)]
        names = self._codec.names
        forms = [{name: part[game] for name, part in zip(names, parts, strict=True)} for game in range(self.num_envs)]
        self.venv.step_async(forms)

    def step_wait(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Return what the policy reads next, the games' own rewards, which episodes ended, and their last sight."""
        raw, rewards, dones, infos = self.venv.step_wait()
        assert isinstance(raw, dict)
        last = {game: infos[game]["terminal_observation"] for game in np.flatnonzero(dones).tolist()}
        fresh = self._eyes.embed(raw)
        after = fresh.copy()
        for game, seen in last.items():
            after[game] = self._eyes.embed({name: np.asarray(seen[name])[None] for name in self._eyes.names})[0]
            infos[game]["terminal_observation"] = self._peek(game, seen, after[game])
        step = Step(
            self._embedding, after, self._styles.copy(), self._starts, rewards.astype(np.float32), list(self._positions)
        )
        self.steps.append(step)
        self._embedding, self._starts = fresh, dones.copy()
        resets = self.venv.reset_infos
        self._positions = [(resets[at] if dones[at] else infos[at]).get("position") for at in range(self.num_envs)]
        for game in last:
            self._state[game] = 0
            self._past[game] = 0
            self._styles[game] = self._deck.draw()
        return self._observe(raw), rewards, dones, infos

    def weights(self, styles: np.ndarray) -> np.ndarray:
        """Return the weights of the rewards for styles (..., 1 + preferences), same shape."""
        flat = torch.from_numpy(styles.reshape(-1, styles.shape[-1]))
        return self._wishes(flat).numpy().reshape(styles.shape)

    def _observe(self, raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        read, self._state = self._memory(torch.from_numpy(self._embedding), self._state)
        return self._form(read, self._past, self._styles, raw)

    def _peek(self, game: int, seen: Mapping[str, np.ndarray], embedding: np.ndarray) -> dict[str, np.ndarray]:
        """What the policy would have read after an episode's last decision."""
        rows = slice(game, game + 1)
        read, _ = self._memory(torch.from_numpy(embedding[None]), self._state[rows])
        whole = {name: np.asarray(seen[name])[None] for name in self._eyes.names}
        return {key: value[0] for key, value in self._form(read, self._past[rows], self._styles[rows], whole).items()}

    def _form(
        self, read: Tensor, past: Tensor, styles: np.ndarray, raw: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        read = torch.cat([read, past], -1) if self._past_actions else read
        form = {"read": read.numpy(), "weights": self.weights(styles)}
        if self._looks:
            form |= {f"seen.{name}": np.array(raw[name]).reshape(len(read), -1) for name in self._eyes.names}
        return form


def _flattened(space: spaces.Space[Any]) -> spaces.Box:
    assert isinstance(space, spaces.Box)
    return spaces.Box(space.low.reshape(-1), space.high.reshape(-1), dtype=space.dtype)
