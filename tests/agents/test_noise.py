"""The noise is Philox4x32-10, the same in every language, and the same for a bot in whatever batch it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.agents.noise import philox4x32, uniform_noise

seeds = st.integers(0, 2**64 - 1)


# Source: the known answers of the Random123 library, tests/kat_vectors, philox4x32 with 10 rounds.
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_known_answers(counter: str, key: str, expected: str) -> None:
    """The cipher gives the published answers."""
    words = [np.array([int(word, 16) for word in text.split()], np.uint64) for text in (counter, key, expected)]
    np.testing.assert_array_equal(philox4x32(words[0], words[1]), words[2])


def test_the_layout_of_a_decision_is_fixed() -> None:
    """Seed and count enter low word first, and lanes come four to a block: what an engine's client must do, too."""
    seed, decision = 0x0123456789ABCDEF, 0x1_0000_0002
    key = np.array([0x89ABCDEF, 0x01234567], np.uint64)
    blocks = [philox4x32(np.array([2, 1, block, 0], np.uint64), key) for block in range(2)]
    expected = [int(word) >> 8 for word in np.concatenate(blocks)[:6]]
    found = uniform_noise(np.array([seed], np.uint64), np.array([decision], np.uint64), 6)[0]
    assert found.dtype == np.float32
    assert (found.astype(np.float64) * 2**24).tolist() == expected


@given(st.lists(st.tuples(seeds, seeds), min_size=1, max_size=5), st.integers(0, 9))
def test_noise_is_in_the_unit_interval_and_knows_no_batch(bots: list[tuple[int, int]], size: int) -> None:
    """Each bot's row depends on its own seed and count alone, and lies in [0, 1)."""
    seed, decision = (np.array(column, np.uint64) for column in zip(*bots, strict=True))
    noise = uniform_noise(seed, decision, size)
    assert noise.shape == (len(bots), size)
    assert ((noise >= 0) & (noise < 1)).all()
    for row in range(len(bots)):
        alone = uniform_noise(seed[row : row + 1], decision[row : row + 1], size)[0]
        np.testing.assert_array_equal(noise[row], alone)
        np.testing.assert_array_equal(uniform_noise(seed, decision, size + 3)[row, :size], alone)


def test_noise_is_uniform_and_differs_between_decisions() -> None:
    """Over many decisions, every sixteenth of the interval is hit as often as any other."""
    count = 20_000
    noise = uniform_noise(np.full(count, 7, np.uint64), np.arange(count, dtype=np.uint64), 3)
    assert len(np.unique(noise)) > 0.99 * noise.size
    expected = count / 16
    for lane in noise.T:
        hits = np.bincount((lane * 16).astype(int), minlength=16)
        # Chi-square with 15 degrees of freedom: 99.9 % of the time below 37.7.
        assert ((hits - expected) ** 2 / expected).sum() < 37.7
