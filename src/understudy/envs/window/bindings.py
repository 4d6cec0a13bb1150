"""Keys and mouse as action parts, both ways: what an action holds and moves, and which action a person's hands were.

An action part is either a choice, each label of which holds some keys for the decision, or a motion of the mouse along
one axis.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from understudy.errors import SpecError
from understudy.spec import Action, ActionSpec

AXES = ("x", "y")
_DIRECTIONS = {"x": "right", "y": "down"}


@dataclass(frozen=True)
class Choice:
    """One of several sets of keys is held.

    Attributes:
        name: Of the action part.
        labels: A word for each choice.
        keys: The keys that each choice holds: X11 keysyms such as `"Up"` or `"a"`, or `"mouse_left"` and the like.

    Raises:
        SpecError: If two choices hold the same, or none holds nothing.
    """

    name: str
    labels: tuple[str, ...]
    keys: tuple[frozenset[str], ...]

    def __post_init__(self) -> None:
        if frozenset() not in self.keys:
            raise SpecError(
                f"The action part '{self.name}' has no choice that holds nothing; add one, such as none: []."
            )
        for index, each in enumerate(self.keys):
            if each in self.keys[:index]:
                twin = self.labels[self.keys.index(each)]
                raise SpecError(
                    f"In the action part '{self.name}', '{twin}' and '{self.labels[index]}' hold the same keys."
                )

    def spec(self) -> ActionSpec:
        """Return the action part: `Discrete`, labelled."""
        return ActionSpec(self.name, spaces.Discrete(len(self.labels)), labels=self.labels)

    def read(self, held: Collection[str]) -> np.ndarray:
        """Return the choice that holds most of what is held, and nothing else; the first of several."""
        fitting = [each <= set(held) for each in self.keys]
        sizes = [len(each) if fits else -1 for each, fits in zip(self.keys, fitting, strict=True)]
        return np.asarray(int(np.argmax(sizes)), np.int64)


@dataclass(frozen=True)
class Motion:
    """The mouse moves along one axis.

    Attributes:
        name: Of the action part.
        axis: `"x"`, positive to the right, or `"y"`, positive down.
        most: The largest motion in one decision, in `units`.
        units: Such as `"pixels"` or `"degrees"`.
        pixels: Pixels of mouse motion for one unit.
    """

    name: str
    axis: str
    most: float
    units: str = "pixels"
    pixels: float = 1.0

    def spec(self) -> ActionSpec:
        """Return the action part: a float32 `Box` of shape (1,)."""
        space = spaces.Box(-self.most, self.most, (1,), np.float32)
        return ActionSpec(self.name, space, units=f"{self.units} per decision", labels=(_DIRECTIONS[self.axis],))

    def read(self, moved: float) -> np.ndarray:
        """Return the action of a mouse that moved so many pixels, float32 of shape (1,), within the part's range."""
        return np.clip(np.array([moved / self.pixels], np.float32), -np.float32(self.most), np.float32(self.most))


class Bindings:
    """All parts of an action, and the keys and motions that they stand for.

    Raises:
        SpecError: If a key or an axis is bound in two parts: nobody could tell which of them a person meant.
    """

    def __init__(self, parts: Sequence[Choice | Motion]) -> None:
        self.choices = tuple(each for each in parts if isinstance(each, Choice))
        self.motions = tuple(each for each in parts if isinstance(each, Motion))
        self.specs = tuple(each.spec() for each in parts)
        homes: dict[str, str] = {}
        bound = [(key, each.name) for each in self.choices for key in sorted(frozenset().union(*each.keys))]
        for key, name in [*bound, *((f"mouse {each.axis}", each.name) for each in self.motions)]:
            if key in homes:
                raise SpecError(f"'{key}' is bound in two action parts, '{homes[key]}' and '{name}'; keep one of them.")
            homes[key] = name
        self.keys = frozenset(key for key, _ in bound)

    def held(self, action: Action) -> frozenset[str]:
        """Return the keys that an action holds."""
        return frozenset().union(*(each.keys[int(action[each.name])] for each in self.choices))

    def moved(self, action: Action) -> tuple[float, float]:
        """Return how far an action moves the mouse, in pixels right and down."""
        by_axis = {each.axis: float(action[each.name][0]) * each.pixels for each in self.motions}
        return by_axis.get("x", 0.0), by_axis.get("y", 0.0)

    def read(self, held: Collection[str], moved: tuple[float, float]) -> dict[str, np.ndarray]:
        """Return the action that a person's hands were.

        Args:
            held: Keys that were held in the decision.
            moved: How far the mouse moved in it, in pixels right and down.
        """
        values = {each.name: each.read(held) for each in self.choices}
        values |= {each.name: each.read(moved[AXES.index(each.axis)]) for each in self.motions}
        return {each.name: values[each.name] for each in self.specs}
