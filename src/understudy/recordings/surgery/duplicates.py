"""`Deduplicate`: steps that show nothing new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Rows
from understudy.recordings.layout import CUT_EVENT
from understudy.recordings.surgery.cutting import STEPS_AT_ONCE
from understudy.recordings.surgery.folding import allowed_rules, fold, pick
from understudy.recordings.surgery.joining import with_event
from understudy.recordings.surgery.operations import Deduplicate, Rule
from understudy.recordings.surgery.take import Arrays, Take
from understudy.spec import ActionSpec


def drop_steps(operation: Deduplicate, take: Take) -> list[Take]:
    """Drop steps and join what is around them; see `Deduplicate`."""
    dropped = np.zeros(take.num_steps + 1, bool)
    if operation.steps[-1] >= take.num_steps or len(operation.steps) == take.num_steps:
        raise RecordingError(
            f"'{take.name}' has {take.num_steps} steps, so {len(operation.steps)} steps up to number "
            f"{operation.steps[-1]} cannot be dropped from it; was this plan made for another recording?"
        )
    dropped[list(operation.steps)] = True
    twice = dropped & _same_tick(take)
    # The end counts as kept, so that every kept step has one after it.
    kept = np.flatnonzero(~dropped)
    stalled = np.cumsum(dropped & ~twice)
    has_seam = np.diff(stalled[kept], prepend=stalled[kept[0]]) > 0
    rules = {each.name: _rule(each) for each in take.behavior.actions}

    def act(start: int, stop: int) -> Rows:
        first, end = int(kept[start]), int(kept[stop])
        once = np.flatnonzero(~twice[first:end])
        edges = np.searchsorted(once, kept[start : stop + 1] - first)
        rows = fold(pick(take.act(first, end), once), edges, rules)
        for row in np.flatnonzero(has_seam[start:stop]):
            rows = with_event(rows, int(row), CUT_EVENT)
        return rows

    def see(names: Sequence[str], steps: np.ndarray) -> Arrays:
        return take.see(names, kept[steps])

    return [replace(take, num_steps=len(kept) - 1, see=see, act=act)]


def _same_tick(take: Take) -> np.ndarray:
    """Whether a step has the tick of the step before it; shape (steps + 1,), for the end stands for a step."""
    parts = [
        take.act(start, min(start + STEPS_AT_ONCE, take.num_steps)).ticks
        for start in range(0, take.num_steps, STEPS_AT_ONCE)
    ]
    ticks = np.concatenate([np.asarray(each) for each in parts])
    return np.concatenate([[False], np.diff(ticks) == 0, [False]])


def _rule(part: ActionSpec) -> Rule:
    """As in `ReRate`, but choices and sticks stay as they were in the step that is kept."""
    own = allowed_rules(part)[0]
    return own if own in ("sum", "any") else "first"
