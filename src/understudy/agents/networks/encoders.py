"""Encoders: from one sensor's array to a vector of features. Scaling by the sensor's range is part of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from understudy.errors import SpecError
from understudy.sensors.pixels import Pixels, area_weights
from understudy.spec import SensorSpec


class Scale(nn.Module):
    """Maps a sensor's declared range onto [0, 1]; a side without a bound is left as it is."""

    low: Tensor
    span: Tensor

    def __init__(self, sensor: SensorSpec) -> None:
        super().__init__()
        low, high = sensor.space.low.astype(np.float64), sensor.space.high.astype(np.float64)
        bounded = np.isfinite(low) & np.isfinite(high) & (high > low)
        low, span = np.where(bounded, low, 0.0), np.where(bounded, high - low, 1.0)
        if np.unique(low).size == np.unique(span).size == 1:
            low, span = low.reshape(-1)[:1], span.reshape(-1)[:1]
        self.register_buffer("low", torch.as_tensor(low, dtype=torch.float32), persistent=False)
        self.register_buffer("span", torch.as_tensor(span, dtype=torch.float32), persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Scale values of shape (batch, *sensor shape), any dtype, to float32."""
        return (values.float() - self.low) / self.span


class VectorEncoder(nn.Module):
    """A multi-layer perceptron over a sensor of any shape, flattened: for rays, audio and state.

    Args:
        sensor: What it reads.
        widths: Of its layers.
        sharp: Numbers k that tanh(k x) of each value x is read with too. A layer that is even in x is slow to learn how
            small values differ, such as the sine of an angle just off the aim; one k of 40 is steep up to two degrees.
        octaves: How many doublings of each direction's angle are read with it. Where one of eight keys is to be chosen
            by a direction, the cosine of four times its angle is nought exactly between the keys. Directions are two
            numbers that the sensor's labels name alike but for `sin` and `cos` at their ends.

    Raises:
        SpecError: If octaves are asked for, and the sensor has no directions.
    """

    sines: Tensor
    cosines: Tensor

    def __init__(
        self, sensor: SensorSpec, widths: Sequence[int], sharp: Sequence[float] = (), octaves: int = 0
    ) -> None:
        super().__init__()
        sines, cosines = _directions(sensor)
        if octaves and not sines:
            raise SpecError(
                f"The sensor '{sensor.name}' has no directions to read octaves of: no two labels that differ in ending "
                "with 'sin' and with 'cos'."
            )
        sizes = [math.prod(sensor.space.shape) * (1 + len(sharp)) + 2 * octaves * len(sines), *widths]
        self.scale, self.sharp, self.octaves = Scale(sensor), tuple(sharp), octaves
        self.register_buffer("sines", torch.tensor(sines, dtype=torch.int64), persistent=False)
        self.register_buffer("cosines", torch.tensor(cosines, dtype=torch.int64), persistent=False)
        self.layers = nn.Sequential(
            *(
                layer
                for size, width in itertools.pairwise(sizes)
                for layer in (nn.Linear(size, width), nn.LayerNorm(width), nn.ReLU())
            )
        )
        self.features = sizes[-1]

    def forward(self, values: Tensor) -> Tensor:
        """Encode (batch, *sensor shape) to (batch, features)."""
        read = [self.scale(values), *(torch.tanh(each * values.float()) for each in self.sharp)]
        # The extra dimension is for sensors of a single number, which have none to flatten.
        flat = [each.unsqueeze(-1).flatten(1) for each in read]
        return self.layers(torch.cat([*flat, *self._octaves(values.float().unsqueeze(-1).flatten(1))], 1))

    def _octaves(self, values: Tensor) -> list[Tensor]:
        """Sines and cosines of twice each angle, of four times, and so on, by the double-angle formulae."""
        found: list[Tensor] = []
        if self.octaves:
            sine, cosine = values.index_select(1, self.sines), values.index_select(1, self.cosines)
        for _ in range(self.octaves):
            sine, cosine = 2 * sine * cosine, cosine.square() - sine.square()
            found += [sine, cosine]
        return found


def _directions(sensor: SensorSpec) -> tuple[list[int], list[int]]:
    """Where a sensor, flattened, holds the sines and the cosines of directions; its labels are of its last axis."""
    labels = sensor.computed.get("labels")
    names = [str(each) for each in labels] if isinstance(labels, (list, tuple)) else []
    partners = {at: each.removesuffix("sin") + "cos" for at, each in enumerate(names) if each.endswith("sin")}
    pairs = [(at, names.index(partner)) for at, partner in partners.items() if partner in names]
    rows = range(0, math.prod(sensor.space.shape), max(1, len(names)))
    return [row + sine for row in rows for sine, _ in pairs], [row + cosine for row in rows for _, cosine in pairs]


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a skip connection.

    Source: He et al. 2016, arXiv:1603.05027 (activation before the weights), as in Espeholt et al. 2018,
    arXiv:1802.01561.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (batch, channels, height, width)."""
        return x + self.second(torch.relu(self.first(torch.relu(x))))


class PixelEncoder(nn.Module):
    """A small residual convolutional network: each stage halves the picture and adds one residual block.

    Args:
        shape: Of the picture it reads: (height, width, channels).
        channels: Of its stages.
        features: Of its result.
    """

    def __init__(self, shape: tuple[int, ...], channels: Sequence[int], features: int) -> None:
        super().__init__()
        height, width, depth = shape
        stages: list[nn.Module] = []
        for index, wide in enumerate(channels):
            kernel = 5 if index == 0 else 3
            stages += [nn.Conv2d(depth, wide, kernel, stride=2, padding=kernel // 2), Residual(wide)]
            height, width, depth = -(-height // 2), -(-width // 2), wide
        self.stages = nn.Sequential(*stages)
        self.project = nn.Sequential(nn.Linear(height * width * depth, features), nn.LayerNorm(features), nn.ReLU())
        self.features = features

    def forward(self, frames: Tensor) -> Tensor:
        """Encode (batch, height, width, channels), in levels 0 to 255 of any dtype, to (batch, features)."""
        x = frames.permute(0, 3, 1, 2).float() * (1 / 127.5) - 1
        x = self.stages(x.contiguous(memory_format=torch.channels_last))
        return self.project(torch.relu(x).flatten(1))


class InGraphPixels(nn.Module):
    """A `Pixels` sensor as a part of the graph: the same crop, averaging and channels, for whole batches.

    Training reads pictures that the cache reduced beforehand with the very same definition; the exported graph reduces
    what the game sends. They agree to within one level of 255.

    Args:
        pixels: The definition, without a stack of frames.
    """

    rows: Tensor
    columns: Tensor
    luma: Tensor

    def __init__(self, pixels: Pixels) -> None:
        super().__init__()
        if pixels.stack != 1:
            raise SpecError(
                "A stack of frames cannot be made inside the graph; record it as the sensor, or use memory."
            )
        top, left, height, width = pixels.window
        self.crop = (slice(top, top + height), slice(left, left + width))
        self.grey = pixels.channels == "grey" and pixels.source[2] == 3
        rows, columns = area_weights(height, pixels.size[0]), area_weights(width, pixels.size[1])
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.register_buffer("columns", torch.from_numpy(columns), persistent=False)
        self.register_buffer("luma", torch.tensor([0.299, 0.587, 0.114]), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Reduce (batch, height, width, source channels) uint8 to whole float32 levels (batch, *size, channels)."""
        x = frames[:, self.crop[0], self.crop[1]].permute(0, 3, 1, 2).float()
        x = (self.rows @ x @ self.columns.T).round().permute(0, 2, 3, 1)
        return (x * self.luma).sum(-1, keepdim=True).round() if self.grey else x
