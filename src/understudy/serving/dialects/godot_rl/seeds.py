"""The seed of each life of each agent: the same server, game and lives give the same bots."""

from __future__ import annotations

import numpy as np

from understudy.agents.noise import philox4x32

_LOW = 0xFFFFFFFF


def life_seed(seed: int, agent: int, life: int) -> int:
    """Return the seed of a bot.

    Args:
        seed: Of the server, from 0 to 2**64 - 1.
        agent: Index of the agent in its game.
        life: How many bots played this agent before, since the game connected.

    Returns:
        The first two words of the Philox block with the key `seed` and the counter (agent, life, 0, 0x60D07), as one
        number below 2**64, low word first.
    """
    counter = np.array([agent & _LOW, life & _LOW, 0, 0x60D07], np.uint64)
    words = philox4x32(counter, np.array([seed & _LOW, seed >> 32 & _LOW], np.uint64))
    return int(words[0]) | int(words[1]) << 32
