"""Styles of an explorer: alpha, preferences, and what it remembers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from understudy.training.exploration.mind import EchoMemory
from understudy.training.exploration.preference import Deck, RewardWeights, named_styles

NUMBERS = st.floats(-3, 3, allow_nan=False, width=32)


@given(alpha=NUMBERS, asked=st.lists(NUMBERS, max_size=4))
def test_weights_of_any_style_are_shares(alpha: float, asked: list[float]) -> None:
    """Whatever the sliders say, no weight is negative, novelty has alpha, and the styles share out the rest."""
    weights = RewardWeights(len(asked))(torch.tensor([[alpha, *asked]]))[0].numpy()
    alpha = float(np.clip(alpha, 0, 1))
    assert weights.min() >= 0
    assert weights[0] == np.float32(alpha)
    if any(each > 1e-3 for each in asked):
        np.testing.assert_allclose(weights.sum(), 1, atol=1e-4)


def test_a_deck_deals_every_style_as_often_as_the_recipe_says() -> None:
    """In two rounds, an alpha that is listed twice comes twice as often, with every preference alike."""
    deck = Deck((0, 0, 1), 2, (0, 1))
    dealt = Counter(tuple(deck.draw().tolist()) for _ in range(12))
    assert dealt == {(0, 1, 0): 4, (0, 0, 1): 4, (1, 1, 0): 2, (1, 0, 1): 2}


def test_named_styles_begin_with_the_preferences_and_end_free() -> None:
    """The default is the first preference at alpha 0; every alpha has a name of its own."""
    styles = named_styles(("edge", "golden"), (0, 0.3, 1))
    assert list(styles)[:2] == ["edge", "golden"]
    assert styles["edge"] == styles["edge@0"] == [0, 1, 0]
    assert styles["golden@0.3"] == [0.3, 0, 1]
    assert styles["free"][0] == styles["golden@1"][0] == 1
    assert named_styles((), (1,)) == {"free": [1.0]}


@given(
    lags=st.lists(st.integers(1, 5), max_size=3, unique=True),
    decays=st.lists(st.floats(0.1, 0.9), max_size=2),
    steps=st.integers(1, 9),
)
def test_the_memory_gives_what_was_seen(lags: list[int], decays: list[float], steps: int) -> None:
    """Each lag gives the embedding of that many decisions ago, or nothing; each mean weighs the past by its decay."""
    memory = EchoMemory(2, lags, decays)
    seen = torch.randn(steps, 1, 2, generator=torch.Generator().manual_seed(0))
    state = torch.zeros(1, memory.state_size)
    for step in range(steps):
        read, state = memory(seen[step], state)
        past = [seen[step - lag] if step >= lag else torch.zeros(1, 2) for lag in lags]
        means = [
            torch.stack([(1 - each) * each ** (step - at) * seen[at] for at in range(step + 1)]).sum(0)
            for each in decays
        ]
        torch.testing.assert_close(read, torch.cat([seen[step], *past, *means], -1))
        assert read.shape[1] == memory.features
        assert state.shape[1] == memory.state_size
