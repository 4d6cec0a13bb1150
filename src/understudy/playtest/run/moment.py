"""What a playtest knows of a run: its moments, how it ended, and what an oracle saw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from understudy.spec import Action

Number: TypeAlias = "float | list[float]"
Position: TypeAlias = tuple[float, ...]


class Ended(StrEnum):
    """How a run ended."""

    TERMINATED = "the game ended it"
    TRUNCATED = "the game cut it short"
    BUDGET = "its steps were used up"
    PLATEAU = "it found nothing new"
    RAISED = "the game raised an error"
    DIED = "the game's process died"
    HUNG = "a step took too long"
    OVERTIME = "the run took too long"
    BROKEN = "it could not be played"
    STOPPED = "it was stopped"


@dataclass(frozen=True)
class Picture:
    """What an oracle may know of the picture that the game shows.

    Attributes:
        mean: Its mean brightness, 0 (black) to 255.
        spread: The standard deviation of its brightness.
        changed: Whether it differs from the last one that was looked at.
        missing: The share of its pixels in a colour that engines show for a missing texture, 0 to 1.
        flat: The share of its pixels in its commonest colour, 0 to 1.
    """

    mean: float
    spread: float
    changed: bool
    missing: float
    flat: float


@dataclass(frozen=True)
class Moment:
    """One decision: what the game reported, and what the player then asked for.

    Attributes:
        tick: Number of the decision, from 0.
        info: The numbers of the environment's `info`, by name.
        action: What the player does now; None after the last step.
        reward: Of the step that led here.
        step_seconds: Wall-clock time of that step; 0 at the start.
        memory_mb: What the game's processes hold in memory, in MiB; None where it was not measured.
        faults: Names of sensors and of numbers of `info` that are NaN or infinite now.
        picture: Of what is seen now; None where nobody looked.
        log: Lines that the game printed since the last moment.
    """

    tick: int
    info: Mapping[str, Number]
    action: Action | None
    reward: float = 0.0
    step_seconds: float = 0.0
    memory_mb: float | None = None
    faults: tuple[str, ...] = ()
    picture: Picture | None = None
    log: tuple[str, ...] = ()

    @cached_property
    def position(self) -> Position | None:
        """Where the player is, in the game's units; None if the game does not say."""
        return position_of(self.info)


@dataclass(frozen=True)
class Ending:
    """How a run ended, at which decision and where.

    `message` and `detail` say more of a failure; `again` says that it was not the game's, and that playing the run once
    more may help.
    """

    how: Ended
    tick: int
    position: Position | None = None
    message: str = ""
    detail: str = ""
    again: bool = False


@dataclass(frozen=True)
class Sighting:
    """An oracle's word that something is a bug.

    Attributes:
        kind: Of the oracle.
        message: What is wrong, in a sentence.
        tick: At which decision.
        position: Where the player was; None if the game does not say.
        detail: What else is known.
        key: What tells bugs of this kind apart where the place does not, such as a sensor's name; empty otherwise.
        reach: From how far away the bug is seen, in the game's units, where that is further than a cell.
    """

    kind: str
    message: str
    tick: int
    position: Position | None = None
    detail: str = ""
    key: str = ""
    reach: float = 0.0

    def same_bug(self, other: Sighting, cell: float) -> bool:
        """Return whether both are one bug: of one kind and key, and, without a key, at one place.

        One place is within `cell` units or, if it is more, either one's reach; without positions it is one message.
        """
        if (self.kind, self.key) != (other.kind, other.key):
            return False
        if self.key:
            return True
        if self.position is None or other.position is None:
            return self.position == other.position and self.message == other.message
        return math.dist(self.position, other.position) <= max(cell, self.reach, other.reach)


def position_of(info: Mapping[str, Number]) -> Position | None:
    """Return the numbers under `"position"` if there are at least two."""
    value = info.get("position")
    return tuple(value) if isinstance(value, list) and len(value) >= 2 else None


def cell_of(position: Position, cell: float) -> tuple[int, int]:
    """Return the square cell of side `cell` that the first two numbers of `position` lie in."""
    return math.floor(position[0] / cell), math.floor(position[1] / cell)
