"""The noise every agent samples its actions with: counter-based, so that it needs no state but a seed and a count.

Philox4x32-10 turns (seed, decision, lane) into uniform numbers. Any language can do the same from this page, which is
why a bot gives the same actions in training, in the server and inside an engine.

Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3.
"""

from __future__ import annotations

import numpy as np

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint64(0x9E3779B9), np.uint64(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
ROUNDS = 10


def philox4x32(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Encrypt counters.

    Args:
        counter: uint32 words in a uint64 array of shape (..., 4).
        key: uint32 words in a uint64 array of shape (..., 2), broadcast against the counters.

    Returns:
        uint32 words in a uint64 array of shape (..., 4).
    """
    x0, x1, x2, x3 = (counter[..., index] for index in range(4))
    k0, k1 = key[..., 0], key[..., 1]
    for _ in range(ROUNDS):
        p0, p1 = x0 * _MULTIPLIERS[0], x2 * _MULTIPLIERS[1]
        x0, x1, x2, x3 = (p1 >> _SHIFT) ^ x1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ x3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return np.stack((x0, x1, x2, x3), axis=-1)


def uniform_noise(seeds: np.ndarray, decisions: np.ndarray, size: int) -> np.ndarray:
    """Return the noise of some bots at some decisions.

    Number `lane` of a row is word `lane % 4` of the Philox block with key = seed (low word first) and counter =
    (decision low word, decision high word, lane // 4, 0), its top 24 bits over 2**24.

    Args:
        seeds: uint64, shape (bots,).
        decisions: How many decisions each bot made since its reset, uint64, shape (bots,).
        size: Numbers a row.

    Returns:
        float32 in [0, 1), shape (bots, size).
    """
    blocks = -(-size // 4)
    counter = np.zeros((len(seeds), blocks, 4), np.uint64)
    counter[..., 0] = (decisions & _LOW)[:, None]
    counter[..., 1] = (decisions >> _SHIFT)[:, None]
    counter[..., 2] = np.arange(blocks, dtype=np.uint64)
    key = np.stack((seeds & _LOW, seeds >> _SHIFT), axis=-1)[:, None]
    words = philox4x32(counter, key).reshape(len(seeds), blocks * 4)[:, :size]
    return (words >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
