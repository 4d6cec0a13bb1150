"""What both ways of keeping rollouts offer: trajectories whose arrays can be read a slice at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Kind:
    """Of one row of an array: its shape and dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Trajectories(Protocol):
    """The trajectories of one log.

    Attributes:
        source: What wrote them, for the provenance.
        notes: Lines for people: what is left out.
        observations: Of one observation.
        actions: Of one action.
        has_rewards: Whether rewards were kept.
    """

    source: str
    notes: tuple[str, ...]
    observations: Kind
    actions: Kind
    has_rewards: bool

    def __len__(self) -> int: ...

    def num_steps(self, number: int) -> int:
        """How many actions a trajectory has."""
        ...

    def is_terminal(self, number: int) -> bool:
        """Whether the game ended it."""
        ...

    def has_final(self, number: int) -> bool:
        """Whether it has an observation after its last action."""
        ...

    def read(self, name: str, number: int, start: int, stop: int) -> np.ndarray:
        """Rows of `"obs"`, `"acts"` or `"rews"` of a trajectory; raises `RecordingError` where they are damaged."""
        ...
