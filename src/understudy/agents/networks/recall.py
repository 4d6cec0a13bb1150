"""Asking the memory what was done: an auxiliary task against policies that only copy their last action."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from understudy.agents.networks.codec import ActionCodec
from understudy.agents.networks.heads import nats_by_part

RECALL = "recall"
"""The name of its loss, beside those of the action parts."""


class Recall(nn.Module):
    """Tells the last actions from the memory, where the policy was not told them: what they did can be seen.

    A policy that is fed its last action learns to copy it; one whose memory has to know it from the sensors learns what
    acting looks like, and has no need to. Only training asks; the exported graph has no part in it.

    Source: past-token prediction, Torne et al. 2025, arXiv:2505.09561 (there the policy is never told its actions; here
    it is at most steps, and only the others count).

    Args:
        codec: Of the actions.
        features: Of the memory's output.
        steps: How many actions back.
    """

    def __init__(self, codec: ActionCodec, features: int, steps: int) -> None:
        super().__init__()
        self.codec = codec
        self.steps = steps
        self.size = steps * codec.logits_size
        self.tell = nn.Linear(features, self.size)

    def forward(self, remembered: Tensor) -> Tensor:
        """Tell from (batch, time, features) the logits of the actions 1 to `steps` decisions ago, side by side."""
        return self.tell(remembered)

    def losses(self, told: Tensor, past: Tensor, shown: Tensor) -> Tensor:
        """Return -log p of what was hidden, per choice, and nought where nothing was.

        Args:
            told: As `forward` gives it, (batch, time, steps * logits_size).
            past: One-hot of the action before each step, zeros where there was none, (batch, time, logits_size).
            shown: The same, other numbers where it was hidden from the policy.

        Returns:
            In nats, scaled so that its mean over all steps is the mean over those that were asked, (batch, time).
        """
        asked = past.any(-1) & (shown != past).any(-1)
        targets = torch.stack([piece.argmax(-1) for piece in torch.split(past, list(self.codec.classes), -1)], -1)
        total, count = torch.zeros_like(past[..., 0]), torch.zeros_like(past[..., 0])
        for back, logits in enumerate(torch.split(told, self.codec.logits_size, -1)):
            # What was done `back` steps before the last action lies that much earlier in the window, or outside it.
            known = past.shape[1] - back
            nats = torch.stack(nats_by_part(self.codec, logits[:, back:], targets[:, :known])).sum(0)
            mask = asked[:, :known].to(nats.dtype)
            total = total + nn.functional.pad(nats * mask, (back, 0))
            count = count + nn.functional.pad(mask, (back, 0))
        return total * (count.numel() / count.sum().clamp(min=1)) / len(self.codec.classes)
