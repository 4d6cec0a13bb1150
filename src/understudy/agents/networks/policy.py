"""The policy: encoders, memory and heads, for sequences in training and for one decision in the exported graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from understudy.agents.networks.codec import ActionCodec
from understudy.agents.networks.film import FiLM
from understudy.agents.networks.heads import nats_by_part
from understudy.agents.networks.recall import RECALL, Recall
from understudy.agents.networks.shape import PolicyShape, build_joint_head, build_memory
from understudy.errors import SpecError
from understudy.spec import BehaviorSpec


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
        seen = self.embedding_size = shape.bottleneck or features
        read = (seen if shape.remember_sensors else 0) + (codec.logits_size if shape.past_actions else 0)
        self.join = nn.Sequential(nn.Linear(read, shape.hidden), nn.LayerNorm(shape.hidden), nn.ReLU())
        self.memory = build_memory(shape)
        self.drop = nn.Dropout(shape.dropout)
        # What the memory reads also reaches the heads past it: quick changes need no recurrence.
        outlook = self.memory.features + shape.hidden + shape.style
        self.heads = nn.Linear(outlook, codec.logits_size)
        self.reflex = nn.Linear(seen, codec.logits_size, bias=False)
        self.markov = nn.Linear(codec.logits_size, codec.logits_size, bias=False) if shape.past_actions else None
        # Of what is read, and of what is made of it: else the memory tells who plays by what was played, and in a
        # bot's own play, which is never quite anybody's, that comes to be nobody.
        self.film = FiLM(shape.style, shape.hidden) if shape.style else None
        self.film_remembered = FiLM(shape.style, self.memory.features) if shape.style and shape.memory else None
        self.joint = build_joint_head(shape, codec, outlook)
        self.recall = Recall(codec, self.memory.features, shape.recall) if shape.recall else None
        self.register_buffer("log_weights", torch.zeros(codec.logits_size))
        for layer in (self.heads, self.reflex, self.markov):
            if layer is not None:
                nn.init.zeros_(layer.weight)
        nn.init.zeros_(self.heads.bias)

    @property
    def state_size(self) -> int:
        """Numbers that the memory carries from one decision to the next; all zero for a new bot."""
        return self.memory.state_size

    def forward(
        self, sensors: Mapping[str, Tensor], past: Tensor, state: Tensor, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read sequences.

        Args:
            sensors: By name, each (batch, time, *sensor shape).
            past: One-hot of the action before each step, zeros where there was none, (batch, time, logits_size).
            state: Of the memory before the first step, (batch, state_size).
            style: float32, (batch, style), the same for all steps; zeros if left out.

        Returns:
            What is known, (batch, time, known_size): the logits of each choice alone, (batch, time, logits_size), as
            trained (`calibrate` makes probabilities of them), and what else the joint head reads. And the last state.
        """
        flat = self.encode({name: value.flatten(0, 1) for name, value in sensors.items()})
        batch, time = past.shape[:2]
        return self.decide(flat.reshape(batch, time, -1), past, state, style)

    def encode(self, sensors: Mapping[str, Tensor]) -> Tensor:
        """Turn sensors (batch, *sensor shape) into the encoders' features, side by side, (batch, features)."""
        return torch.cat([encoder(sensors[name]) for name, encoder in self.encoders.items()], -1)

    def decide(
        self, features: Tensor, past: Tensor, state: Tensor, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `forward`, from the encoders' features (batch, time, features) on."""
        known, last, _, _ = self.observe(features, past, state, style)
        return known, last

    def observe(
        self, features: Tensor, past: Tensor, state: Tensor, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As `decide`, and what that came from.

        Returns:
            What is known; the last state; the embeddings, which are the features after any bottleneck, (batch, time,
            embedding_size); and what the memory made of them, (batch, time, memory.features).
        """
        styles = [each.unsqueeze(1).expand(-1, past.shape[1], -1) for each in self._styles(style, past)]
        seen, joined = self._join(features, past, styles)
        remembered, last = self.memory(self.drop(joined), state)
        known = self._known(remembered, joined, seen, past, styles)
        if self.recall is not None and self.training:
            known = torch.cat([known, self.recall(remembered)], -1)
        return known, last, seen, remembered

    def step(
        self, sensors: Mapping[str, Tensor], past: Tensor, state: Tensor, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Read one decision of each bot: as `forward`, without the time dimension."""
        styles = self._styles(style, past)
        seen, joined = self._join(self.encode(sensors), past, styles)
        remembered, last = self.memory.step(joined, state)
        return self._known(remembered, joined, seen, past, styles), last

    def calibrate(self, known: Tensor) -> Tensor:
        """Undo what class weights did to the logits, so that their softmax is the probability of each class.

        With class weights w, cross-entropy is least where the softmax is w p / sum(w p); taking log w from the logits
        gives p back.
        """
        size = self.codec.logits_size
        if known.shape[-1] == size:
            return known - self.log_weights
        return torch.cat([known[..., :size] - self.log_weights, known[..., size:]], -1)

    def losses(
        self, known: Tensor, targets: Tensor, past: Tensor, shown: Tensor, weights: Sequence[Tensor | None]
    ) -> dict[str, Tensor]:
        """Return what training makes small, in nats by name, each (batch, time): one per part, and any recall.

        Args:
            known: As `forward` gives it in training.
            targets: Class indices of what was done, int64, (batch, time, choices).
            past: One-hot of the action before each step, (batch, time, logits_size).
            shown: The same with zeros where it was hidden from the policy.
            weights: By part, of the classes, (choices, classes), or None.
        """
        parts = self.joint.losses(known, targets, weights)
        losses = dict(zip(self.codec.names, parts, strict=True))
        if self.recall is not None:
            told = known[..., -self.recall.size :]
            shown = shown if self.shape.past_actions else shown * 0
            losses[RECALL] = self.shape.recall_weight * self.recall.losses(told, past, shown)
        return losses

    @property
    def loss_names(self) -> list[str]:
        """The names of `losses`, in its order."""
        return [*self.codec.names, *([RECALL] if self.recall is not None else [])]

    def nats(self, known: Tensor, targets: Tensor) -> Tensor:
        """Return -log p of each part of `targets`, as `JointHead.logits` has it, (..., parts)."""
        logits = self.joint.logits(self.calibrate(known), targets)
        return torch.stack(nats_by_part(self.codec, logits, targets), -1)

    def _styles(self, style: Tensor | None, past: Tensor) -> list[Tensor]:
        """The style of each bot, (batch, style); none where the policy has none."""
        if self.film is None:
            return []
        return [past.new_zeros(len(past), self.shape.style) if style is None else style]

    def _join(self, features: Tensor, past: Tensor, styles: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """What is seen, squeezed; and the layer that the memory reads from."""
        seen = self.squeeze(features)
        read = [seen] if self.shape.remember_sensors else []
        joined = self.join(torch.cat([*read, past] if self.shape.past_actions else read, -1))
        return seen, joined if self.film is None else self.film(joined, *styles)

    def _known(
        self, remembered: Tensor, joined: Tensor, seen: Tensor, past: Tensor, styles: Sequence[Tensor]
    ) -> Tensor:
        if self.film_remembered is not None:
            remembered = self.film_remembered(remembered, *styles)
        outlook = self.drop(torch.cat([remembered, joined, *styles], -1))
        logits = self.heads(outlook) + self.reflex(seen)
        logits = logits if self.markov is None else logits + self.markov(past)
        more = self.joint.read(outlook)
        return torch.cat([logits, *more], -1) if more else logits


def _squeeze(features: int, shape: PolicyShape) -> nn.Module:
    if not shape.bottleneck:
        return nn.Dropout(shape.sensor_dropout)
    narrow = nn.Linear(features, shape.bottleneck)
    layers = [nn.LayerNorm(features), nn.Dropout(shape.sensor_dropout), narrow, nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(shape.sensor_dropout))
