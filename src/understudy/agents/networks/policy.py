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
from understudy.errors import SpecError
from understudy.spec import BehaviorSpec


@dataclass(frozen=True)
class PolicyShape:
    """Sizes of what lies between the encoders and the heads.

    Attributes:
        hidden: Width of the layer that the memory reads from.
        memory: Size of the recurrent state; 0 for a policy without memory.
        past_actions: Whether the policy reads its own last action.
        bottleneck: Width that the encoders' features are squeezed to; 0 leaves them as they are.
        remember_sensors: Whether the memory reads the sensors; without, it reads past actions only, and what is seen
            acts at once or not at all.
        dropout: Share of the hidden layer and the memory's output that training drops.
        sensor_dropout: Share of the features, and of the bottleneck, that training drops.
    """

    hidden: int = 256
    memory: int = 256
    past_actions: bool = True
    bottleneck: int = 0
    remember_sensors: bool = True
    dropout: float = 0.0
    sensor_dropout: float = 0.0


class Policy(nn.Module):
    """Maps what a bot has seen and done to the distribution of its next action.

    The logits are a sum of three: what the memory knows, a reflex to what is seen now, and a direct path from the last
    action, which is exactly a first-order Markov chain. The network only has to learn what goes beyond "people hold
    keys"; and where people's logs are few, the reflex can be kept small and the memory away from the sensors.

    Args:
        behavior: What the bot sees and does.
        encoders: One per sensor, by name; each with an attribute `features`.
        codec: Of the behaviour's actions.
        shape: Sizes.

    Raises:
        SpecError: If the memory would have nothing to read.
    """

    log_weights: Tensor

    def __init__(
        self, behavior: BehaviorSpec, encoders: Mapping[str, nn.Module], codec: ActionCodec, shape: PolicyShape
    ) -> None:
        super().__init__()
        if not (shape.past_actions or shape.remember_sensors):
            raise SpecError("A policy that reads neither past actions nor sensors has nothing to decide by.")
        self.behavior = behavior
        self.codec = codec
        self.shape = shape
        self.encoders = nn.ModuleDict({name: encoders[name] for name in behavior.sensor_names})
        features = sum(cast(int, encoder.features) for encoder in self.encoders.values())
        self.squeeze = _squeeze(features, shape)
        seen = shape.bottleneck or features
        read = (seen if shape.remember_sensors else 0) + (codec.logits_size if shape.past_actions else 0)
        self.join = nn.Sequential(nn.Linear(read, shape.hidden), nn.LayerNorm(shape.hidden), nn.ReLU())
        memory = GRUMemory(shape.hidden, shape.memory) if shape.memory else NoMemory(shape.hidden)
        self.memory = memory
        self.drop = nn.Dropout(shape.dropout)
        # What the memory reads also reaches the heads past it: quick changes need no recurrence.
        self.heads = nn.Linear(memory.features + shape.hidden, codec.logits_size)
        self.reflex = nn.Linear(seen, codec.logits_size, bias=False)
        self.markov = nn.Linear(codec.logits_size, codec.logits_size, bias=False) if shape.past_actions else None
        self.register_buffer("log_weights", torch.zeros(codec.logits_size))
        for layer in (self.heads, self.reflex, self.markov):
            if layer is not None:
                nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.heads.bias)

    def forward(self, sensors: Mapping[str, Tensor], past: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read sequences.

        Args:
            sensors: By name, each (batch, time, *sensor shape).
            past: One-hot of the action before each step, zeros where there was none, (batch, time, logits_size).
            state: Of the memory before the first step, (batch, memory).

        Returns:
            Logits (batch, time, logits_size), as trained: `calibrate` makes probabilities of them. And the last state.
        """
        flat = self.encode({name: value.flatten(0, 1) for name, value in sensors.items()})
        batch, time = past.shape[:2]
        return self.decide(flat.reshape(batch, time, -1), past, state)

    def encode(self, sensors: Mapping[str, Tensor]) -> Tensor:
        """Turn sensors (batch, *sensor shape) into the encoders' features, side by side, (batch, features)."""
        return torch.cat([encoder(sensors[name]) for name, encoder in self.encoders.items()], -1)

    def decide(self, features: Tensor, past: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, from the encoders' features (batch, time, features) on."""
        seen, joined = self._join(features, past)
        remembered, last = cast(Memory, self.memory)(self.drop(joined), state)
        return self._logits(remembered, joined, seen, past), last

    def step(self, sensors: Mapping[str, Tensor], past: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read one decision of each bot: as `forward`, without the time dimension."""
        seen, joined = self._join(self.encode(sensors), past)
        remembered, last = self.memory.step(joined, state)
        return self._logits(remembered, joined, seen, past), last

    def calibrate(self, logits: Tensor) -> Tensor:
        """Undo what class weights did to the logits, so that their softmax is the probability of each class.

        With class weights w, cross-entropy is least where the softmax is w p / sum(w p); taking log w from the logits
        gives p back.
        """
        return logits - self.log_weights

    def _join(self, features: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """What is seen, squeezed; and the layer that the memory reads from."""
        seen = self.squeeze(features)
        read = [seen] if self.shape.remember_sensors else []
        return seen, self.join(torch.cat([*read, past] if self.shape.past_actions else read, -1))

    def _logits(self, remembered: Tensor, joined: Tensor, seen: Tensor, past: Tensor) -> Tensor:
        logits = self.heads(self.drop(torch.cat([remembered, joined], -1))) + self.reflex(seen)
        return logits if self.markov is None else logits + self.markov(past)


def _squeeze(features: int, shape: PolicyShape) -> nn.Module:
    if not shape.bottleneck:
        return nn.Dropout(shape.sensor_dropout)
    narrow = nn.Linear(features, shape.bottleneck)
    layers = [nn.LayerNorm(features), nn.Dropout(shape.sensor_dropout), narrow, nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(shape.sensor_dropout))


class DecisionGraph(nn.Module):
    """What is exported: one decision of a batch of bots, from what the game sends to what the game does.

    The packed state is the memory, then the one-hot of the last action.

    Args:
        policy: In evaluation mode.
        pixels: By sensor name, pictures to reduce inside the graph.
        temperature: Divides the logits before sampling, of all parts or by part; 1 plays what was learned.
        log_odds: Added to the logits before that, float32, shape (logits_size,); zeros play what was learned.
    """

    temperature: Tensor
    log_odds: Tensor

    def __init__(
        self,
        policy: Policy,
        pixels: Mapping[str, InGraphPixels],
        temperature: float | Mapping[str, float] = 1.0,
        log_odds: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.policy = policy
        self.pixels = nn.ModuleDict(pixels)
        of_part = dict.fromkeys(policy.codec.names, temperature) if isinstance(temperature, float) else temperature
        each = [torch.full((head.size,), of_part[head.part.name]) for head in policy.codec]
        self.register_buffer("temperature", torch.cat(each), persistent=False)
        none = torch.zeros(policy.codec.logits_size)
        self.register_buffer("log_odds", none if log_odds is None else log_odds, persistent=False)
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
        indices = policy.codec.sample((logits + self.log_odds) / self.temperature, noise)
        next_state = torch.cat([next_memory, policy.codec.one_hot(indices)], -1)[:, : self.state_size]
        return (*policy.codec.decode(indices), next_state, logits)
