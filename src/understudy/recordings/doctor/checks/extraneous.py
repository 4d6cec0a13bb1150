"""Segments that have nothing to do with the rest: menus, waiting, chatting, fooling around.

What belongs to the game is done by most players; what does not is done by few, each in a way of their own. A moment is
looked for in other sessions, in an embedding of what was seen, done and came of it, and from what was found there back
again: a session whose way leads far away, or back to something else, has nothing of the kind.

Source: Extraneousness-Aware Imitation Learning (arXiv:2210.01379): action-conditioned embeddings, and votes by cycle
consistency. There the embedding is learned by a network; here it is linear and needs no training, and a cycle is closed
where it comes back to a like moment, not to the same one, for play repeats itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from understudy.recordings.doctor.embedding import Embedding
from understudy.recordings.doctor.finding import Evidence, Finding, Severity
from understudy.recordings.doctor.fixes import cut, drop
from understudy.recordings.doctor.plots import along_steps
from understudy.recordings.doctor.protocol import Check
from understudy.recordings.doctor.runs import Range, as_range, bridge, find_runs
from understudy.recordings.doctor.session import Session

_FEWEST = 12
_VOTERS = 24
_SHORTEST_S = 1.5
_SMOOTH_S = 0.8
# A stretch belongs to the game if this share of the other sessions has the like of it. What a fifth of the players does
# is not yet the game, so it lies above that.
_MAJORITY = 0.3
# Of the detour that the strangest moment of a usual session takes: beyond, a moment is a stranger.
_SLACK = 1.15
_ROUNDS = 2
_LEAST = 1e-3
_ALL = 0.95


class Extraneous(Check):
    """Finds stretches that most other sessions have nothing like."""

    name = "extraneous"
    title = "Extraneous segments"
    why = "The bot learns to do this too, wherever it looks like where it was done."

    def look_all(self, sessions: Sequence[Session]) -> Iterable[Finding]:
        """Let sessions vote on each other's moments; a handful is needed to have a majority."""
        sessions = [each for each in sessions if each.num_steps >= each.steps(2 * _SHORTEST_S)]
        if len(sessions) < _FEWEST:
            return
        ballot = Ballot(sessions)
        strange: list[list[Range]] = [[] for _ in sessions]
        for _ in range(_ROUNDS):
            # Who fools around does not get to vote for others who do.
            ballot.exclude(strange)
            detours = [ballot.detour(session) for session in sessions]
            # Where all looks and is done alike, nothing is far from anything.
            limit = max(_limit(detours, strange), _LEAST)
            strange = [find_strange(*each, limit) for each in zip(sessions, detours, strict=True)]
        for session, lengths, ranges in zip(sessions, detours, strange, strict=True):
            yield from self._findings(session, lengths / limit, ranges)

    def _findings(self, session: Session, lengths: np.ndarray, ranges: Sequence[Range]) -> Iterable[Finding]:
        whole = sum(stop - start for start, stop in ranges) > _ALL * session.num_steps
        for start, stop in [(0, session.num_steps)] if whole else ranges:
            times = float(lengths[start:stop].mean())
            yield self.finding(
                session,
                Severity.WARNING,
                f"{(stop - start) / session.hz:.1f} s that most other sessions have nothing like: {times:.1f} times as "
                "far from theirs as anything in a usual session.",
                steps=(start, stop),
                evidence=Evidence(value=times, plot=along_steps(lengths, "distance to the like", (start, stop))),
                fix=drop("drop-extraneous", "Leave it out.", session.name)
                if whole
                else cut("cut-extraneous", "Cut it out.", session.name, session.num_steps, [(start, stop)]),
            )


def _limit(detours: Sequence[np.ndarray], strange: Sequence[Sequence[Range]]) -> float:
    """Beyond which a detour is a stranger's: a little more than the longest of a usual session."""
    usual = [lengths[_outside(ranges, len(lengths))] for lengths, ranges in zip(detours, strange, strict=True)]
    return _SLACK * float(np.median([each.max() for each in usual if len(each)]))


def _outside(ranges: Sequence[Range], length: int) -> np.ndarray:
    kept = np.ones(length, bool)
    for start, stop in ranges:
        kept[start:stop] = False
    return kept


def find_strange(session: Session, lengths: np.ndarray, limit: float) -> list[Range]:
    """Return the ranges, long enough to be something of their own, whose detours are beyond the limit."""
    far = bridge(lengths > limit, session.steps(_SHORTEST_S / 3))
    return [as_range(run) for run in find_runs(far) if run[1] - run[0] >= session.steps(_SHORTEST_S)]


class Ballot:
    """Lets sessions vote on each other's moments.

    Args:
        sessions: Of one behaviour.
    """

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = sessions
        self._embedding = Embedding(sessions)
        self._voices = {each.name: self._embedding.of(each)[0] for each in sessions}

    def exclude(self, strange: Sequence[Sequence[Range]]) -> None:
        """Take the vote from some ranges of steps of each session."""
        for session, ranges in zip(self._sessions, strange, strict=True):
            values, steps = self._embedding.of(session)
            self._voices[session.name] = values[_outside(ranges, session.num_steps)[steps]]

    def detour(self, session: Session) -> np.ndarray:
        """Return how far it is from each step to the like in other sessions and back, float32, shape (steps,).

        It is the longer of the two ways; of the sessions, in the order of that, the one at `_MAJORITY`; and smoothed.
        """
        own, steps = self._embedding.of(session)
        others = [voice for name, voice in self._voices.items() if name != session.name and len(voice)]
        chosen = np.random.default_rng(zlib.crc32(session.name.encode())).permutation(len(others))[:_VOTERS]
        lengths = np.stack([_cycle(own, others[voter]) for voter in chosen])
        along = np.interp(np.arange(session.num_steps), steps, np.quantile(lengths, _MAJORITY, axis=0))
        width = session.steps(_SMOOTH_S)
        window = np.ones(2 * width + 1) / (2 * width + 1)
        return np.convolve(np.pad(along, width, mode="edge"), window, "valid").astype(np.float32)


def _cycle(own: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The longer way of each moment's cycle: to the nearest of theirs, or from where that leads back to the moment."""
    gaps = ((own**2).sum(1)[:, None] + (theirs**2).sum(1) - 2 * own @ theirs.T).clip(min=0)
    there, back = gaps.argmin(axis=1), gaps.argmin(axis=0)
    return np.maximum(np.sqrt(gaps.min(axis=1)), np.linalg.norm(own[back[there]] - own, axis=1))
