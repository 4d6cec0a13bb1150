"""A profile beside the bundle it was made of: what both are shown, and how far their answers agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.agents.bundle import Bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.profiles.layout import Choice, Layout
from understudy.agents.profiles.policy import random_observations
from understudy.agents.runtime import PARITY_TOLERANCE, PolicyRuntime
from understudy.errors import BundleError

STEPS = 256
BOTS = 3


@dataclass
class Parity:
    """How far a profile and its bundle agree.

    Attributes:
        steps: Played, by `BOTS` bots at once.
        choices: Compared; every one must be equal.
        unequal: How many of them were not.
        max_difference: Of logits and of numbers in [-1, 1].
        states: Compared.
        max_state_difference: Of them.
    """

    steps: int = 0
    choices: int = 0
    unequal: int = 0
    max_difference: float = 0.0
    states: int = 0
    max_state_difference: float = 0.0

    def add_choices(self, expected: np.ndarray, found: np.ndarray) -> None:
        """Compare classes."""
        self.choices += expected.size
        self.unequal += int((expected != found).sum())

    def add_numbers(self, expected: np.ndarray, found: np.ndarray) -> None:
        """Compare logits or numbers."""
        if expected.size:
            self.max_difference = max(self.max_difference, float(np.abs(expected - found).max()))

    def add_states(self, expected: np.ndarray, found: np.ndarray) -> None:
        """Compare memories, shape (bots, state_size)."""
        self.states += len(expected)
        self.max_state_difference = max(self.max_state_difference, float(np.abs(expected - found).max()))

    def require(self, what: str) -> None:
        """Raise `BundleError` unless both count as the same policy."""
        worst = max(self.max_difference, self.max_state_difference)
        if self.unequal or not worst <= PARITY_TOLERANCE:
            raise BundleError(
                f"{what} does not play as the bundle does: over {self.steps} steps {self.unequal} of {self.choices} "
                f"choices differ and numbers differ by up to {worst:.2g} (allowed: {PARITY_TOLERANCE:g}); it was not "
                "written."
            )


def observations_of(bundle: Bundle, steps: int) -> Iterator[dict[str, np.ndarray]]:
    """Give observations of `BOTS` bots: recorded ones for the first while the bundle has any, random ones else."""
    sample = bundle.parity_sample
    for step in range(steps):
        shown = random_observations(bundle, BOTS, seed=step)
        if sample is not None and step < len(sample.noise):
            for name, values in sample.observations.items():
                shown[name][0] = values[step]
        yield shown


def carries_state(bundle: Bundle, runtime: PolicyRuntime) -> bool:
    """Whether what a policy does depends on its state: one that does not has one all the same, since graphs need it."""
    observation = next(observations_of(bundle, 1))
    sensors = [observation[name] for name in bundle.behavior.sensor_names]
    rng = np.random.default_rng(0)
    states = (np.zeros((BOTS, bundle.state_size)), rng.normal(0, 1, (BOTS, bundle.state_size)))
    empty, full = (runtime.logits(sensors, each.astype(np.float32)) for each in states)
    return not np.array_equal(empty, full)


def classes_of(bundle: Bundle, layout: Layout, actions: Sequence[np.ndarray]) -> np.ndarray:
    """Return the class of each choice in the bundle's actions, shape (bots, choices)."""
    parts = dict(zip(bundle.behavior.action_names, actions, strict=True))
    columns = [parts[each.part.name].reshape(len(actions[0]), -1)[:, each.index] for each in layout.choices]
    return np.stack(columns, 1) if columns else np.zeros((len(actions[0]), 0))


def numbers_of(bundle: Bundle, actions: Sequence[np.ndarray]) -> np.ndarray:
    """Return the numbers of all `Box` parts scaled to [-1, 1], float64, shape (bots, numbers)."""
    columns = [np.zeros((len(actions[0]), 0))]
    for part, value in zip(bundle.behavior.actions, actions, strict=True):
        if isinstance(part.space, spaces.Box):
            low, high = part.space.low.astype(np.float64).ravel(), part.space.high.astype(np.float64).ravel()
            span = np.where(high > low, high - low, np.inf)
            unit = np.where(high > low, 2 * (value.reshape(len(value), -1) - low) / span - 1, 0)
            columns.append(np.clip(unit, -1, 1))
    return np.concatenate(columns, 1)


def likeliest_of(layout: Layout, logits: np.ndarray) -> np.ndarray:
    """Return the most likely class of each choice, shape (bots, choices)."""
    columns = [class_logits_of(each, logits).argmax(1) for each in layout.choices]
    return np.stack(columns, 1) if columns else np.zeros((len(logits), 0))


def class_logits_of(choice: Choice, logits: np.ndarray) -> np.ndarray:
    """Return the logits of a choice's classes, in order, shape (bots, classes)."""
    taken = logits[:, choice.columns]
    return taken if len(choice.columns) > 1 else np.concatenate((taken * 0, taken), 1)


def noise_of(bundle: Bundle, step: int) -> np.ndarray:
    """Return the noise of `BOTS` bots at a step, shape (bots, noise_size)."""
    return uniform_noise(np.arange(BOTS, dtype=np.uint64), np.full(BOTS, step, np.uint64), bundle.noise_size)


def known_to(session: Any, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return what of `feed` the session has an input for."""
    names = {each.name for each in session.get_inputs()}
    return {name: value for name, value in feed.items() if name in names}
