"""A stream that is compared with local agents, decision by decision."""

from __future__ import annotations

import numpy as np
from arena import BEHAVIOR, observe

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving.client import Client


class ComparedStream:
    """Plays bots through a server and beside it through `BundleAgent`, which knows nothing of batches."""

    def __init__(self, client: Client, bundle: Bundle, seed: int) -> None:
        self.stream = client.play(bundle.name, BEHAVIOR)
        self._agents = [BundleAgent(bundle) for _ in range(6)]
        self._rng = np.random.default_rng(seed)
        self._living: dict[int, BundleAgent] = {}
        self.num_compared = 0

    def play(self, ticks: int) -> None:
        """Spawn, despawn, reset and play bots at random; fails where server and agent disagree."""
        for _ in range(ticks):
            self._change()
            bots = [bot for bot in self._living if self._rng.random() < 0.8]
            self._rng.shuffle(bots)
            self._compare(bots)

    def close(self) -> None:
        """End the stream."""
        self.stream.close()

    def _change(self) -> None:
        bot = int(self._rng.integers(2**32 - 50, 2**32 - 44))
        if bot in self._living and self._rng.random() < 0.3:
            self.stream.despawn(bot)
            self._agents.append(self._living.pop(bot))
        elif bot not in self._living or self._rng.random() < 0.2:
            agent = self._living.get(bot) or self._agents.pop()
            seed = int(self._rng.integers(2**64, dtype=np.uint64))
            self.stream.spawn(bot, seed)
            agent.reset(seed)
            self._living[bot] = agent

    def _compare(self, bots: list[int]) -> None:
        observations = observe(self._rng, len(bots))
        actions = self.stream.tick(bots, observations)
        for row, bot in enumerate(bots):
            expected = self._living[bot].act({name: array[row] for name, array in observations.items()})
            for name in BEHAVIOR.action_names:
                np.testing.assert_allclose(
                    actions[name][row], expected[name], atol=1e-3, err_msg=f"{name} of bot {bot}"
                )
            self.num_compared += 1
