"""Styles: a point for each player, and an encoder that finds the point of whoever played a few demonstrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from understudy.agents.networks.codec import ActionCodec

# So small that all players begin as one, and only what tells them apart drives them apart.
_FIRST_SPREAD = 0.1


class DemonstrationEncoder(nn.Module):
    """Reads pieces of play, in no order, and says in what style and how well they were played.

    A gated recurrent unit reads each piece; attention with one learned query weighs the pieces, so that any number of
    them will do.

    Args:
        encoders: One per sensor it reads, by name; each with an attribute `features`. Actions are always read.
        codec: Of the behaviour's actions.
        size: Numbers in a style, without skill.
        width: Of its layers.
    """

    def __init__(self, encoders: Mapping[str, nn.Module], codec: ActionCodec, size: int, width: int) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.codec = codec
        features = sum(cast(int, encoder.features) for encoder in self.encoders.values())
        self.join = nn.Sequential(nn.Linear(features + codec.logits_size, width), nn.LayerNorm(width), nn.ReLU())
        self.cell = nn.GRU(width, width, batch_first=True)
        self.weigh = nn.Linear(width, 1)
        self.style = nn.Linear(width, size)
        self.skill = nn.Linear(width, 1)

    def forward(self, sensors: Mapping[str, Tensor], choices: Tensor) -> tuple[Tensor, Tensor]:
        """Read the pieces that each player is known by.

        Args:
            sensors: By name, (players, pieces, steps, *sensor shape).
            choices: Class indices of the actions, int64, (players, pieces, steps, choices).

        Returns:
            Style, float32, (players, size); and skill, (players,), about 0 to 1.
        """
        players, pieces, steps = choices.shape[:3]
        read = [encoder(sensors[name].flatten(0, 2)) for name, encoder in self.encoders.items()]
        done = self.codec.one_hot(choices).flatten(0, 2)
        joined = self.join(torch.cat([*read, done], -1)).reshape(players * pieces, steps, -1)
        start = joined.new_zeros(1, players * pieces, self.cell.hidden_size)
        last = self.cell(joined, start)[0][:, -1].reshape(players, pieces, -1)
        seen = (self.weigh(last).softmax(1) * last).sum(1)
        return self.style(seen).float(), self.skill(seen).squeeze(-1).float()


class StyleSpace(nn.Module):
    """The styles that a policy is trained with.

    Args:
        players: How many there are.
        encoder: Of demonstrations, into the same space.
        size: Numbers in a style, without skill.
    """

    def __init__(self, players: int, encoder: DemonstrationEncoder, size: int) -> None:
        super().__init__()
        self.players = nn.Parameter(torch.randn(players, size) * _FIRST_SPREAD)
        self.encoder = encoder


def emphasised(style: Tensor, centre: Tensor, emphasis: float) -> Tensor:
    """Put a style so many times as far from the centre of all as it lies.

    A policy that cannot be sure of a style in training believes it by half; told more of it, it plays all of it.
    """
    return centre + emphasis * (style - centre)


class StyleGraph(nn.Module):
    """What is exported as `style.onnx`: from pieces of demonstrations to the style they show.

    Args:
        encoder: In evaluation mode.
        skill: Whether a style's last number is skill.
        centre: The styles' mean, (size,).
        emphasis: How many times as far from it styles are told as they lie.
    """

    centre: Tensor

    def __init__(self, encoder: DemonstrationEncoder, skill: bool, centre: Tensor, emphasis: float = 1.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.has_skill = skill
        self.emphasis = emphasis
        self.register_buffer("centre", centre, persistent=False)

    @property
    def inputs(self) -> list[str]:
        """Names of the graph's inputs, in the order of `forward`."""
        sensors = [f"observation.{name}" for name in self.encoder.encoders]
        return [*sensors, *(f"action.{name}" for name in self.encoder.codec.names)]

    def forward(self, *arrays: Tensor) -> Tensor:
        """Read sensors, then action parts in the spec's order, each (pieces, steps, *shape); return (1, style_size)."""
        names = list(self.encoder.encoders)
        sensors = {name: value.unsqueeze(0) for name, value in zip(names, arrays, strict=False)}
        actions = arrays[len(names) :]
        choices = [head.encode(value) for head, value in zip(self.encoder.codec, actions, strict=True)]
        style, skill = self.encoder(sensors, torch.cat(choices, -1).unsqueeze(0))
        style = emphasised(style, self.centre, self.emphasis)
        return torch.cat([style, skill.clamp(0, 1).unsqueeze(-1)], -1) if self.has_skill else style
