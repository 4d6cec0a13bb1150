"""Every memory reads a sequence as it reads the steps of it, so that what was trained is what plays."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.agents.networks import GRUMemory, LSTMMemory, Memory, TransformerMemory
from understudy.errors import SpecError

INPUTS = 5


def make_memory(kind: str, context: int = 3, layers: int = 2) -> Memory:
    """With random weights."""
    torch.manual_seed(1)
    if kind == "transformer":
        return TransformerMemory(INPUTS, 8, layers, context, attentions=2).eval()
    return {"gru": GRUMemory, "lstm": LSTMMemory}[kind](INPUTS, 8)


def read_steps(memory: Memory, x: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Read one step after the other."""
    out = []
    for moment in x.unbind(1):
        y, state = memory.step(moment, state)
        out.append(y)
    return torch.stack(out, 1), state


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["gru", "lstm", "transformer"]),
    context=st.integers(1, 6),
    layers=st.integers(1, 3),
    steps=st.integers(1, 14),
    data=st.data(),
)
@torch.no_grad()
def test_a_sequence_its_windows_and_its_steps_are_one(
    kind: str, context: int, layers: int, steps: int, data: st.DataObject
) -> None:
    """At once, in windows cut anywhere, or step by step: the same outputs and the same state after them."""
    memory = make_memory(kind, context, layers)
    x = torch.randn(2, steps, INPUTS, generator=torch.Generator().manual_seed(steps))
    start = torch.zeros(2, memory.state_size)
    whole, last = memory(x, start)
    cut = data.draw(st.integers(0, steps))
    pieces, state = [], start
    for piece in (x[:, :cut], x[:, cut:]):
        if piece.shape[1]:
            y, state = memory(piece, state)
            pieces.append(y)
    stepwise, end = read_steps(memory, x, start)
    for found, expected in ((torch.cat(pieces, 1), whole), (stepwise, whole), (state, last), (end, last)):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("layers", [1, 2])
def test_a_transformer_looks_back_as_far_as_its_cache(layers: int) -> None:
    """One layer sees `context` decisions back and no further; each more layer, as many again."""
    memory = make_memory("transformer", context=3, layers=layers)
    x = torch.randn(1, 12, INPUTS)
    other = x.clone()
    other[:, 2] += 1
    found, changed = (memory(each, torch.zeros(1, memory.state_size))[0] for each in (x, other))
    different = (found - changed).abs().amax(-1)[0] > 1e-6
    assert different.nonzero()[:, 0].tolist() == list(range(2, 2 + 3 * layers + 1))


@torch.no_grad()
def test_a_new_bots_cache_is_empty() -> None:
    """Slots that hold nothing are not attended to: a longer cache changes nothing in a bot's first decisions."""
    short, long = (make_memory("transformer", context=context) for context in (4, 9))
    x = torch.randn(1, 4, INPUTS)
    found, expected = (each(x, torch.zeros(1, each.state_size))[0] for each in (short, long))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


@torch.no_grad()
def test_a_new_lstm_keeps_most_of_what_it_holds() -> None:
    """Of a cell that holds something, two thirds or more are there after a decision in which nothing is seen."""
    memory = LSTMMemory(INPUTS, 64)
    cell = torch.full((1, 64), 100.0)
    _, state = memory.step(torch.zeros(1, INPUTS), torch.cat([torch.zeros(1, 64), cell], -1))
    assert state[:, 64:].mean() > 66


@pytest.mark.parametrize("kind", ["gru", "lstm", "transformer"])
def test_a_memory_learns_through_a_window(kind: str) -> None:
    """The first step of a window gets a gradient from its last, in bfloat16 too."""
    memory = make_memory(kind, context=8)
    x = torch.randn(1, 6, INPUTS, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out, _ = memory(x, torch.zeros(1, memory.state_size))
    out[:, -1, 0].float().backward()
    assert x.grad is not None
    assert x.grad[:, 0].abs().max() > 0


def test_a_width_that_heads_cannot_share_is_refused() -> None:
    """A transformer's width is cut into as many equal parts as it has attention heads."""
    with pytest.raises(SpecError, match="A transformer of 4 heads needs a width that is a multiple of that, not 10"):
        TransformerMemory(INPUTS, 10)
