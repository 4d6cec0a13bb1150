"""What was found of what was put there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from understudy.recordings.doctor import Finding
from understudy.recordings.doctor.runs import Range, overlap


@dataclass(frozen=True)
class Truth:
    """What was put into a recording: a check's name, empty for nothing, and where."""

    check: str
    steps: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Counts:
    """Defects found and missed, and findings where there is no such defect, each by kind.

    Of findings alike in one recording, one counts.
    """

    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.hits + other.hits, self.misses + other.misses, self.wrong + other.wrong)

    @property
    def num_there(self) -> int:
        """How many defects there are."""
        return self.hits.total() + self.misses.total()

    @property
    def recall(self) -> float:
        """The share of defects found."""
        return self.hits.total() / max(1, self.num_there)

    @property
    def precision(self) -> float:
        """The share of findings that are defects."""
        return self.hits.total() / max(1, self.hits.total() + self.wrong.total())


def count(truth: Mapping[str, Truth], findings: Sequence[Finding]) -> Counts:
    """Count. A finding is right if kind and recording are, and if it shares a step with the defect where both say."""
    counts = Counts()
    for name, there in truth.items():
        told = [each for each in findings if each.recording == name]
        right = [each for each in told if _matches(each, there)]
        if there.check:
            (counts.hits if right else counts.misses)[there.check] += 1
        counts.wrong.update({each.check for each in told if not _matches(each, there)})
    return counts


def in_words(counts: Counts, kinds: Iterable[str]) -> str:
    """Say it by kind."""
    told = (
        f"{each} {counts.hits[each]}/{counts.hits[each] + counts.misses[each]} (+{counts.wrong[each]})"
        for each in kinds
    )
    return f"found/there (+found where none is): {', '.join(told)}"


def _matches(finding: Finding, there: Truth) -> bool:
    if finding.check != there.check:
        return False
    if not there.steps or finding.steps is None:
        return True
    return any(overlap(finding.steps, steps) > 0 for steps in there.steps)
