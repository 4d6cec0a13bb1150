"""Shrinking a finding: the shortest inputs found that still make the same oracle see the same bug.

Each candidate is some of the run's inputs in their order, some of them replaced by asking for nothing, played from the
run's own seed. First the tail is cut, then loops of the path, then segments by delta debugging, then what is left is
asked for nothing where it can be. The search is the same whatever the number of workers, and everything it tried lies
on disk: called again, it goes on where it was stopped.

Source: Zeller and Hildebrandt 2002, "Simplifying and isolating failure-inducing input", figure 3 (ddmin).
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np

from understudy.playtest.findings.finding import INPUTS_FILE, SHRUNK_CLIP_FILE, SHRUNK_FILE, Finding, Shrunk
from understudy.playtest.findings.replay import film_again, measure, play_again, seen_again
from understudy.playtest.oracles import idle_action
from understudy.playtest.run.moment import Position
from understudy.playtest.run.personas import load_inputs
from understudy.playtest.run.play import Halt
from understudy.spec import Action

MEMORY_FILE = "shrinking.json"
_IDLE = -1
_SURE = 0.05
"""A candidate is given up if the bug, at the rate of the whole, would have shown more often than this."""
_MOST_TRIES = 5
_NEAR = 1 / 16
"""Of a cell: how near two places of a path are if they are one."""

Candidate: TypeAlias = "tuple[int, ...]"
"""Indices of the run's inputs in their order, `_IDLE` where nothing is asked for."""


@dataclass(frozen=True)
class Limits:
    """How long to look: replays and wall-clock seconds in all, with those of earlier calls; and how many at a time."""

    replays: int = 200
    seconds: float = 300.0
    workers: int = 1


class OutOfBudget(Exception):  # noqa: N818
    """The replays or the time are used up."""


def shrink(finding: Finding, folder: Path, limits: Limits, halt: Halt | None = None, measured: int = 5) -> Finding:
    """Return the finding with the shortest inputs found beside its own, which are kept.

    Args:
        finding: Replayed before: what was never reproduced is not shrunk.
        folder: Of the finding; the shorter inputs go to `SHRUNK_FILE` there, a video of them to `SHRUNK_CLIP_FILE`.
        limits: When to stop looking.
        halt: Stops it early; calling it again goes on.
        measured: How often the shorter inputs are replayed afterwards for their failure rate.

    Raises:
        PlaytestError: If the finding's inputs are not there, or its game cannot be made.
    """
    halt = halt or Halt()
    if not finding.reproduced or finding.tick == 0 or not (folder / INPUTS_FILE).exists():
        return finding
    bench = _Bench(finding, folder, limits, halt)
    complete = False
    with ThreadPoolExecutor(limits.workers, "shrinking") as pool:
        search = _Search(bench, lambda candidates: list(pool.map(bench.test, candidates)), limits.workers)
        with suppress(OutOfBudget):
            search.run()
            complete = True
    bench.save()
    best = search.best
    if len(best) >= bench.length and _IDLE not in best:
        return finding
    bench.write(best, folder / SHRUNK_FILE)
    rate = measure(finding, folder, measured, halt, SHRUNK_FILE)
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


class _Bench:
    """Plays candidates, remembers on disk what came of each, and keeps the budget."""

    def __init__(self, finding: Finding, folder: Path, limits: Limits, halt: Halt) -> None:
        self.finding, self.folder, self.limits = finding, folder, limits
        self._inputs = load_inputs(folder / INPUTS_FILE)
        self.length = len(next(iter(self._inputs.values())))
        self._lock = threading.Lock()
        self._memory: dict[str, int | None] = {}
        self.replays, self._seconds = 0, 0.0
        self._load()
        self._begun = time.monotonic()
        self._halt = Halt(halt.event, _earlier(halt.deadline, self._begun + limits.seconds - self._seconds))
        self._idle: Action = {}
        # A bug that shows now and then needs several tries before a candidate is given up.
        missed = 1 - finding.reproduced / finding.replays
        self._tries = 1 if missed == 0 else min(_MOST_TRIES, math.ceil(math.log(_SURE) / math.log(missed)))

    def first(self) -> tuple[int | None, list[Position]]:
        """Play the run's own inputs; return the decision that shows the bug, and the path."""
        for _ in range(self._tries):
            with tempfile.TemporaryDirectory(prefix="understudy-shrink-") as scratch:
                trace = play_again(self.finding, self.folder / INPUTS_FILE, Path(scratch), self._halt)
            self.replays += 1
            if trace.behavior is not None:
                self._idle = idle_action(trace.behavior.actions)
            if seen := seen_again(self.finding, trace):
                return seen.tick, trace.path
            self._require_budget()
        return None, []

    def test(self, candidate: Candidate) -> int | None:
        """Return the decision at which a candidate shows the bug; None if it does not.

        Raises:
            OutOfBudget: If there is nothing left to play it with.
        """
        name = hashlib.sha256(np.asarray(candidate, np.int32).tobytes()).hexdigest()[:24]
        if name not in self._memory:
            tick = self._play(candidate)
            with self._lock:
                self._memory[name] = tick
                self.save()
        return self._memory[name]

    def write(self, candidate: Candidate, path: Path) -> None:
        """Write a candidate's inputs."""
        columns = {name: self._column(name, candidate) for name in self._inputs}
        np.savez_compressed(path, **columns)  # type: ignore[arg-type]

    def asks(self, candidate: Candidate) -> int:
        """How many of a candidate's decisions ask for anything."""
        columns = {name: self._column(name, candidate) for name in self._inputs}
        return sum(
            any(np.any(columns[name][index] != self._idle[name]) for name in columns) for index in range(len(candidate))
        )

    def save(self) -> None:
        """Keep what was tried."""
        spent = self._seconds + time.monotonic() - self._begun
        form = {"replays": self.replays, "seconds": round(spent, 1), "tried": dict(self._memory)}
        fresh = self.folder / f".{MEMORY_FILE}.new"
        fresh.write_text(json.dumps(form), encoding="utf-8")
        fresh.replace(self.folder / MEMORY_FILE)

    def _play(self, candidate: Candidate) -> int | None:
        for _ in range(self._tries):
            with self._lock:
                self._require_budget()
                self.replays += 1
            with tempfile.TemporaryDirectory(prefix="understudy-shrink-") as scratch:
                inputs = Path(scratch) / INPUTS_FILE
                self.write(candidate, inputs)
                trace = play_again(self.finding, inputs, Path(scratch), self._halt)
            if seen := seen_again(self.finding, trace):
                return seen.tick
            self._require_time()
        return None

    def _column(self, name: str, candidate: Candidate) -> np.ndarray:
        chosen = np.asarray(candidate)
        column = self._inputs[name][chosen]
        column[chosen == _IDLE] = self._idle[name]
        return column

    def _require_budget(self) -> None:
        if self.replays >= self.limits.replays:
            raise OutOfBudget
        self._require_time()

    def _require_time(self) -> None:
        if self._halt.now:
            raise OutOfBudget

    def _load(self) -> None:
        with suppress(OSError, ValueError, KeyError):
            form = json.loads((self.folder / MEMORY_FILE).read_text(encoding="utf-8"))
            self.replays, self._seconds, self._memory = form["replays"], form["seconds"], form["tried"]


class _Search:
    """Looks for the shortest candidate that shows the bug.

    Attributes:
        best: So far.
    """

    def __init__(self, bench: _Bench, test: Callable[[Sequence[Candidate]], list[int | None]], workers: int) -> None:
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
                if len(failed) >= _MOST_TRIES:
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
            if any(each != _IDLE for each in segment):
                yield best[:start] + (_IDLE,) * len(segment) + best[start + size :]

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


def _earlier(deadline: float | None, other: float) -> float:
    return other if deadline is None else min(deadline, other)


__all__ = ["MEMORY_FILE", "Limits", "shrink"]
