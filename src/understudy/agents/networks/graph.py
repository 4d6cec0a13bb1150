"""The exported graph: one decision of a batch of bots, with everything from normalisation to sampling inside."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from understudy.agents.networks.encoders import InGraphPixels
from understudy.agents.networks.heads import Play
from understudy.agents.networks.policy import Policy


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
        of_part = temperature if isinstance(temperature, Mapping) else dict.fromkeys(policy.codec.names, temperature)
        each = [torch.full((head.size,), float(of_part[head.part.name])) for head in policy.codec]
        self.register_buffer("temperature", torch.cat(each), persistent=False)
        none = torch.zeros(policy.codec.logits_size)
        self.register_buffer("log_odds", none if log_odds is None else log_odds, persistent=False)
        self.past_size = policy.codec.logits_size if policy.shape.past_actions else 0
        # At least one number, since engines have no tensors without any.
        self.state_size = max(1, policy.state_size + self.past_size)
        self.noise_size = policy.joint.noise_size + policy.codec.spread_size

    @property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs, in the order of `forward`."""
        style = ["style"] if self.policy.shape.style else []
        return [*(f"observation.{name}" for name in self.policy.behavior.sensor_names), "state", "noise", *style]

    @property
    def outputs(self) -> list[str]:
        """Names of the graph's outputs, in the order of `forward`."""
        return [*(f"action.{name}" for name in self.policy.behavior.action_names), "next_state", "logits"]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Decide: sensors in the spec's order, state, noise, any style; to action parts, next state, logits."""
        policy = self.policy
        raw, (state, noise, *style) = self._split(arrays)
        sensors = {
            name: self.pixels[name](value) if name in self.pixels else value
            for name, value in zip(policy.behavior.sensor_names, raw, strict=True)
        }
        memory, past = state[:, : policy.state_size], state[:, policy.state_size :]
        if not policy.shape.past_actions:
            past = (noise[:, :1] * 0).expand(-1, policy.codec.logits_size)
        known, next_memory = policy.step(sensors, past, memory, *style)
        play = Play(self.log_odds, self.temperature)
        drawn, within = noise[:, : policy.joint.noise_size], noise[:, policy.joint.noise_size :]
        indices, logits = policy.joint.draw(policy.calibrate(known), drawn, play)
        next_state = torch.cat([next_memory, policy.codec.one_hot(indices)], -1)[:, : self.state_size]
        return (*policy.codec.decode(indices, within), next_state, logits)

    def _split(self, arrays: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        sensors = len(self.policy.behavior.sensors)
        return arrays[:sensors], arrays[sensors:]
