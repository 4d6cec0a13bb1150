"""The comparison itself: bugs, coverage and difficulty of two playtests, paired by persona and seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from understudy.errors import PlaytestError
from understudy.evaluation.statistics import Interval, mean_interval
from understudy.playtest.compare.bugs import BugChange, match_bugs
from understudy.playtest.compare.playtest_files import Played, RunKey, read_playtest, without_folders
from understudy.playtest.compare.statistics import ALPHA, holm, pairs_needed, sign_flip_p
from understudy.playtest.coverage import Key

EVERYBODY = "everybody"
# What may differ between the specs of two builds.
_FREE = ("game", "notes", "video")
# What says how hard a game is: title, units, and whether more of it is easier.
DIFFICULTY = {
    "seconds alive": ("time alive", "s", True),
    "progress": ("progress", "", True),
    "deaths": ("deaths", "", False),
    "reward": ("reward", "", True),
    "kills": ("kills", "", True),
    "damage taken": ("damage taken", "", False),
}


@dataclass(frozen=True)
class Shift:
    """How a measure moved from the first playtest to the second, over pairs of runs.

    Attributes:
        persona: Whose runs; `everybody` for all of them.
        measure: Its name in a run's totals, or `cells`.
        title: For people.
        units: Of it.
        before: The mean.
        after: The mean.
        difference: After minus before, with its 95 % bootstrap interval over pairs.
        pairs: How many.
        p: Of a permutation test.
        corrected: The same, corrected for all tests of the comparison.
        easier: Whether more of it makes the game easier; None where that has no meaning.
    """

    persona: str
    measure: str
    title: str
    units: str
    before: float
    after: float
    difference: Interval
    pairs: int
    p: float
    corrected: float = 1.0
    easier: bool | None = None

    @property
    def is_same(self) -> bool:
        """Whether no pair differs at all."""
        return self.difference.low == self.difference.high == 0 == self.before - self.after

    @property
    def is_certain(self) -> bool:
        """Whether the difference would be that large by chance in less than one comparison of twenty."""
        return self.corrected < ALPHA


@dataclass(frozen=True)
class Comparison:
    """What two playtests say of a change.

    Attributes:
        before: The first.
        after: The second.
        pairs: The runs that both have.
        bugs: What became of every bug.
        coverage: How much of the level a run visits.
        difficulty: How hard the game is.
        lost: What some run visited before and none does now.
        gained: The other way round.
        kept: Visited in both.
        notes: What a reader must know, such as settings that differ.
    """

    before: Played
    after: Played
    pairs: tuple[RunKey, ...]
    bugs: tuple[BugChange, ...]
    coverage: tuple[Shift, ...]
    difficulty: tuple[Shift, ...]
    lost: frozenset[Key]
    gained: frozenset[Key]
    kept: frozenset[Key]
    notes: tuple[str, ...]

    @property
    def num_tests(self) -> int:
        """How many tests the p-values are corrected for."""
        return len(self.bugs) + len(self.coverage) + len(self.difficulty)

    @property
    def coverage_lost(self) -> list[Shift]:
        """Where less of the level is visited, for certain."""
        return [each for each in self.coverage if each.is_certain and each.difference.mean < 0]

    @property
    def passed(self) -> bool:
        """Whether there is no new bug, and for certain no coverage lost."""
        return not self.of("new") and not self.coverage_lost

    @property
    def exit_code(self) -> int:
        """0 if it passes, else 1."""
        return 0 if self.passed else 1

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        moved = [each for each in self.difficulty if each.is_certain]
        new, fixed, there = (len(self.of(status)) for status in ("new", "fixed", "there"))
        parts = [f"{_count(new, 'new bug')}, {fixed} fixed, {there} still there"]
        if self.coverage_lost:
            parts.append(f"coverage lost by {', '.join(each.persona for each in self.coverage_lost)}")
        if moved:
            parts.append(f"difficulty moved ({', '.join(dict.fromkeys(each.title for each in moved))})")
        return f"{'Passed' if self.passed else 'Failed'}: {'; '.join(parts)}."

    def of(self, status: str) -> list[BugChange]:
        """Return the bugs that are `new`, `fixed` or still `there`."""
        return [each for each in self.bugs if each.status == status]


def compare(a: Path, b: Path) -> Comparison:
    """Compare two playtests of one spec.

    Args:
        a: Folder of the playtest of the build before.
        b: Folder of the playtest of the build after.

    Raises:
        PlaytestError: If one cannot be read, or they have no run in common.
    """
    before, after = read_playtest(a), read_playtest(b)
    pairs = tuple(each for each in before.totals if each in after.totals)
    if not pairs:
        raise PlaytestError(
            f"{a} and {b} have no run in common; play the same personas with the same seeds on both builds."
        )
    same_cells = before.counts == after.counts
    bugs = match_bugs(before.bugs, after.bugs, frozenset(pairs))
    coverage = _shifts(before, after, pairs, {"cells": ("cells visited", "", None)}) if same_cells else []
    difficulty = _shifts(before, after, pairs, DIFFICULTY)
    old, new = (frozenset(each.visited) if same_cells else frozenset() for each in (before, after))
    found = Comparison(
        before,
        after,
        pairs,
        tuple(bugs),
        tuple(coverage),
        tuple(difficulty),
        old - new,
        new - old,
        old & new,
        tuple(_notes(before, after, pairs, len(bugs) + len(coverage) + len(difficulty), same_cells=same_cells)),
    )
    return _corrected(found)


def _shifts(
    before: Played, after: Played, pairs: Sequence[RunKey], measures: Mapping[str, tuple[str, str, bool | None]]
) -> list[Shift]:
    personas = list(dict.fromkeys(name for name, _ in pairs))
    groups = {EVERYBODY: list(pairs)} if len(personas) > 1 else {}
    groups |= {name: [each for each in pairs if each[0] == name] for name in personas}
    found = []
    for measure, (title, units, easier) in measures.items():
        for name, group in groups.items():
            told = [each for each in group if measure in before.totals[each] and measure in after.totals[each]]
            values = [(before.totals[each][measure], after.totals[each][measure]) for each in told]
            # A game that never gives a reward, say, is not asked about rewards.
            if any(one or other for one, other in values):
                found.append(_shift(name, measure, title, units, values, easier))
    return found


def _shift(
    persona: str, measure: str, title: str, units: str, values: Sequence[tuple[float, float]], easier: bool | None
) -> Shift:
    differences = [after - before for before, after in values]
    return Shift(
        persona,
        measure,
        title,
        units,
        sum(before for before, _ in values) / len(values),
        sum(after for _, after in values) / len(values),
        mean_interval(differences),
        len(values),
        sign_flip_p(differences),
        easier=easier,
    )


def _corrected(comparison: Comparison) -> Comparison:
    """The same with every p-value corrected for all of them."""
    shifts = (*comparison.coverage, *comparison.difficulty)
    values = iter(holm([*(each.p for each in comparison.bugs), *(each.p for each in shifts)]))
    return replace(
        comparison,
        bugs=tuple(replace(each, corrected=next(values)) for each in comparison.bugs),
        coverage=tuple(replace(each, corrected=next(values)) for each in comparison.coverage),
        difficulty=tuple(replace(each, corrected=next(values)) for each in comparison.difficulty),
    )


def _notes(before: Played, after: Played, pairs: Sequence[RunKey], tests: int, *, same_cells: bool) -> list[str]:
    notes = []
    alone = len(before.totals) + len(after.totals) - 2 * len(pairs)
    if alone:
        notes.append(f"Left out of the tests: {_count(alone, 'run')} that only one of the playtests has.")
    if not same_cells:
        notes.append("Coverage was counted in different ways, so it is not compared; use one 'coverage' for both.")
    asked = [key for key in before.spec if key not in _FREE]
    other = [key for key in asked if _setting(before, key) != _setting(after, key)]
    if other:
        notes.append(f"The specs differ in {', '.join(other)}: what moved may come from there and not from the build.")
    needed = pairs_needed(tests)
    if len(pairs) < needed:
        notes.append(
            f"{_count(len(pairs), 'pair')} of runs cannot make one of {_count(tests, 'difference')} certain: play "
            f"{needed} or more. New bugs are told all the same."
        )
    return notes


def _setting(played: Played, key: str) -> str:
    """A part of the spec; builds may lie in different folders."""
    return without_folders(json.dumps(played.spec.get(key), sort_keys=True))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
