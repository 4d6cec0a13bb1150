"""Fixes by name: what findings offer, put together to one plan of surgery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from understudy.errors import RecordingError, suggest
from understudy.recordings.doctor.finding import Finding, Fix
from understudy.recordings.doctor.runs import Range, as_range, find_runs, outside
from understudy.recordings.surgery import AnyOperation, Deduplicate, Drop, Mask, Plan, Shift, Split, Trim

ALL = "all"


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
    masks = [each for each in operations if isinstance(each, Mask)]
    sensors = tuple(sorted({name for each in masks for name in each.sensors}))
    result: list[AnyOperation] = [Drop(recordings=tuple(sorted(drops)))] if drops else []
    if sensors:
        # All recordings lose it, for one spec must fit them all.
        result.append(Mask(sensors=sensors))
    rest = [each for each in operations if not isinstance(each, Drop | Mask) and each.recordings[0] not in drops]
    by_recording: dict[str, list[AnyOperation]] = defaultdict(list)
    for each in rest:
        by_recording[each.recordings[0]].append(each)
    for name, wanted in by_recording.items():
        result += _of_one(name, wanted, lengths[name])
    # Sensors found late by the same number of steps ask for the same shift.
    return Plan(operations=tuple(each for index, each in enumerate(result) if each not in result[:index]))


def _of_one(name: str, wanted: Sequence[AnyOperation], length: int) -> list[AnyOperation]:
    kept = np.ones(length, bool)
    for trim in (each for each in wanted if isinstance(each, Trim)):
        inside = np.zeros(length, bool)
        for start, stop in trim.keep:
            inside[int(start) : None if stop is None else int(stop)] = True
        kept &= inside
    if not kept.any():
        return [Drop(recordings=(name,))]
    twice, begins = np.zeros(length, bool), np.zeros(length, bool)
    for each in wanted:
        if isinstance(each, Deduplicate):
            twice[list(each.steps)] = True
        if isinstance(each, Split):
            begins[[int(step) for step in each.at]] = True
    # A step that is dropped hands its beginning of a piece on to the next.
    first = np.cumsum(begins)[~twice]
    return [*_deduplicate(name, twice), *_trim(name, kept[~twice], first), *_others(wanted)]


def _deduplicate(name: str, twice: np.ndarray) -> list[AnyOperation]:
    steps = tuple(int(step) for step in np.flatnonzero(twice))
    return [Deduplicate(recordings=(name,), steps=steps)] if steps else []


def _trim(name: str, kept: np.ndarray, piece: np.ndarray) -> list[AnyOperation]:
    """Keep the runs of `kept`, cut where the number of the piece changes."""
    ranges = [
        (start + run[0], start + run[1])
        for start, stop in map(as_range, find_runs(kept))
        for run in _equal_runs(piece[start:stop])
    ]
    return [Trim(recordings=(name,), keep=tuple(ranges))] if ranges != [(0, len(kept))] else []


def _equal_runs(values: np.ndarray) -> list[Range]:
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return list(pairwise(edges))


def _others(wanted: Sequence[AnyOperation]) -> list[AnyOperation]:
    others = [each for each in wanted if not isinstance(each, Trim | Deduplicate | Split)]
    return sorted(others, key=lambda each: isinstance(each, Shift))
