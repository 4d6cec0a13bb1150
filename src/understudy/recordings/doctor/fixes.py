"""Fixes by name: what findings offer, put together to one plan of surgery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from glob import escape
from itertools import pairwise

import numpy as np

from understudy.errors import RecordingError, suggest
from understudy.recordings.doctor.finding import Finding, Fix
from understudy.recordings.doctor.runs import Range, as_range, find_runs, outside
from understudy.recordings.surgery import AnyOperation, Deduplicate, Drop, Mask, Plan, Shift, Split, Trim

ALL = "all"
EVERY = ("*",)


def cut(name: str, sentence: str, recording: str, num_steps: int, cuts: Sequence[Range]) -> Fix | None:
    """A fix that cuts ranges out of a recording; None if nothing would be left of it."""
    kept = outside(cuts, num_steps)
    if not kept:
        return None
    return Fix(name=name, sentence=sentence, operations=(Trim(recordings=(recording,), keep=kept),))


def drop(name: str, sentence: str, recording: str) -> Fix:
    """A fix that leaves a recording out."""
    return Fix(name=name, sentence=sentence, operations=(Drop(recordings=(recording,)),))


def make_plan(findings: Iterable[Finding], names: Sequence[str], lengths: dict[str, int]) -> Plan:
    """Put the fixes of findings together.

    What is cut from a recording by several fixes is cut at once, and before its actions are moved, so that each fix
    does to the recording what it would have done alone.

    Args:
        findings: Of one report.
        names: Of the fixes to apply; `("all",)` for every one.
        lengths: The number of steps of each recording.

    Raises:
        RecordingError: If no finding has a fix of one of these names.
    """
    findings = [each for each in findings if each.fix]
    known = {each.fix.name for each in findings if each.fix}
    for name in names:
        if name not in known and name != ALL:
            raise RecordingError(f"The report has no fix '{name}'.{suggest(name, known)}")
    fixes = [each.fix for each in findings if each.fix and (ALL in names or each.fix.name in names)]
    if not fixes:
        raise RecordingError("The report has nothing to fix.")
    return _merge([operation for fix in fixes for operation in fix.operations], lengths)


def _merge(operations: Sequence[AnyOperation], lengths: dict[str, int]) -> Plan:
    drops = {name for each in operations if isinstance(each, Drop) for name in each.recordings}
    result: list[AnyOperation] = [Drop(recordings=tuple(sorted(drops)))] if drops else []
    result += _masks([each for each in operations if isinstance(each, Mask)], drops)
    rest = [each for each in operations if not isinstance(each, Drop | Mask) and each.recordings[0] not in drops]
    by_recording: dict[str, list[AnyOperation]] = defaultdict(list)
    for each in rest:
        by_recording[each.recordings[0]].append(each)
    for name, wanted in by_recording.items():
        result += _of_one(name, wanted, lengths[name])
    return Plan(operations=tuple(map(_named, result)))


def _masks(masks: Sequence[Mask], drops: set[str]) -> list[Mask]:
    """One mask for each set of recordings that are left: those of a behaviour, whose one spec must fit them all."""
    together: dict[tuple[str, ...], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for each in masks:
        sensors, parts = together[tuple(name for name in each.recordings if name not in drops)]
        sensors.update(each.sensors)
        parts.update(each.parts)
    return [
        Mask(recordings=names, sensors=tuple(sorted(sensors)), parts=tuple(sorted(parts)))
        for names, (sensors, parts) in together.items()
        if names
    ]


def _named(operation: AnyOperation) -> AnyOperation:
    """Surgery takes names as patterns, and a name may look like one: `walk [2]`."""
    if operation.recordings == EVERY:
        return operation
    return operation.model_copy(update={"recordings": tuple(map(escape, operation.recordings))})


def _of_one(name: str, wanted: Sequence[AnyOperation], length: int) -> list[AnyOperation]:
    kept = np.ones(length, bool)
    for trim in (each for each in wanted if isinstance(each, Trim)):
        inside = np.zeros(length, bool)
        for start, stop in trim.keep:
            inside[int(start) : None if stop is None else int(stop)] = True
        kept &= inside
    twice, begins = np.zeros(length, bool), np.zeros(length, bool)
    for each in wanted:
        if isinstance(each, Deduplicate):
            twice[list(each.steps)] = True
        if isinstance(each, Split):
            begins[[int(step) for step in each.at]] = True
    # A step that is dropped hands its beginning of a piece on to the next.
    ranges = _ranges(kept[~twice], np.cumsum(begins)[~twice])
    others = _others(wanted)
    # Of a piece that is no longer than its actions are moved, nothing would be left.
    moved = sum(abs(each.steps) for each in others if isinstance(each, Shift))
    long = tuple(each for each in ranges if each[1] - each[0] > moved)
    if not long:
        return [Drop(recordings=(name,))]
    kept_only = [Trim(recordings=(name,), keep=long)] if long != ((0, length - int(twice.sum())),) else []
    return [*_deduplicate(name, twice), *kept_only, *others]


def _deduplicate(name: str, twice: np.ndarray) -> list[AnyOperation]:
    steps = tuple(int(step) for step in np.flatnonzero(twice))
    return [Deduplicate(recordings=(name,), steps=steps)] if steps else []


def _ranges(kept: np.ndarray, piece: np.ndarray) -> list[Range]:
    """The runs of `kept`, cut where the number of the piece changes."""
    return [
        (start + run[0], start + run[1])
        for start, stop in map(as_range, find_runs(kept))
        for run in _equal_runs(piece[start:stop])
    ]


def _equal_runs(values: np.ndarray) -> list[Range]:
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return list(pairwise(edges))


def _others(wanted: Sequence[AnyOperation]) -> list[AnyOperation]:
    others = [each for each in wanted if not isinstance(each, Trim | Deduplicate | Split)]
    # Sensors found late by the same number of steps ask for the same shift.
    others = [each for index, each in enumerate(others) if each not in others[:index]]
    return sorted(others, key=lambda each: isinstance(each, Shift))
