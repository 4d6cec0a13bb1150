"""What bots do when their answer is late: what they did last, or nothing."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np
from gymnasium import spaces

from understudy.spec import ActionSpec, BehaviorSpec

_IDLE_LABELS = ("none", "nothing", "noop", "no-op", "idle")


class Fallback(enum.IntEnum):
    """What a late bot does; the numbers are the wire's."""

    REPEAT = 0
    NOTHING = 1


def idle_action(part: ActionSpec) -> np.ndarray:
    """Return the action that does nothing: the label that says so, else the first; no buttons; zero within bounds."""
    if isinstance(part.space, spaces.Discrete):
        idle = [index for index, label in enumerate(part.labels) if label.lower() in _IDLE_LABELS]
        return np.asarray(idle[0] if idle else 0, part.dtype)
    if isinstance(part.space, spaces.Box):
        return np.clip(np.zeros(part.shape, part.dtype), part.space.low, part.space.high)
    return np.zeros(part.shape, part.dtype)


class LastActions:
    """What each slot of a bundle did last; grows by doubling.

    A stream mostly decides for the same bots, so that its last answer is kept as it is, and only spread over the slots
    when other bots decide.

    Args:
        behavior: Of the bundle.
    """

    def __init__(self, behavior: BehaviorSpec) -> None:
        self._idle = [idle_action(part) for part in behavior.actions]
        self._parts = [np.zeros((0, *each.shape), each.dtype) for each in self._idle]

    def idle(self, rows: int) -> list[np.ndarray]:
        """Return one row per bot of doing nothing."""
        return [np.broadcast_to(each, (rows, *each.shape)) for each in self._idle]

    def put(self, slots: np.ndarray, actions: Sequence[np.ndarray]) -> None:
        """Keep what some slots did."""
        self._reserve(slots)
        for part, values in zip(self._parts, actions, strict=True):
            part[slots] = values

    def get(self, slots: np.ndarray) -> list[np.ndarray]:
        """Return what some slots did last."""
        self._reserve(slots)
        return [part[slots] for part in self._parts]

    def forget(self, slots: np.ndarray) -> None:
        """Let some slots begin with doing nothing."""
        self.put(slots, self.idle(len(slots)))

    def _reserve(self, slots: np.ndarray) -> None:
        have, need = len(self._parts[0]), int(slots.max(initial=-1)) + 1
        if need > have:
            extra = max(need, 2 * have, 16) - have
            self._parts = [
                np.concatenate((part, np.broadcast_to(idle, (extra, *idle.shape))))
                for part, idle in zip(self._parts, self._idle, strict=True)
            ]
