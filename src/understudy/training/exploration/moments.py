"""Running means and deviations, as a part of a network so that checkpoints hold them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_CLIP = 5.0


class RunningMoments(nn.Module):
    """Standardises what it was shown before, and clips it.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", equation 2.1 (pooling).

    Args:
        features: Numbers in each row.
    """

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))
        self.register_buffer("mean", torch.zeros(features, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(features, dtype=torch.float64))

    def update(self, rows: Tensor) -> None:
        """Take in rows (n, features)."""
        rows = rows.double()
        mean, variance, count = rows.mean(0), rows.var(0, unbiased=False), len(rows)
        total = self.count + count
        apart = mean - self.mean
        between = apart**2 * self.count * count / total
        self.variance = (self.variance * self.count + variance * count + between) / total
        self.mean = self.mean + apart * count / total
        self.count = total

    def forward(self, rows: Tensor) -> Tensor:
        """Return rows (..., features) in standard deviations from the mean, float32, in [-5, 5]."""
        return ((rows - self.mean) / self.deviation).float().clamp(-_CLIP, _CLIP)

    @property
    def deviation(self) -> Tensor:
        """Standard deviation of each feature, float64, (features,); 1 before anything was shown."""
        return (self.variance + 1e-8).sqrt()
