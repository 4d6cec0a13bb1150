"""A player's inputs as the checks see them: keys held, activity, numbers for regression, and a token for each step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from gymnasium import spaces

from understudy.recordings.reader import Episode
from understudy.spec import ActionSpec

NEUTRAL_WORDS = frozenset({"none", "no", "keep", "noop", "no_op", "nothing", "neutral", "null", "idle", "off", "stay"})
_DEAD_ZONE = 0.01
_DEAD_SHARE = 0.5
_RESTING_SHARE = 0.02
_MOST_CHOICES = 32
_MOST_FEATURES = 64
# Of a number's range; odd ones, for logs round to whole units, and what lies on a border falls on either side of it.
_TOKEN_LEVELS = (0.0057, 0.0317, 0.1173, 0.3719)


@dataclass(frozen=True)
class Key:
    """Something that can be held: a button, a choice, or a number's direction.

    Attributes:
        part: Of the action.
        label: What people call it.
        held: Shape (steps,), bool.
    """

    part: str
    label: str
    held: np.ndarray

    @property
    def name(self) -> str:
        """Part and label in one word."""
        return self.part if self.label == self.part else f"{self.part}={self.label}"


class Inputs:
    """All inputs of a recording.

    Args:
        episode: The recording; its actions are read whole, they are small.
    """

    def __init__(self, episode: Episode) -> None:
        self.num_steps = episode.num_steps
        self._parts = [(part, episode.action(part.name)) for part in episode.behavior.actions]

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """Everything that can be held, but neutral choices."""
        return tuple(key for part, values in self._parts for key in _keys(part, values))

    @cached_property
    def active(self) -> np.ndarray:
        """Whether the player does anything, shape (steps,), bool.

        A choice without a word that says it is neutral counts as doing something when it changes, and so does a number
        whose range does not hold nought inside: a pointer, say. A pedal, which rests at an end that is nought, does
        something wherever it does not rest.
        """
        return np.logical_or.reduce([_active(part, values) for part, values in self._parts])

    @property
    def rest_is_known(self) -> bool:
        """Whether an action tells that nothing is done: not where a choice held may be a key or its absence."""
        choices = [part for part, _ in self._parts if isinstance(part.space, spaces.Discrete)]
        return all(neutral_choice(part) is not None for part in choices)

    @cached_property
    def features(self) -> np.ndarray:
        """Numbers for a regression on the inputs, shape (steps, features), float32."""
        columns = [column for part, values in self._parts for column in _features(part, values)]
        columns = columns[:_MOST_FEATURES] or [np.zeros(self.num_steps)]  # A single choice that is neutral has none.
        return np.stack(columns, axis=1).astype(np.float32)

    @cached_property
    def tokens(self) -> np.ndarray:
        """A number for each step that is the same for the same action, shape (steps,), uint64."""
        token = np.zeros(self.num_steps, np.uint64)
        for part, values in self._parts:
            for column in _levels(part, values).T:
                token = mix(token, column.astype(np.int64).view(np.uint64))
        return token


def mix(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Hash two uint64 arrays into one, element by element (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        value = first * np.uint64(0x9E3779B97F4A7C15) + second + np.uint64(0x632BE59BD9B4E019)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))


def neutral_choice(part: ActionSpec) -> int | None:
    """The choice of a Discrete part that means doing nothing, if its labels say so."""
    words = [label.lower() for label in part.labels]
    return next((index for index, word in enumerate(words) if word in NEUTRAL_WORDS), None)


def rates(part: ActionSpec) -> np.ndarray:
    """In which numbers of a Box part nought means doing nothing, for it lies inside the range, shape (numbers,)."""
    assert isinstance(part.space, spaces.Box)
    return ((part.space.low < 0) & (part.space.high > 0)).reshape(-1)


def _label(part: ActionSpec, index: int) -> str:
    return part.labels[index] if part.labels else str(index)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _scale(part: ActionSpec) -> np.ndarray:
    assert isinstance(part.space, spaces.Box)
    scale = np.maximum(np.abs(part.space.low), np.abs(part.space.high)).reshape(-1).astype(np.float64)
    return np.where(scale > 0, scale, 1.0)


def _keys(part: ActionSpec, values: np.ndarray) -> list[Key]:
    if isinstance(part.space, spaces.Discrete):
        neutral = neutral_choice(part)
        choices = [each for each in range(min(int(part.space.n), _MOST_CHOICES)) if each != neutral]
        return [Key(part.name, _label(part, each), values == each) for each in choices]
    if isinstance(part.space, spaces.MultiBinary):
        return [Key(part.name, _label(part, each), values[:, each] != 0) for each in range(values.shape[1])]
    rate = rates(part)
    moved = _flat(values) / _scale(part) * rate
    # What is far below the usual is a tremor or a stick at rest, not something held.
    usual = np.median(np.abs(moved[moved != 0])) if moved.any() else 0.0
    zone = max(_DEAD_ZONE, _DEAD_SHARE * float(usual))
    names = [_label(part, each) if part.labels else part.name for each in range(moved.shape[1])]
    return [
        Key(part.name, f"{word}{name}", sign * moved[:, index] > zone)
        for index, name in enumerate(names)
        if rate[index]
        for word, sign in (("+", 1), ("-", -1))
    ]


def _active(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    flat = _flat(values)
    if isinstance(part.space, spaces.MultiBinary):
        return (flat != 0).any(axis=1)
    changed = np.concatenate([np.zeros_like(flat[:1], bool), np.diff(flat, axis=0) != 0])[: len(flat)]
    if isinstance(part.space, spaces.Box):
        away = np.abs(flat) / _scale(part) > _DEAD_ZONE / 4
        return np.asarray(np.where(rates(part) | _pedals(part, flat), away, changed).any(axis=1))
    neutral = neutral_choice(part)
    return changed[:, 0] if neutral is None else np.asarray(values != neutral)


def _pedals(part: ActionSpec, flat: np.ndarray) -> np.ndarray:
    """Which numbers rest at nought, an end of their range: a pointer is hardly ever exactly there."""
    assert isinstance(part.space, spaces.Box)
    ends = ((part.space.low == 0) | (part.space.high == 0)).reshape(-1)
    return np.asarray(ends & ((flat == 0).mean(axis=0) >= _RESTING_SHARE))


def _features(part: ActionSpec, values: np.ndarray) -> list[np.ndarray]:
    if isinstance(part.space, spaces.Box):
        flat = _flat(values) / _scale(part)
        flat = np.where(rates(part), flat, np.diff(flat, axis=0, prepend=flat[:1]))
        spread = max(float(np.std(flat)), 1e-9)
        flat = np.clip(flat / spread, -4, 4)
        return [*flat.T, *np.abs(flat).T]
    if isinstance(part.space, spaces.MultiBinary):
        return list(values.T)
    return [key.held for key in _keys(part, values)]


def _levels(part: ActionSpec, values: np.ndarray) -> np.ndarray:
    """Whole numbers that stand for an action, shape (steps, numbers): rounded, so that noise is not heard."""
    if isinstance(part.space, spaces.Box):
        moved = _flat(values) / _scale(part)
        return (np.sign(moved) * np.searchsorted(_TOKEN_LEVELS, np.abs(moved))).astype(np.int64)
    return _flat(values)
