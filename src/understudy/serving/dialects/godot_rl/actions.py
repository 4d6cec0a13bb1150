"""From the parts of a decision to what an agent of the game expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import SpecMismatchError
from understudy.serving.dialects.godot_rl.info import ActionKey
from understudy.spec import ActionSpec, BehaviorSpec

GodotAction = dict[str, int | list[float]]


def action_keys(part: ActionSpec) -> list[ActionKey]:
    """Return the entries of a game's `get_action_space()` that one action part fills.

    A `Discrete` is one choice and a `Box` one entry of numbers, under the part's name. Godot has no buttons: a
    `MultiBinary` is a choice of two for each, named `<part>_<label>`, or `<part>_<index>` without labels.
    """
    if isinstance(part.space, spaces.Discrete):
        return [ActionKey(part.name, part.num_labels, True)]
    if isinstance(part.space, spaces.MultiBinary):
        labels = part.labels or tuple(str(index) for index in range(part.num_labels))
        return [ActionKey(f"{part.name}_{label}", 2, True) for label in labels]
    return [ActionKey(part.name, part.num_labels, False)]


def to_unit(part: ActionSpec, value: np.ndarray) -> np.ndarray:
    """Scale the numbers of a `Box` from its bounds to -1 to 1, float64, flat; a bound without width gives 0."""
    assert isinstance(part.space, spaces.Box)
    low, high = part.space.low.astype(np.float64).ravel(), part.space.high.astype(np.float64).ravel()
    span = np.where(high > low, high - low, 1.0)
    unit = np.where(high > low, 2 * (value.astype(np.float64).ravel() - low) / span - 1, 0.0)
    return np.clip(unit, -1.0, 1.0)


class ActionWriter:
    """Writes one action part under the keys of one agent."""

    def __init__(self, part: ActionSpec, keys: Sequence[ActionKey]) -> None:
        self._part = part
        self._names = [each.name for each in keys]

    def write(self, value: np.ndarray) -> GodotAction:
        """Return the entries for one bot's value, of the part's shape."""
        if isinstance(self._part.space, spaces.Box):
            return {self._names[0]: to_unit(self._part, value).tolist()}
        return {name: int(each) for name, each in zip(self._names, np.ravel(value), strict=True)}


def bind_actions(behavior: BehaviorSpec, keys: Sequence[ActionKey]) -> list[ActionWriter]:
    """Find the keys of each action part: by name, or the only key for the only part with one.

    Raises:
        SpecMismatchError: If the game's keys are not exactly those of the bundle; the message has no subject.
    """
    wanted = [action_keys(part) for part in behavior.actions]
    if len(keys) == 1 and [len(each) for each in wanted] == [1]:
        only = wanted[0][0]
        wanted = [[ActionKey(keys[0].name, only.size, only.discrete)]]
    flat = [each for of_part in wanted for each in of_part]
    if sorted(flat, key=_name) != sorted(keys, key=_name):
        expected, found = (", ".join(str(each) for each in sorted(side, key=_name)) for side in (flat, keys))
        raise SpecMismatchError(f"its actions are {found}, but the bundle's are {expected}")
    return [ActionWriter(part, of_part) for part, of_part in zip(behavior.actions, wanted, strict=True)]


def write_action(writers: Sequence[ActionWriter], parts: Sequence[np.ndarray], row: int) -> dict[str, Any]:
    """Return the action of one row of a decision."""
    action: GodotAction = {}
    for writer, part in zip(writers, parts, strict=True):
        action |= writer.write(np.asarray(part[row]))
    return action


def _name(key: ActionKey) -> str:
    return key.name
