"""A transformer as a memory: what it looks back at is a bounded cache, carried like any recurrent state.

In training a window is read at once, with an attention that sees as far as the cache does; what comes out is what the
step form gives one decision at a time.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from understudy.errors import SpecError

# Added to the attention to a slot that holds nothing; finite, so that no row can become not-a-number.
_NEVER = -1e9


class TransformerMemory(nn.Module):
    """Looks back at its last `context` decisions through keys and values that it keeps.

    The state is a flag for each slot of the cache (1 where it is filled), then the keys and values of every layer,
    the oldest first. A new bot's zeros are an empty cache. Nearness in time is a slope on the attention, so that no
    position is counted and a life may be as long as it likes.

    Sources: Vaswani et al. 2017, arXiv:1706.03762; normalisation before each block as in Xiong et al. 2020,
    arXiv:2002.04745; slopes from Press et al. 2022, arXiv:2108.12409; keys and values kept from earlier windows without
    gradients as in Dai et al. 2019, arXiv:1901.02860.

    Args:
        inputs: Features it reads.
        size: Width, a multiple of `attentions`.
        layers: How many blocks.
        context: Slots of the cache: decisions it looks back, besides the present one.
        attentions: Attention heads of a block.
    """

    present: Tensor

    def __init__(self, inputs: int, size: int, layers: int = 2, context: int = 32, attentions: int = 4) -> None:
        super().__init__()
        if size % attentions:
            raise SpecError(
                f"A transformer of {attentions} heads needs a width that is a multiple of that, not {size}."
            )
        self.size, self.layers, self.context, self.attentions = size, layers, context, attentions
        self.enter = nn.Linear(inputs, size)
        self.blocks = nn.ModuleList(_Block(size, attentions) for _ in range(layers))
        self.leave = nn.LayerNorm(size)
        self.features = size
        self.state_size = context + layers * 2 * context * size
        self.register_buffer("present", self._bias(1), persistent=False)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, time, inputs) from the state (batch, state_size)."""
        return self._read(x, state, self._bias(x.shape[1]).to(x.device))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, inputs)."""
        out, state = self._read(x.unsqueeze(1), state, self.present)
        return out[:, 0], state

    def _read(self, x: Tensor, state: Tensor, nearness: Tensor) -> tuple[Tensor, Tensor]:
        filled, cache = self._unpack(state)
        filled = torch.cat([filled, torch.ones_like(x[..., 0])], 1)
        bias = nearness + (1 - filled)[:, None, None] * _NEVER
        x = self.enter(x)
        kept = []
        for layer, block in enumerate(self.blocks):
            x, keys_values = block(x, cache[:, layer], bias)
            kept.append(keys_values[..., -self.context :, :])
        state = torch.cat([filled[:, -self.context :], torch.stack(kept, 1).flatten(1)], -1)
        return self.leave(x), state

    def _unpack(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """The flags (batch, context), and the cache (batch, layers, 2, attentions, context, size / attentions)."""
        shape = (-1, self.layers, 2, self.attentions, self.context, self.size // self.attentions)
        return state[:, : self.context], state[:, self.context :].reshape(shape)

    def _bias(self, time: int) -> Tensor:
        """What nearness adds to the attention of each step to each slot, (attentions, time, context + time)."""
        ages = torch.arange(time).unsqueeze(1) + self.context - torch.arange(self.context + time)
        slopes = 2.0 ** (-8 * torch.arange(1, self.attentions + 1) / self.attentions)
        seen = (ages >= 0) & (ages <= self.context)
        return torch.where(seen, -slopes[:, None, None] * ages, torch.tensor(_NEVER))


class _Block(nn.Module):
    """Attention to what is kept, then a perceptron, each beside a skip connection."""

    def __init__(self, size: int, attentions: int) -> None:
        super().__init__()
        self.attentions = attentions
        self.before_attention, self.before_perceptron = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query_key_value = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        wide = 4 * size
        self.perceptron = nn.Sequential(nn.Linear(size, wide), nn.GELU(approximate="tanh"), nn.Linear(wide, size))

    def forward(self, x: Tensor, cache: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Read (batch, time, size); return it, and keys and values (batch, 2, attentions, context + time, width)."""
        query, *fresh = self._split(self.query_key_value(self.before_attention(x)))
        keys_values = torch.cat([cache.to(x.dtype), torch.stack(fresh, 1)], -2)
        keys, values = keys_values.unbind(1)
        scores = query @ keys.transpose(-1, -2) * (1 / math.sqrt(query.shape[-1])) + bias
        read = (scores.softmax(-1) @ values).transpose(1, 2).flatten(2)
        x = x + self.out(read)
        return x + self.perceptron(self.before_perceptron(x)), keys_values

    def _split(self, x: Tensor) -> list[Tensor]:
        """Cut (batch, time, 3 * size) into queries, keys and values, each (batch, attentions, time, width)."""
        batch, time = x.shape[:2]
        return [each.reshape(batch, time, self.attentions, -1).transpose(1, 2) for each in x.chunk(3, -1)]
