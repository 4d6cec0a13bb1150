"""`Merge`: recordings that follow each other become one, and a seam that is not seamless is marked."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from understudy.recordings.formats.protocol import Rows
from understudy.recordings.layout import CUT_EVENT
from understudy.recordings.surgery.cutting import times_of
from understudy.recordings.surgery.history import joined, piece_of
from understudy.recordings.surgery.operations import Merge
from understudy.recordings.surgery.take import Arrays, Take
from understudy.spec import SensorSpec


def merge(operation: Merge, takes: Sequence[Take]) -> list[Take]:
    """Join what follows each other; see `Merge`. A recording that nothing follows is returned as it is."""
    merged = _merge_pieces(takes)
    if operation.max_gap_s is not None:
        merged = _merge_by_clock(merged, operation.max_gap_s)
    return sorted(merged, key=lambda take: take.name)


def _merge_pieces(takes: Sequence[Take]) -> list[Take]:
    def whole(take: Take) -> tuple[str, str]:
        piece = piece_of(take)
        return _kind(take), json.dumps([piece["of"], piece["since"]], sort_keys=True) if piece else ""

    def meet(left: Take, right: Take) -> bool:
        one, other = piece_of(left), piece_of(right)
        if one is None or other is None or whole(left) != whole(right):
            return False
        return bool(one["stop"] == other["start"])

    ordered = sorted(takes, key=lambda take: (*whole(take), (piece_of(take) or {"start": 0})["start"]))
    return [_seamless(chain) for chain in _chains(ordered, meet)]


def _merge_by_clock(takes: Sequence[Take], max_gap_s: float) -> list[Take]:
    starts = {id(take): int(times_of(take, 0, 1)[0]) for take in takes}

    def meet(left: Take, right: Take) -> bool:
        if _kind(left) != _kind(right) or left.ending().terminated:
            return False
        last = int(times_of(left, left.num_steps - 1, left.num_steps)[0])
        return 0 < starts[id(right)] - last <= (1 / left.behavior.decision_hz + max_gap_s) * 1e9

    ordered = sorted(takes, key=lambda take: (_kind(take), starts[id(take)]))
    return [_join(chain, marked=True) for chain in _chains(ordered, meet)]


def _kind(take: Take) -> str:
    """What must be equal in recordings that are joined."""
    extras = [SensorSpec(name, space).to_dict() for name, space in take.layout.extras.items()]
    of = take.provenance
    return json.dumps([take.home, take.behavior.digest, extras, of.game, of.build, of.map, of.seed, of.player])


def _chains(takes: Sequence[Take], meet: Callable[[Take, Take], bool]) -> list[list[Take]]:
    chains: list[list[Take]] = []
    for take in takes:
        if chains and meet(chains[-1][-1], take):
            chains[-1].append(take)
        else:
            chains.append([take])
    return chains


def _seamless(chain: Sequence[Take]) -> Take:
    if len(chain) == 1:
        return chain[0]
    first, last = piece_of(chain[0]), piece_of(chain[-1])
    assert first is not None
    assert last is not None
    piece = {key: value for key, value in first.items() if key != "since"} | {"stop": last["stop"]}
    take = joined(_join(chain, marked=False), piece)
    is_whole = piece["start"] == 0 and piece["stop"] == piece["steps"]
    return replace(take, name=piece["name"] if is_whole else take.name)


def _join(chain: Sequence[Take], *, marked: bool) -> Take:
    """Put takes one after the other; `marked` puts the event `cut` on the first step of each but the first."""
    if len(chain) == 1:
        return chain[0]
    edges = [0, *accumulate(take.num_steps for take in chain)]

    def see(names: Sequence[str], steps: np.ndarray) -> Arrays:
        which = np.searchsorted(edges, steps, "right") - 1
        parts = [chain[index].see(names, steps[which == index] - edges[index]) for index in np.unique(which)]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def act(start: int, stop: int) -> Rows:
        parts = []
        for index in range(bisect_right(edges, start) - 1, bisect_left(edges, stop)):
            first, last = max(start, edges[index]) - edges[index], min(stop, edges[index + 1]) - edges[index]
            rows = chain[index].act(first, last)
            parts.append(with_event(rows, 0, CUT_EVENT) if marked and index and not first else rows)
        return concatenate(parts)

    sources = tuple(dict.fromkeys(source for take in chain for source in take.sources))
    return replace(
        chain[0],
        num_steps=edges[-1],
        see=see,
        act=act,
        ending=chain[-1].ending,
        sources=sources,
        complete=chain[-1].complete,
        seamless=not marked,
    )


def with_event(rows: Rows, row: int, word: str) -> Rows:
    """Return the rows with a word before the events of one of them."""
    events = [list(each) for each in rows.events or ()]
    events[row] = [word, *events[row]]
    return replace(rows, events=events)


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Put rows without observations one after the other."""

    def join(columns: Iterable[Any]) -> np.ndarray:
        return np.concatenate([np.asarray(each) for each in columns])

    return Rows(
        {},
        {name: join(part.actions[name] for part in parts) for name in parts[0].actions},
        join(part.rewards for part in parts),
        [words for part in parts for words in part.events or ()],
        join(part.ticks for part in parts),
        join(part.times_ns for part in parts),
        {name: join(part.extras[name] for part in parts) for name in parts[0].extras},
    )
