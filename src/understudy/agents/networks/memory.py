"""Memory: what a policy carries from one decision to the next."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn


class Memory(Protocol):
    """Reads features in order and keeps a state of `state_size` numbers, zero for a new bot."""

    state_size: int
    features: int

    def __call__(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read a sequence (batch, time, features); return the output of each step and the last state."""
        ...

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read one step (batch, features); return its output and the next state."""
        ...


class NoMemory(nn.Module):
    """Forgets everything."""

    state_size = 0

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sequence as it is."""
        return x, state

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the step as it is."""
        return x, state


class GRUMemory(nn.Module):
    """A gated recurrent unit: the fused operator in training, plain matrix products in the exported graph.

    ONNX Runtime runs the two at the same speed in float32, and quantises only the second.
    Source: Cho et al. 2014, arXiv:1406.1078, in the form of `torch.nn.GRU`.

    Args:
        inputs: Features it reads.
        size: Of its state and output.
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.cell = nn.GRU(inputs, size, batch_first=True)
        self.state_size = self.features = size

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, time, inputs) from the state (batch, size)."""
        out, last = self.cell(x, state.unsqueeze(0).contiguous())
        return out, last.squeeze(0)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, inputs)."""
        from_input, from_state, input_bias, state_bias = self.cell.all_weights[0]
        xr, xz, xn = torch.split(x @ from_input.T + input_bias, self.state_size, -1)
        hr, hz, hn = torch.split(state @ from_state.T + state_bias, self.state_size, -1)
        reset, update = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        candidate = torch.tanh(xn + reset * hn)
        out = candidate + update * (state - candidate)
        return out, out
