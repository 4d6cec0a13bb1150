"""The memory of every bot of one bundle, as packed arrays: a bot is a row, and a row is called a slot.

`SlotPool` says which slots are taken and belongs to the event loop; `BotTable` holds the numbers and belongs to the
turn that computes. A slot may be taken again while that turn still writes its former bot's last state, because
the new bot's `reset` waits in the same queue behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from understudy.agents.noise import uniform_noise
from understudy.serving.saved import SavedBot

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

    def give(self, slots: Iterable[int]) -> None:
        """Take back slots that `take` returned."""
        self._free.extend(slots)


class Memory(NamedTuple):
    """What a decision of some bots takes besides what they sense.

    Attributes:
        state: float32, shape (bots, state_size).
        noise: float32 in [0, 1), shape (bots, noise_size).
        style: float32, shape (bots, style_size), or None if the bundle takes no style.
    """

    state: np.ndarray
    noise: np.ndarray
    style: np.ndarray | None


class _Fresh:
    """The newest states of the slots that decided last, not yet written to the table."""

    __slots__ = ("decisions", "slots", "state")

    def __init__(self, slots: np.ndarray, state: np.ndarray, decisions: np.ndarray) -> None:
        self.slots = slots
        self.state = state
        self.decisions = decisions


class BotTable:
    """Recurrent state, noise stream and style of each slot; grows by doubling.

    Args:
        state_size: Numbers of recurrent state a bot has.
        noise_size: Numbers of noise a decision takes.
        style: The default one, float32, shape (style_size,); None if the bundle takes none.
    """

    def __init__(self, state_size: int, noise_size: int, style: np.ndarray | None = None) -> None:
        self._default = np.zeros(0, np.float32) if style is None else style
        self._state = np.zeros((0, state_size), np.float32)
        self._noise = np.zeros((0, NOISE_AHEAD, noise_size), np.float32)
        self._style = np.zeros((0, len(self._default)), np.float32)
        self._seeds = np.zeros(0, np.uint64)
        self._decisions = np.zeros(0, np.uint64)
        self._fresh: _Fresh | None = None

    @property
    def capacity(self) -> int:
        """How many slots the arrays have room for."""
        return len(self._seeds)

    def reset(self, slots: np.ndarray, seeds: np.ndarray, styles: np.ndarray | None = None) -> None:
        """Forget the past of some slots and start their noise streams.

        Args:
            slots: int64, shape (bots,), each at most once; new ones may lie beyond the capacity.
            seeds: uint64, shape (bots,).
            styles: float32, shape (bots, style_size); the default if left out, or of another size: they were checked
                before a swap.
        """
        self.settle()
        self._reserve(int(slots.max(initial=-1)) + 1)
        self._state[slots] = 0.0
        self._seeds[slots] = seeds
        self._decisions[slots] = 0
        self._style[slots] = styles if styles is not None and self._fits(styles) else self._default
        self._make_noise(slots)

    def restyle(self, slots: np.ndarray, styles: np.ndarray) -> None:
        """Change the style of some slots, float32 (bots, style_size); another size, from before a swap, is left out."""
        if self._fits(styles):
            self._style[slots] = styles

    def read(self, slots: np.ndarray) -> Memory:
        """Return what the next decision of some slots takes; the arrays are not to be written to.

        Asking again with the very same array after `advance` costs no copy of the states.
        """
        fresh = self._fresh
        if fresh is None or fresh.slots is not slots:
            self.settle()
            fresh = self._fresh = _Fresh(slots, self._state[slots], self._decisions[slots])
        ahead = (fresh.decisions % NOISE_AHEAD).astype(np.intp)
        if not ahead.all():
            self._write(fresh)
            self._make_noise(slots[ahead == 0])
        style = self._style[slots] if self._style.shape[1] else None
        return Memory(fresh.state, self._noise[slots, ahead], style)

    def advance(self, slots: np.ndarray, state: np.ndarray) -> None:
        """Keep the next state of some slots, float32 (bots, state_size), and count their decision."""
        if self._fresh is None or self._fresh.slots is not slots:
            self.settle()
            self._fresh = _Fresh(slots, state, self._decisions[slots])
        self._fresh.state = state
        self._fresh.decisions += np.uint64(1)

    def settle(self) -> None:
        """Write back what was kept of the last decision. Every method that needs it does it first."""
        if self._fresh is not None:
            self._write(self._fresh)
            self._fresh = None

    def save(self, slots: Sequence[int]) -> list[SavedBot]:
        """Return everything these slots remember."""
        self.settle()
        return [
            SavedBot(int(self._seeds[slot]), int(self._decisions[slot]), self._state[slot], self._style[slot]).copy()
            for slot in slots
        ]

    def restore(self, slots: Sequence[int], saved: Sequence[SavedBot]) -> None:
        """Let slots that were reset go on where saved bots stopped, unless a swap since then changed the sizes."""
        self.settle()
        for slot, bot in zip(slots, saved, strict=True):
            if len(bot.state) == self._state.shape[1] and self._fits(bot.style):
                self._state[slot], self._style[slot] = bot.state, bot.style
            self._seeds[slot], self._decisions[slot] = bot.seed, bot.decisions
        self._make_noise(np.array(slots, np.intp))

    def refit(self, state_size: int, noise_size: int, style: np.ndarray) -> bool:
        """Take another policy's sizes; seeds and counts stay, and so do states and styles that still fit.

        Args:
            state_size: As at first.
            noise_size: As at first.
            style: The default one, which each bot has whose own does not fit.

        Returns:
            Whether the states were kept.
        """
        self.settle()
        kept = self._state.shape[1] == state_size
        rows = self.capacity
        if not kept:
            self._state = np.zeros((rows, state_size), np.float32)
        self._default = style
        if not self._fits(style):
            self._style = np.tile(style, (rows, 1))
        if self._noise.shape[2] != noise_size:
            self._noise = np.zeros((rows, NOISE_AHEAD, noise_size), np.float32)
            self._make_noise(np.arange(rows))
        return kept

    def _fits(self, styles: np.ndarray) -> bool:
        return styles.shape[-1] == self._style.shape[1]

    def _write(self, fresh: _Fresh) -> None:
        self._state[fresh.slots] = fresh.state
        self._decisions[fresh.slots] = fresh.decisions

    def _make_noise(self, slots: np.ndarray) -> None:
        """Make the current block of noise of some slots: entry `d % NOISE_AHEAD` is decision d's."""
        first = self._decisions[slots] - self._decisions[slots] % np.uint64(NOISE_AHEAD)
        decisions = first[:, None] + np.arange(NOISE_AHEAD, dtype=np.uint64)
        noise = uniform_noise(np.repeat(self._seeds[slots], NOISE_AHEAD), decisions.ravel(), self._noise.shape[-1])
        self._noise[slots] = noise.reshape(len(slots), NOISE_AHEAD, -1)

    def _reserve(self, needed: int) -> None:
        if needed <= self.capacity:
            return
        extra = max(needed, 2 * self.capacity, 16) - self.capacity
        self._state, self._noise, self._style, self._seeds, self._decisions = (
            np.concatenate((old, np.zeros((extra, *old.shape[1:]), old.dtype)))
            for old in (self._state, self._noise, self._style, self._seeds, self._decisions)
        )
