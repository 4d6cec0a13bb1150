"""What a playtest knows of a run: its moments, how it ended, and what an oracle saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from understudy.spec import Action

Number: TypeAlias = "float | list[float]"
Position: TypeAlias = "tuple[float, ...]"


class Ended(StrEnum):
    """How a run ended."""

    TERMINATED = "the game ended it"
    TRUNCATED = "the game cut it short"
    BUDGET = "its steps were used up"
    RAISED = "the game raised an error"
    DIED = "the game's process died"
    HUNG = "a step took too long"
    OVERTIME = "the run took too long"
    BROKEN = "it could not be played"
    STOPPED = "it was stopped"


@dataclass(frozen=True)
class Moment:
    """One decision: what the game reported, and what the player then asked for.

    Attributes:
        tick: Number of the decision, from 0.
        info: The numbers of the environment's `info`, by name.
        action: What the player does now; None after the last step.
    """

    tick: int
    info: Mapping[str, Number]
    action: Action | None

    @property
    def position(self) -> Position | None:
        """Where the player is, in the game's units; None if the game does not say."""
        return position_of(self.info)


@dataclass(frozen=True)
class Ending:
    """How a run ended, at which decision and where; `message` and `detail` say more of a failure."""

    how: Ended
    tick: int
    position: Position | None = None
    message: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Sighting:
    """An oracle's word that something is a bug: its kind, what, at which decision and where."""

    kind: str
    message: str
    tick: int
    position: Position | None = None
    detail: str = ""

    def same_bug(self, other: Sighting, cell: float) -> bool:
        """Return whether both are one bug: one kind, and within `cell` units or, without positions, one message."""
        if self.kind != other.kind:
            return False
        if self.position is None or other.position is None:
            return self.position == other.position and self.message == other.message
        return self.same_place(other, cell)

    def same_place(self, other: Sighting, cell: float) -> bool:
        """Return whether both lie within `cell` units of each other, or, without positions, at the same decision."""
        if self.position is None or other.position is None:
            return self.position == other.position and self.tick == other.tick
        return math.dist(self.position, other.position) <= cell


def position_of(info: Mapping[str, Number]) -> Position | None:
    """Return the numbers under `"position"` if there are at least two."""
    value = info.get("position")
    return tuple(value) if isinstance(value, list) and len(value) >= 2 else None


def cell_of(position: Position, cell: float) -> tuple[int, int]:
    """Return the square cell of side `cell` that the first two numbers of `position` lie in."""
    return math.floor(position[0] / cell), math.floor(position[1] / cell)
