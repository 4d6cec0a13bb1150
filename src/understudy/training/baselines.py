"""The baselines a behaviour-cloned policy must beat: the marginal of each action, and a first-order Markov chain.

People hold keys for many decisions, so "do what you just did" is a strong guess; only what a policy knows beyond the
chain was learned from the game.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SMOOTHING = 0.5  # Jeffreys' prior


@dataclass(frozen=True)
class ChoiceCounts:
    """Counts of one choice in the training rows.

    Attributes:
        marginal: How often each class was chosen, shape (classes,).
        transitions: How often class j followed class i, shape (classes, classes).
    """

    marginal: np.ndarray
    transitions: np.ndarray

    @classmethod
    def none(cls, classes: int) -> ChoiceCounts:
        """Return counts of nothing yet."""
        return cls(np.zeros(classes), np.zeros((classes, classes)))

    def add(self, run: np.ndarray, *, follows: bool = False) -> None:
        """Count a run of consecutive class indices, shape (steps,).

        Args:
            run: The classes chosen.
            follows: Its first was counted already, as the last of the run before; only what follows it is new.
        """
        classes = len(self.marginal)
        self.marginal[:] += np.bincount(run[int(follows) :], minlength=classes)
        pairs = np.bincount(run[:-1] * classes + run[1:], minlength=classes * classes)
        self.transitions[:] += pairs.reshape(classes, classes)

    @property
    def marginal_probability(self) -> np.ndarray:
        """P(class), smoothed, shape (classes,)."""
        smoothed = self.marginal + _SMOOTHING
        return smoothed / smoothed.sum()

    @property
    def transition_probability(self) -> np.ndarray:
        """P(class | last class), smoothed towards the marginal, shape (classes, classes)."""
        smoothed = self.transitions + _SMOOTHING * len(self.marginal) * self.marginal_probability
        return smoothed / smoothed.sum(axis=1, keepdims=True)

    def marginal_nats(self, indices: np.ndarray) -> np.ndarray:
        """-log P(class) of each, shape as `indices`."""
        return -np.log(self.marginal_probability)[indices]

    def markov_nats(self, indices: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """-log P(class | previous class) of each; where `previous` is -1, by the marginal."""
        known = -np.log(self.transition_probability)[np.maximum(previous, 0), indices]
        return np.where(previous < 0, self.marginal_nats(indices), known)
