"""The exported graph: one decision of a batch of explorers, from what the game sends to what it does."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from understudy.training.exploration.mind import Mind
from understudy.training.exploration.parts import Parts


class ExplorerGraph(nn.Module):
    """Eyes, memory, the policy that PPO trained, and the drawing of an action.

    The packed state is the memory, then the one-hot of the last action if the policy reads it.

    Args:
        parts: In evaluation mode.
        policy: That stable-baselines3 trained.
        temperature: Divides the logits before sampling.
    """

    def __init__(self, parts: Parts, policy: Any, temperature: float = 1.0) -> None:
        super().__init__()
        self.behavior = parts.behavior
        self.eyes, self.memory, self.codec, self.wishes = parts.eyes, parts.memory, parts.codec, parts.wishes
        self.mind = cast(Mind, policy.features_extractor)
        self.actor, self.heads = policy.mlp_extractor.policy_net, policy.action_net
        self.temperature = temperature
        self.past_size = parts.codec.logits_size if parts.recipe.mind.past_actions else 0
        # At least one number, since engines have no tensors without any.
        self.state_size = max(1, parts.memory.state_size + self.past_size)
        self.noise_size = parts.codec.num_choices + parts.codec.spread_size
        self.style_size = 1 + len(parts.names)

    @property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs, in the order of `forward`."""
        return [*(f"observation.{name}" for name in self.behavior.sensor_names), "state", "noise", "style"]

    @property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs, in the order of `forward`."""
        return [*(f"action.{name}" for name in self.behavior.action_names), "next_state", "logits"]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Decide: sensors in the spec's order, state, noise, style; to action parts, next state, logits."""
        *raw, state, noise, style = arrays
        sensors = dict(zip(self.behavior.sensor_names, raw, strict=True))
        memory, past = state[:, : self.memory.state_size], state[:, self.memory.state_size :]
        read, next_memory = self.memory(self.eyes(sensors), memory)
        read = torch.cat([read, past], -1) if self.past_size else read
        logits = self.heads(self.actor(self.mind.think(read, self.wishes(style), sensors)))
        drawn, within = noise[:, : self.codec.num_choices], noise[:, self.codec.num_choices :]
        indices = self.codec.sample(logits / self.temperature, drawn)
        done = [self.codec.one_hot(indices)] if self.past_size else []
        next_state = torch.cat([next_memory, *done], -1) if self.past_size or self.memory.state_size else state * 0
        return (*self.codec.decode(indices, within), next_state, logits)
