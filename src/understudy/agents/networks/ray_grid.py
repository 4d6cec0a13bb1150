"""The encoder of ray grids: from centimetres and types to features, all of it inside the graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from understudy.errors import SpecError
from understudy.spec import SensorSpec

# Within this, a centimetre tells much; 1 - distance / reach alone would leave a room within a tenth of its range.
_CLOSE_CM = 500.0


# Wider unsigned integers are not exported by torch.
_DTYPES = ("uint8", "int8", "int16", "int32", "int64")


def is_ray_grid(sensor: SensorSpec) -> bool:
    """Whether a sensor is a grid of (distance, type): uint8 or signed, shape (rows, columns, 2), counted from zero."""
    shape = sensor.shape
    return len(shape) == 3 and shape[2] == 2 and sensor.dtype.name in _DTYPES and not np.any(sensor.space.low)


class RayGridEncoder(nn.Module):
    """A small convolutional network over a grid of rays, each a distance and the index of a type (0: nothing).

    The sensor's range says how far rays reach and how many types there are. A ray becomes 1 - distance / reach, an
    exponential of the distance that is fine near the player, and one number per type.

    Args:
        sensor: Integers of shape (rows, columns, 2), as `understudy.sensors.raygrid.RayGrid` gives them.
        channels: Of the stages; each halves the grid.
        features: Of the result.

    Raises:
        SpecError: If the sensor is no such grid.
    """

    kinds: Tensor

    def __init__(self, sensor: SensorSpec, channels: Sequence[int] = (32, 64), features: int = 256) -> None:
        super().__init__()
        if not is_ray_grid(sensor):
            raise SpecError(
                "The rays encoder reads uint8 or signed integers of shape (rows, columns, 2) from 0; sensor "
                f"'{sensor.name}' is {sensor.dtype} of shape {sensor.shape}."
            )
        self.reach = float(sensor.space.high[..., 0].max())
        types = int(sensor.space.high[..., 1].max())
        height, width, depth = *sensor.shape[:2], types + 2
        stages: list[nn.Module] = []
        for wide in channels:
            stages += [nn.Conv2d(depth, wide, 3, stride=2, padding=1), nn.ReLU()]
            height, width, depth = -(-height // 2), -(-width // 2), wide
        self.stages = nn.Sequential(*stages)
        self.project = nn.Sequential(nn.Linear(height * width * depth, features), nn.LayerNorm(features), nn.ReLU())
        self.features = features
        self.register_buffer("kinds", torch.arange(1, types + 1, dtype=torch.int32), persistent=False)

    def forward(self, rays: Tensor) -> Tensor:
        """Encode readings (batch, rows, columns, 2) to (batch, features)."""
        distance, kind = rays[..., :1].float(), rays[..., 1:].int()
        far, close = 1 - distance / self.reach, torch.exp(distance * (-1 / _CLOSE_CM))
        x = torch.cat([far, close, (kind == self.kinds).float()], -1).permute(0, 3, 1, 2)
        return self.project(self.stages(x).flatten(1))
