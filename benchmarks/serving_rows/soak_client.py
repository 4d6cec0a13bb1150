"""A client that plays as fast as it can until it is killed: soak_client.py ADDRESS BOTS."""

from __future__ import annotations

import sys

import numpy as np

from understudy.serving.tuning import poll_directly

poll_directly()

from understudy.serving.client import Client  # noqa: E402


def play(address: str, bots: int) -> None:
    """Spawn, tick and replace bots for ever."""
    rng = np.random.default_rng()
    with Client(address) as client, client.play() as stream:
        for bot in range(bots):
            stream.spawn(bot, bot)
        tick = 0
        while True:
            stream.tick(range(bots), {"rays": rng.normal(size=(bots, 64)).astype(np.float32)})
            tick += 1
            if tick % 50 == 0:
                stream.spawn(int(rng.integers(bots)), tick)


if __name__ == "__main__":
    play(sys.argv[1], int(sys.argv[2]))
