"""The memory of every bot of one bundle, as packed arrays: a bot is a row, and a row is called a slot.

`SlotPool` says which slots are taken and belongs to the event loop; `BotTable` holds the numbers and belongs to the
thread that computes. A slot may be taken again while that thread still writes its former bot's last state, because
the new bot's `reset` waits in the same queue behind it.
"""

from __future__ import annotations

import numpy as np

from understudy.agents.noise import uniform_noise

NOISE_AHEAD = 32
"""Decisions of noise made at once: for 64 bots, a tenth of the time that a call for each decision takes."""


class SlotPool:
    """Hands out slots, the lowest new one if none was given back."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._next = 0

    @property
    def num_taken(self) -> int:
        """How many slots are taken."""
        return self._next - len(self._free)

    def take(self) -> int:
        """Return a free slot, which is now taken."""
        if self._free:
            return self._free.pop()
        self._next += 1
        return self._next - 1

    def give(self, slot: int) -> None:
        """Take back a slot that `take` returned."""
        self._free.append(slot)


class BotTable:
    """Recurrent state and noise stream of each slot; grows by doubling.

    Args:
        state_size: Numbers of recurrent state a bot has.
        noise_size: Numbers of noise a decision takes.
    """

    def __init__(self, state_size: int, noise_size: int) -> None:
        self._state = np.zeros((0, state_size), np.float32)
        self._noise = np.zeros((0, NOISE_AHEAD, noise_size), np.float32)
        self._seeds = np.zeros(0, np.uint64)
        self._decisions = np.zeros(0, np.uint64)
        self._due: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def capacity(self) -> int:
        """How many slots the arrays have room for."""
        return len(self._seeds)

    def reset(self, slots: np.ndarray, seeds: np.ndarray) -> None:
        """Forget the past of some slots and start their noise streams.

        Args:
            slots: int64, shape (bots,), each at most once; new ones may lie beyond the capacity.
            seeds: uint64, shape (bots,).
        """
        self.settle()
        self._reserve(int(slots.max()) + 1)
        self._state[slots] = 0.0
        self._seeds[slots] = seeds
        self._decisions[slots] = 0
        self._make_noise(slots)

    def read(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the state, float32 (bots, state_size), and the noise, float32 (bots, noise_size), of a decision."""
        self.settle()
        ahead = (self._decisions[slots] % NOISE_AHEAD).astype(np.intp)
        return self._state[slots], self._noise[slots, ahead]

    def advance(self, slots: np.ndarray, state: np.ndarray) -> None:
        """Keep the next state of some slots, float32 (bots, state_size), and count their decision.

        The work is put off until `settle`, so that the answer can leave first.
        """
        self.settle()
        self._due = (slots, state)

    def settle(self) -> None:
        """Do what `advance` put off. Every other method does it first."""
        if self._due is None:
            return
        (slots, state), self._due = self._due, None
        self._state[slots] = state
        self._decisions[slots] += np.uint64(1)
        spent = slots[self._decisions[slots] % NOISE_AHEAD == 0]
        if len(spent):
            self._make_noise(spent)

    def _make_noise(self, slots: np.ndarray) -> None:
        decisions = self._decisions[slots][:, None] + np.arange(NOISE_AHEAD, dtype=np.uint64)
        noise = uniform_noise(np.repeat(self._seeds[slots], NOISE_AHEAD), decisions.ravel(), self._noise.shape[-1])
        self._noise[slots] = noise.reshape(len(slots), NOISE_AHEAD, -1)

    def _reserve(self, needed: int) -> None:
        if needed <= self.capacity:
            return
        extra = max(needed, 2 * self.capacity, 16) - self.capacity
        self._state, self._noise, self._seeds, self._decisions = (
            np.concatenate((old, np.zeros((extra, *old.shape[1:]), old.dtype)))
            for old in (self._state, self._noise, self._seeds, self._decisions)
        )
