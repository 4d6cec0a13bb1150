"""Scoring a playtest against bugs that are known to be there: which were found, and which findings are false."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from understudy.playtest.findings.finding import Finding

Place = tuple[float, ...]


@dataclass(frozen=True)
class KnownBug:
    """A bug that was put into a build.

    Attributes:
        name: Unlike those of all others.
        places: Where it may be seen, in the game's units; none if anywhere.
        radius: From how far away, in the game's units, beside the reach of the finding itself.
        kinds: Of the oracles whose findings may be it.
        keys: If given, of findings with a key only those whose key ends so may be it, such as an invariant's function.
    """

    name: str
    places: tuple[Place, ...]
    radius: float
    kinds: frozenset[str]
    keys: tuple[str, ...] = ()

    def explains(self, finding: Finding) -> bool:
        """Whether a finding may be of this bug."""
        if finding.kind not in self.kinds:
            return False
        if self.keys and finding.key and not finding.key.endswith(self.keys):
            return False
        if not self.places or finding.position is None:
            return True
        reach = self.radius + finding.reach
        return any(_apart(finding.position, each) <= reach for each in self.places)


@dataclass(frozen=True)
class Score:
    """What came of a playtest.

    Attributes:
        found: By the name of a bug, the ids of the findings that are it; every known bug is there.
        false: Ids of findings that no known bug explains.
    """

    found: Mapping[str, tuple[str, ...]]
    false: tuple[str, ...]

    @property
    def share(self) -> float:
        """The share of known bugs that were found; 1 if none are known."""
        return sum(map(bool, self.found.values())) / len(self.found) if self.found else 1.0


def score(findings: Sequence[Finding], bugs: Sequence[KnownBug]) -> Score:
    """Match findings to known bugs, by kind and place; one finding may be of several, where these lie together."""
    found = {bug.name: tuple(each.id for each in findings if bug.explains(each)) for bug in bugs}
    explained = {name for names in found.values() for name in names}
    return Score(found, tuple(each.id for each in findings if each.id not in explained))


def _apart(first: Place, second: Place) -> float:
    """The distance on the level: who falls through a hole is seen far below it."""
    return math.dist(first[:2], second[:2])
