"""The policy: encoders, memory and heads, for sequences in training and for one decision in the exported graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from understudy.agents.networks.codec import ActionCodec
from understudy.agents.networks.encoders import InGraphPixels
from understudy.agents.networks.memory import GRUMemory, Memory, NoMemory
from understudy.spec import BehaviorSpec


@dataclass(frozen=True)
class PolicyShape:
    """Sizes of what lies between the encoders and the heads.

    Attributes:
        hidden: Width of the layer that joins the encoders' features.
        memory: Size of the recurrent state; 0 for a policy without memory.
        past_actions: Whether the policy reads its own last action.
        dropout: Share of the encoders' features that training sets to nought.
    """

    hidden: int = 256
    memory: int = 256
    past_actions: bool = True
    dropout: float = 0.0


class Policy(nn.Module):
    """Maps what a bot has seen and done to the distribution of its next action.

    Past actions enter twice: into the memory, and by a direct linear path to the logits. The direct path is exactly a
    first-order Markov model, so that the network only has to learn what goes beyond "people hold keys".

    Args:
        behavior: What the bot sees and does.
        encoders: One per sensor, by name; each with an attribute `features`.
        codec: Of the behaviour's actions.
        shape: Sizes.
    """

    log_weights: Tensor

    def __init__(
        self, behavior: BehaviorSpec, encoders: Mapping[str, nn.Module], codec: ActionCodec, shape: PolicyShape
    ) -> None:
        super().__init__()
        self.behavior = behavior
        self.codec = codec
        self.shape = shape
        self.encoders = nn.ModuleDict({name: encoders[name] for name in behavior.sensor_names})
        self.dropout = nn.Dropout(shape.dropout)
        seen = sum(cast(int, encoder.features) for encoder in self.encoders.values())
        read = seen + (codec.logits_size if shape.past_actions else 0)
        self.join = nn.Sequential(nn.Linear(read, shape.hidden), nn.LayerNorm(shape.hidden), nn.ReLU())
        memory = GRUMemory(shape.hidden, shape.memory) if shape.memory else NoMemory(shape.hidden)
        self.memory = memory
        # Features also reach the heads past the memory: fast reactions need no recurrence.
        self.heads = nn.Linear(memory.features + shape.hidden, codec.logits_size)
        self.markov = nn.Linear(codec.logits_size, codec.logits_size, bias=False) if shape.past_actions else None
        self.register_buffer("log_weights", torch.zeros(codec.logits_size))
        nn.init.zeros_(self.heads.weight)
        nn.init.zeros_(self.heads.bias)
        if self.markov is not None:
            nn.init.zeros_(self.markov.weight)

    def forward(self, sensors: Mapping[str, Tensor], past: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read sequences.

        Args:
            sensors: By name, each (batch, time, *sensor shape).
            past: One-hot of the action before each step, zeros where there was none, (batch, time, logits_size).
            state: Of the memory before the first step, (batch, memory).

        Returns:
            Logits (batch, time, logits_size), as trained: `calibrate` makes probabilities of them. And the last state.
        """
        batch, time = past.shape[:2]
        flat = {name: value.flatten(0, 1) for name, value in sensors.items()}
        joined = self._join(flat, past.flatten(0, 1)).unflatten(0, (batch, time))
        remembered, last = cast(Memory, self.memory)(joined, state)
        return self._logits(remembered, joined, past), last

    def step(self, sensors: Mapping[str, Tensor], past: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read one decision of each bot: as `forward`, without the time dimension."""
        joined = self._join(sensors, past)
        remembered, last = self.memory.step(joined, state)
        return self._logits(remembered, joined, past), last

    def calibrate(self, logits: Tensor) -> Tensor:
        """Undo what class weights did to the logits, so that their softmax is the probability of each class.

        With class weights w, cross-entropy is least where the softmax is w p / sum(w p); taking log w from the logits
        gives p back.
        """
        return logits - self.log_weights

    def _join(self, sensors: Mapping[str, Tensor], past: Tensor) -> Tensor:
        features = torch.cat([encoder(sensors[name]) for name, encoder in self.encoders.items()], -1)
        features = self.dropout(features)
        return self.join(torch.cat([features, past], -1) if self.shape.past_actions else features)

    def _logits(self, remembered: Tensor, joined: Tensor, past: Tensor) -> Tensor:
        logits = self.heads(torch.cat([remembered, joined], -1))
        return logits if self.markov is None else logits + self.markov(past)


class DecisionGraph(nn.Module):
    """What is exported: one decision of a batch of bots, from what the game sends to what the game does.

    The packed state is the memory, then the one-hot of the last action.

    Args:
        policy: In evaluation mode.
        pixels: By sensor name, pictures to reduce inside the graph.
        temperature: Divides the logits before sampling; 1 plays the distribution that was learned.
    """

    def __init__(self, policy: Policy, pixels: Mapping[str, InGraphPixels], temperature: float = 1.0) -> None:
        super().__init__()
        self.policy = policy
        self.pixels = nn.ModuleDict(pixels)
        self.temperature = temperature
        self.past_size = policy.codec.logits_size if policy.shape.past_actions else 0
        # At least one number, since engines have no tensors without any.
        self.state_size = max(1, policy.shape.memory + self.past_size)
        self.noise_size = policy.codec.noise_size

    @property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs, in the order of `forward`."""
        return [*(f"observation.{name}" for name in self.policy.behavior.sensor_names), "state", "noise"]

    @property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs, in the order of `forward`."""
        return [*(f"action.{name}" for name in self.policy.behavior.action_names), "next_state", "logits"]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Decide: sensors in the spec's order, state, noise; to action parts, next state, logits."""
        *raw, state, noise = arrays
        policy = self.policy
        sensors = {
            name: self.pixels[name](value) if name in self.pixels else value
            for name, value in zip(policy.behavior.sensor_names, raw, strict=True)
        }
        memory, past = state[:, : policy.shape.memory], state[:, policy.shape.memory :]
        if not policy.shape.past_actions:
            past = (noise[:, :1] * 0).expand(-1, policy.codec.logits_size)
        logits, next_memory = policy.step(sensors, past, memory)
        logits = policy.calibrate(logits)
        indices = policy.codec.sample(logits / self.temperature, noise)
        next_state = torch.cat([next_memory, policy.codec.one_hot(indices)], -1)[:, : self.state_size]
        return (*policy.codec.decode(indices), next_state, logits)
