"""From operations and takes to takes: which function does what, for which recordings, remembered in their history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from understudy.errors import RecordingError, suggest
from understudy.recordings.surgery.cutting import shift, split, trim
from understudy.recordings.surgery.duplicates import drop_steps
from understudy.recordings.surgery.history import remember
from understudy.recordings.surgery.joining import merge
from understudy.recordings.surgery.masking import mask
from understudy.recordings.surgery.operations import Anonymise, Drop, Merge, Operation
from understudy.recordings.surgery.people import anonymise, relabel
from understudy.recordings.surgery.plan import Plan
from understudy.recordings.surgery.rating import rerate
from understudy.recordings.surgery.take import Take


def perform(plan: Plan, takes: Sequence[Take], key: Callable[[], bytes]) -> list[Take]:
    """Apply a plan, without reading more than it takes to know what comes of it.

    Args:
        plan: What to do.
        takes: The recordings.
        key: Gives the new folder's key for players, made if it is not there.

    Raises:
        RecordingError: If an operation is for no recording, or does not fit one; or two would have the same name.
        SpecError: If it names a sensor or action part that is not there.
    """
    for operation in plan.operations:
        takes = _apply(operation, takes, key)
    twice = [f"{home}/{name}".lstrip("/") for (home, name), count in _names(takes).items() if count > 1]
    if twice:
        raise RecordingError(
            f"Two recordings would both be called '{min(twice)}'; apply the plan to one of them apart."
        )
    return list(takes)


def _apply(operation: Operation, takes: Sequence[Take], key: Callable[[], bytes]) -> list[Take]:
    chosen = [take for take in takes if operation.selects((take.name, take.origin), take.provenance.player)]
    if not chosen:
        raise RecordingError(_no_such(operation, takes))
    # What `Drop` and `Merge` leave as it is gets no line in its history.
    same = {id(take) for take in chosen}
    results = _results(operation, chosen, key)
    return _in_place(takes, chosen, [take if id(take) in same else remember(take, operation) for take in results])


def _results(operation: Operation, chosen: Sequence[Take], key: Callable[[], bytes]) -> list[Take]:
    if isinstance(operation, Merge):
        return merge(operation, chosen)
    if isinstance(operation, Anonymise):
        return anonymise(operation, chosen, key)
    return [each for take in chosen for each in _EACH[operation.op](operation, take)]


def _in_place(takes: Sequence[Take], chosen: Sequence[Take], results: Sequence[Take]) -> list[Take]:
    """Put results where the first of the takes was that they come from, among those that were left alone."""
    place = {(take.home, take.origin): index for index, take in reversed(list(enumerate(takes)))}
    gone = {id(take) for take in chosen}
    left = [take for take in takes if id(take) not in gone]
    return sorted([*left, *results], key=lambda take: place[take.home, take.origin])


def drop(operation: Drop, take: Take) -> list[Take]:
    """Leave the recording out if it fits every condition."""
    if operation.incomplete and take.complete:
        return [take]
    seconds = take.num_steps / take.behavior.decision_hz
    if operation.shorter_than_s is not None and seconds >= operation.shorter_than_s:
        return [take]
    return []


def _names(takes: Sequence[Take]) -> Counter[tuple[str, str]]:
    return Counter((take.home, take.name) for take in takes)


def _no_such(operation: Operation, takes: Sequence[Take]) -> str:
    names = {take.name for take in takes} | {take.origin for take in takes}
    by = f" by {', '.join(operation.players)}" if operation.players else ""
    wanted = ", ".join(operation.recordings)
    return f"'{operation.op}' is for {wanted}{by}, but there is no such recording.{suggest(wanted, names)}"


_EACH: dict[str, Callable[[Any, Take], list[Take]]] = {
    "trim": trim,
    "split": split,
    "shift": shift,
    "drop": drop,
    "mask": mask,
    "rerate": rerate,
    "relabel": relabel,
    "drop_steps": drop_steps,
}
