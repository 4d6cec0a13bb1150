"""Which findings of two playtests are the same bug: of one kind, at one place, with one message but for numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal, TypeAlias

from understudy.playtest.compare.playtest_files import Bug, RunKey, without_folders
from understudy.playtest.compare.statistics import sign_flip_p

Status: TypeAlias = Literal["new", "fixed", "there"]
_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class BugChange:
    """What became of a bug.

    Attributes:
        status: `new` was not seen before, `fixed` is not seen any more, `there` is seen in both.
        before: In the first playtest.
        after: In the second.
        runs_before: How many of the paired runs saw it.
        runs_after: See `runs_before`.
        p: How likely so different a count of runs is if the build changed nothing.
        corrected: The same, corrected for all tests of the comparison.
    """

    status: Status
    before: Bug | None
    after: Bug | None
    runs_before: int
    runs_after: int
    p: float
    corrected: float = 1.0

    @property
    def bug(self) -> Bug:
        """The bug as it was seen last."""
        found = self.after or self.before
        assert found is not None
        return found


def normalised(message: str) -> str:
    """Return a message without what changes from run to run: numbers, addresses and folders."""
    return _NUMBER.sub("#", without_folders(_ADDRESS.sub("#", message))).strip().lower()


def is_same_bug(one: Bug, other: Bug) -> bool:
    """Return whether two findings are one bug: as `Sighting.same_bug` has it, and by the message too."""
    if one.kind != other.kind or normalised(one.key) != normalised(other.key):
        return False
    if one.key:
        return True
    if normalised(one.message) != normalised(other.message):
        return False
    if one.position is None or other.position is None:
        return one.position == other.position
    return _distance(one, other) <= max(one.reach, other.reach)


def match_bugs(before: Sequence[Bug], after: Sequence[Bug], pairs: Set[RunKey]) -> list[BugChange]:
    """Return what became of every bug of either playtest, the new ones first.

    Args:
        before: Of the first playtest.
        after: Of the second.
        pairs: The runs that both have.
    """
    left, changes = list(before), []
    for bug in after:
        same = [each for each in left if is_same_bug(each, bug)]
        old = min(same, key=lambda each: _distance(each, bug), default=None)
        if old is not None:
            left.remove(old)
        changes.append(_change(old, bug, pairs))
    changes += [_change(each, None, pairs) for each in left]
    return sorted(changes, key=lambda each: ("new", "fixed", "there").index(each.status))


def _change(before: Bug | None, after: Bug | None, pairs: Set[RunKey]) -> BugChange:
    old, new = (each.runs & pairs if each else frozenset() for each in (before, after))
    status: Status = "new" if before is None else "fixed" if after is None else "there"
    # On pairs that are 1, 0 or -1 the sign flips are McNemar's exact test.
    return BugChange(
        status, before, after, len(old), len(new), sign_flip_p([1] * len(new - old) + [-1] * len(old - new))
    )


def _distance(one: Bug, other: Bug) -> float:
    if one.position is None or other.position is None:
        return 0.0
    size = min(len(one.position), len(other.position))
    return math.dist(one.position[:size], other.position[:size])
