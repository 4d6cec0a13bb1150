"""Feature-wise linear modulation: how a style conditions a layer."""

from __future__ import annotations

from torch import Tensor, nn


class FiLM(nn.Module):
    """Scales and shifts features by what a style says; a new one changes nothing.

    Source: Perez et al. 2018, arXiv:1709.07871, equations 1 and 2.

    Args:
        style: Numbers in the style.
        features: To condition.
    """

    def __init__(self, style: int, features: int) -> None:
        super().__init__()
        self.scale_and_shift = nn.Linear(style, 2 * features)
        nn.init.zeros_(self.scale_and_shift.weight)
        nn.init.zeros_(self.scale_and_shift.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Condition x (..., features) by style (..., style)."""
        scale, shift = self.scale_and_shift(style).chunk(2, -1)
        return x * (1 + scale) + shift
