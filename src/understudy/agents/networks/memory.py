"""Memory: what a policy carries from one decision to the next."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
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


def _exact_on_gpu(x: Tensor) -> AbstractContextManager[object]:
    """Keep cuDNN's recurrent kernels in float32: autocast would run them in float16, where small gradients vanish."""
    return torch.autocast("cuda", enabled=False) if x.is_cuda else nullcontext()


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
        with _exact_on_gpu(x):
            out, last = self.cell(x.float() if x.is_cuda else x, state.unsqueeze(0).contiguous())
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


class LSTMMemory(nn.Module):
    """Long short-term memory: the fused operator in training, plain matrix products in the exported graph.

    The state is what it puts out, then its cell. The gates look back one step at what was put out.
    A new one keeps most of what it holds.
    Sources: Gers et al. 2000, "Learning to forget", in the form of `torch.nn.LSTM`; the gate's bias of one from
    Jozefowicz et al. 2015, "An empirical exploration of recurrent network architectures".

    Args:
        inputs: Features it reads.
        size: Of its output, and half of its state.
    """

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(inputs, size, batch_first=True)
        with torch.no_grad():
            self.cell.get_parameter("bias_hh_l0")[size : 2 * size] += 1
        self.features = size
        self.state_size = 2 * size

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, time, inputs) from the state (batch, 2 * size)."""
        x = x.float() if x.is_cuda else x
        before = [each.unsqueeze(0).contiguous() for each in state.to(x.dtype).chunk(2, -1)]
        with _exact_on_gpu(x):
            out, last = self.cell(x, (before[0], before[1]))
        return out, torch.cat([each.squeeze(0) for each in last], -1)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, inputs)."""
        from_input, from_state, input_bias, state_bias = self.cell.all_weights[0]
        before, cell = torch.split(state, self.features, -1)
        gates = x @ from_input.T + (input_bias + state_bias) + before @ from_state.T
        enter, keep, candidate, leave = torch.split(gates, self.features, -1)
        cell = torch.sigmoid(keep) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
        out = torch.sigmoid(leave) * torch.tanh(cell)
        return out, torch.cat([out, cell], -1)
