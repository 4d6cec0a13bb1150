"""Shrinking a finding: the shortest inputs found that still make the same oracle see the same bug.

Each candidate is some of the run's inputs in their order, some of them replaced by asking for nothing, played from the
run's own seed. First the tail is cut, then loops of the path, then segments by delta debugging, then what is left is
asked for nothing where it can be. The search is the same whatever the number of workers, and everything it tried lies
on disk: called again, it goes on where it was stopped.

Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input", figure 3 (ddmin).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from understudy.playtest.findings.candidates import IDLE, Bench, Candidate, Limits, OutOfBudget
from understudy.playtest.findings.finding import INPUTS_FILE, SHRUNK_CLIP_FILE, SHRUNK_FILE, Finding, Shrunk
from understudy.playtest.findings.replay import film_again, measure
from understudy.playtest.listening import Listener, Silence
from understudy.playtest.run.moment import Position
from understudy.playtest.run.play import Halt

_MOST_LOOPS = 5
_NEAR = 1 / 16
"""Of a cell: how near two places of a path are if they are one."""


def shrink(
    finding: Finding,
    folder: Path,
    limits: Limits,
    halt: Halt | None = None,
    measured: int = 5,
    listener: Listener | None = None,
) -> Finding:
    """Return the finding with the shortest inputs found beside its own, which are kept.

    Args:
        finding: Replayed before: what was never reproduced is not shrunk.
        folder: Of the finding; the shorter inputs go to `SHRUNK_FILE` there, a video of them to `SHRUNK_CLIP_FILE`.
        limits: When to stop looking.
        halt: Stops it early; calling it again goes on.
        measured: How often the shorter inputs are replayed afterwards for their failure rate.
        listener: Hears of each replay.

    Raises:
        PlaytestError: If the finding's inputs are not there, or its game cannot be made.
    """
    halt, listener = halt or Halt(), listener or Silence()
    if not finding.reproduced or finding.tick == 0 or not (folder / INPUTS_FILE).exists():
        return finding
    bench = Bench(finding, folder, limits, halt, listener)
    complete = False
    with ThreadPoolExecutor(limits.workers, "shrinking") as pool:
        search = _Search(bench, lambda candidates: list(pool.map(bench.test, candidates)), limits.workers)
        with suppress(OutOfBudget):
            search.run()
            complete = True
    bench.save()
    best = search.best
    if len(best) >= bench.length and IDLE not in best:
        return finding
    bench.write(best, folder / SHRUNK_FILE)
    rate = measure(finding, folder, measured, halt, SHRUNK_FILE, listener)
    shrunk = Shrunk(
        decisions=len(best),
        asks=bench.asks(best),
        original=bench.length,
        tried=bench.replays,
        complete=complete,
        replays=rate.tries,
        reproduced=rate.hits,
    )
    if finding.pictures and not halt.now and (clip := film_again(finding, folder, SHRUNK_FILE, halt)):
        (folder / SHRUNK_CLIP_FILE).write_bytes(clip.mp4)
    finding = finding.model_copy(update={"shrunk": shrunk})
    finding.save(folder)
    return finding


class _Search:
    """Looks for the shortest candidate that shows the bug.

    Attributes:
        best: So far.
    """

    def __init__(self, bench: Bench, test: Callable[[Sequence[Candidate]], list[int | None]], workers: int) -> None:
        self.bench, self._test, self._workers = bench, test, workers
        self.best: Candidate = tuple(range(bench.length))

    def run(self) -> None:
        """Look until nothing more can be left out; raises `OutOfBudget` if the budget is used up before."""
        tick, path = self.bench.first()
        if tick is None:
            return
        self.best = self.best[: tick + 1]
        self._cut_loops(path)
        before = None
        while before != self.best:
            before = self.best
            self._cut_segments()
            self._ask_for_nothing()

    def _cut_loops(self, path: Sequence[Position]) -> None:
        """Leave out where the path comes back to where it was, the longest way round first."""
        near = _NEAR * self.bench.finding.cell_size
        failed: list[tuple[int, int]] = []
        while loop := _longest_loop(path, self.best, near, failed):
            start, end = loop
            if not self._keep_first([self.best[:start] + self.best[end:]]):
                failed.append((self.best[start], self.best[end]))
                if len(failed) >= _MOST_LOOPS:
                    return

    def _cut_segments(self) -> None:
        """Leave out segments, halving their length until single decisions are left."""
        size = max(1, len(self.best) // 2)
        while True:
            while self._keep_first(self._without(size)):
                size = min(size, max(1, len(self.best) // 2))
            if size == 1:
                return
            size = max(1, size // 2)

    def _ask_for_nothing(self) -> None:
        """Replace segments by asking for nothing, halving their length as long as they are worth it."""
        size = max(1, len(self.best) // 2)
        while size:
            while self._keep_first(self._idling(size)):
                pass
            size //= 2

    def _without(self, size: int) -> Iterator[Candidate]:
        best = self.best
        # From the end, where a player looks around once the bug has happened.
        for start in reversed(range(0, len(best), size)):
            if len(best) > size:
                yield best[:start] + best[start + size :]

    def _idling(self, size: int) -> Iterator[Candidate]:
        best = self.best
        for start in range(0, len(best), size):
            segment = best[start : start + size]
            if any(each != IDLE for each in segment):
                yield best[:start] + (IDLE,) * len(segment) + best[start + size :]

    def _keep_first(self, candidates: Sequence[Candidate] | Iterator[Candidate]) -> bool:
        """Take the first candidate that shows the bug, cut after it; return whether there was one."""
        waiting = iter(candidates)
        while batch := list(islice(waiting, self._workers)):
            for candidate, tick in zip(batch, self._test(batch), strict=True):
                if tick is not None:
                    self.best = candidate[: tick + 1]
                    return True
        return False


def _longest_loop(
    path: Sequence[Position], best: Candidate, near: float, failed: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    """The places in `best` between which the path goes furthest and comes back; None if it never does."""
    known = [index for index in best if index < len(path)]
    if len(known) < 2:
        return None
    spots = np.array([path[index] for index in known], float)
    for length in range(len(known) - 1, 0, -1):
        apart = np.abs(spots[length:] - spots[:-length]).max(axis=1)
        for start in np.flatnonzero(apart <= near):
            first, last = known[start], known[start + length]
            # Inside one that is needed there is little to leave out: a player who is stuck goes nowhere all the time.
            if not any(a <= first and last <= b for a, b in failed):
                return int(start), int(start + length)
    return None
