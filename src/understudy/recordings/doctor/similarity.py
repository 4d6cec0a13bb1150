"""Which sessions share play: action sequences in overlapping pieces, sampled by their hashes.

Each session becomes the set of hashes of all pieces of `LENGTH` actions (its shingles, Broder 1997). Of these only
hashes below a limit are kept, the same limit everywhere, so that any two sessions keep the same ones of what they share
(FracMinHash, Irber et al. 2022): trimming and offsets do not matter. Pieces that are one action over and over, or that
many sessions share, say nothing and are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from understudy.recordings.doctor.inputs import mix
from understudy.recordings.doctor.runs import find_runs
from understudy.recordings.doctor.session import Session

LENGTH = 12
_FEWEST_CHANGES = 3
_KEPT = 4000
_FEWEST = 24
_COMMON_SHARE = 0.05
_COMMON = 4


@dataclass(frozen=True)
class Pair:
    """Two sessions that share play.

    Attributes:
        first, second: Their names.
        shared: The share of the shorter one's pieces that the other has too, in [0, 1].
    """

    first: str
    second: str
    shared: float


def similar_pairs(sessions: Sequence[Session], least: float) -> Iterator[Pair]:
    """Yield the pairs of sessions that share at least `least` of the shorter one's play."""
    scale = max(1, max(session.num_steps for session in sessions) // _KEPT)
    sets = {session.name: _kept(session, scale) for session in sessions}
    names, common = list(sets), max(_COMMON, _COMMON_SHARE * len(sessions))
    shared: Counter[tuple[str, str]] = Counter()
    for owners in _owners(list(sets.values())):
        if len(owners) <= common:
            shared.update(combinations([names[each] for each in owners], 2))
    for (first, second), count in sorted(shared.items()):
        smaller = min(len(sets[first]), len(sets[second]))
        if smaller >= _FEWEST and count / smaller >= least:
            yield Pair(first, second, count / smaller)


def _owners(sets: Sequence[np.ndarray]) -> Iterator[list[int]]:
    """Yield, for each hash that several sets hold, the numbers of these sets in order."""
    hashes = np.concatenate(sets)
    owner = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
    order = np.argsort(hashes, kind="stable")
    hashes, owner = hashes[order], owner[order]
    for start, stop in find_runs(hashes[1:] == hashes[:-1]):
        yield owner[start : stop + 1].tolist()


def _kept(session: Session, scale: int) -> np.ndarray:
    hashes = session.remember("shingles", lambda: _shingles(session.inputs.tokens))
    return hashes if scale == 1 else hashes[hashes < np.uint64(2**64 // scale)]


def _shingles(tokens: np.ndarray) -> np.ndarray:
    """The distinct hashes of all pieces in which the action changes a few times, uint64, sorted."""
    num = len(tokens) - LENGTH + 1
    if num <= 0:
        return np.empty(0, np.uint64)
    hashes = np.zeros(num, np.uint64)
    for offset in range(LENGTH):
        hashes = mix(hashes, tokens[offset : offset + num])
    changes = np.concatenate([[0], np.cumsum(tokens[1:] != tokens[:-1])])
    telling = changes[LENGTH - 1 :] - changes[:num] >= _FEWEST_CHANGES
    return np.unique(hashes[telling])
