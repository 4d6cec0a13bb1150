"""The networks of an explorer, put together from its recipe: for training, and again for export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import MultiInputActorCriticPolicy

from understudy.agents.networks import ActionCodec
from understudy.spec import BehaviorSpec
from understudy.training.build import build_codec
from understudy.training.exploration.discriminator import Discriminators
from understudy.training.exploration.eyes import Eyes
from understudy.training.exploration.mind import EchoMemory, Mind
from understudy.training.exploration.moments import RunningMoments
from understudy.training.exploration.novelty import Novelty
from understudy.training.exploration.preference import RewardWeights
from understudy.training.exploration.recipe import ExplorationRecipe


@dataclass(frozen=True)
class Parts:
    """Everything but PPO and the games.

    Attributes:
        recipe: They were built from.
        behavior: With the recipe's sensors.
        names: Of the preferences.
        eyes: Frozen encoders.
        memory: Of embeddings.
        codec: Of the actions.
        wishes: From styles to weights of rewards.
        moments: Of embeddings.
        novelty: The reward for what is new.
        discriminators: The reward for each preference's style.
    """

    recipe: ExplorationRecipe
    behavior: BehaviorSpec
    names: tuple[str, ...]
    eyes: Eyes
    memory: EchoMemory
    codec: ActionCodec
    wishes: RewardWeights
    moments: RunningMoments
    novelty: Novelty
    discriminators: Discriminators

    @property
    def policy_kwargs(self) -> dict[str, Any]:
        """What stable-baselines3's policy is made with."""
        hidden = self.recipe.mind.hidden
        own = {"eyes": self.eyes, "shapes": self.shapes} if self.recipe.encoder.trained else {}
        return {
            "features_extractor_class": Mind,
            "features_extractor_kwargs": {"hidden": hidden, **own},
            "net_arch": {"pi": [hidden], "vf": [hidden]},
            "activation_fn": torch.nn.ReLU,
            "normalize_images": False,
        }

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the sensors, by name."""
        return {each.name: each.shape for each in self.behavior.sensors}

    def build_policy(self, observation_space: spaces.Dict) -> MultiInputActorCriticPolicy:
        """Build a policy of the same shape as the one that PPO trains."""
        space = spaces.MultiDiscrete(list(self.codec.classes))
        return MultiInputActorCriticPolicy(observation_space, space, lambda _: 0.0, **self.policy_kwargs)


def build_parts(recipe: ExplorationRecipe, behavior: BehaviorSpec, names: tuple[str, ...]) -> Parts:
    """Build all parts with fresh weights, drawn from the recipe's seed.

    Raises:
        RecipeError: If an encoder or the bins do not fit the behaviour.
    """
    eyes = Eyes(recipe, behavior).eval().requires_grad_(False)
    moments = RunningMoments(eyes.features)
    return Parts(
        recipe,
        behavior,
        names,
        eyes,
        EchoMemory(eyes.features, recipe.mind.lags, recipe.mind.decays),
        build_codec(recipe.senses, behavior),
        RewardWeights(len(names)),
        moments,
        Novelty(eyes.features, recipe.novelty, moments),
        Discriminators(len(names), eyes.features, recipe.discriminator, moments),
    )
