"""Which runs are played, in which order, and how: several at the same time, again where a worker failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from understudy.playtest.disk import is_full
from understudy.playtest.findings.finding import group
from understudy.playtest.journal import clear, mark_over, read_run
from understudy.playtest.listening import Listener
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.plateau import has_seen_all
from understudy.playtest.run.moment import Ended
from understudy.playtest.run.play import Halt
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec

PlayRun: TypeAlias = "Callable[[Run], Trace]"


def plan(spec: PlaytestSpec, out: Path, seed: int | None, personas: Sequence[PersonaSpec] | None = None) -> list[Run]:
    """Return every run of a spec: each persona with each of its seeds.

    Args:
        spec: What is tested.
        out: The playtest's folder.
        seed: Replaces the first seed of every persona.
        personas: To play instead of the spec's, in the same order.
    """
    runs = [
        Run(persona, number, out / "runs" / f"{persona.name}-{number}" / f"{persona.name}-{number}")
        for persona in personas or spec.personas
        for first in [persona.seed if seed is None else seed]
        for number in range(first, first + persona.runs)
    ]
    # One map is enough, and a game may take its time to draw it.
    return [replace(runs[0], survey=True), *runs[1:]]


class Schedule:
    """Plays the runs of a playtest.

    What is played does not depend on how many play at the same time, nor on how often it was interrupted: a persona is
    done with after whole sets of `budget.plateau.runs` runs only.

    Args:
        spec: What is tested, and for how long.
        runs: Every run, in the order of the spec.
        play: Plays one run and returns its trace.
        workers: How many at the same time.
        halt: Ends it early.
        listener: Hears how it goes on.

    Attributes:
        traces: Of the runs that were started, by the name of the run.
        full: The error of a full disk, if that ended it.
    """

    def __init__(
        self, spec: PlaytestSpec, runs: Sequence[Run], play: PlayRun, workers: int, halt: Halt, listener: Listener
    ) -> None:
        self.spec, self.workers, self.halt, self.listener = spec, workers, halt, listener
        self.traces: dict[str, Trace] = {}
        self.full: BaseException | None = None
        self._play = play
        self._runs = list(runs)
        self._tours = [_Tour(spec, [run for run in runs if run.persona.name == each.name]) for each in spec.personas]
        self._waiting: dict[Future[Trace | None], Run] = {}

    @property
    def planned(self) -> int:
        """How many runs there are to play, as far as known: without those of a persona that is done with."""
        return sum(tour.planned for tour in self._tours)

    def follow(self) -> list[Trace]:
        """Play until all is over or it is halted; return the traces of the runs that were started, in their order.

        Raises:
            UnderstudyError: If an oracle does not fit the game.
        """
        with ThreadPoolExecutor(self.workers, "playtest") as pool:
            with halting(self.halt):
                self._submit(pool)
                while self._waiting:
                    self._take(*wait(self._waiting, return_when=FIRST_COMPLETED))
                    self._submit(pool)
            # What was running when it was halted still comes home.
            self._take(*wait(self._waiting))
        return [self.traces[run.name] for run in self._runs if run.name in self.traces]

    def _submit(self, pool: ThreadPoolExecutor) -> None:
        """Start what may be started; the personas take turns, so that each has its share of a limited time."""
        if not self.halt.event.is_set():
            fresh = [tour.next_runs(self.traces) for tour in self._tours]
            for run in (each for turn in zip_longest(*fresh) for each in turn if each is not None):
                self._waiting[pool.submit(self._bring_home, run)] = run
        self.listener.progress(len(self.traces), self.planned, self._num_bugs())

    def _take(self, done: set[Future[Trace | None]], _: set[Future[Trace | None]]) -> None:
        for future in done:
            run, error = self._waiting[future], future.exception()
            if error is not None:
                # A mistake in the spec shows in every run, and a full disk too; do not wait for all of them.
                self.halt.event.set()
                if not is_full(error):
                    raise error
                self.full = error
            elif (trace := future.result()) is not None:
                self.traces[run.name] = trace
            del self._waiting[future]

    def _bring_home(self, run: Run) -> Trace | None:
        """The run's trace, from disk if it is over; None if it is too late to begin it."""
        kept = read_run(self.spec, run)
        if kept is not None or self.halt.now:
            return kept
        trace = self._play_until_over(run)
        # A run that was interrupted, or could not be played, is played again when the playtest is gone on with.
        interrupted = trace.ending.how is Ended.STOPPED and self.halt.event.is_set()
        if not interrupted and trace.ending.how is not Ended.BROKEN:
            mark_over(trace)
        return trace

    def _play_until_over(self, run: Run) -> Trace:
        lost: list[str] = []
        while True:
            clear(run)
            trace = self._play(run)
            trace.lost = lost
            if not trace.ending.again or len(lost) == self.spec.budget.retries or self.halt.now:
                return trace
            lost.append(trace.ending.message)
            self.listener.lost(run, trace.ending.message)

    def _num_bugs(self) -> int:
        seen = [(sighting, trace) for trace in self.traces.values() for sighting in trace.sightings]
        return len(group(seen, self.spec.coverage.cell))


class _Tour:
    """One persona's runs, handed out set by set."""

    def __init__(self, spec: PlaytestSpec, runs: list[Run]) -> None:
        self._plateau = spec.budget.plateau
        self._left, self._out = runs, list[Run]()

    @property
    def planned(self) -> int:
        return len(self._out) + len(self._left)

    def next_runs(self, traces: dict[str, Trace]) -> list[Run]:
        if not self._left or any(run.name not in traces for run in self._out):
            return []
        plateau = self._plateau
        if plateau and has_seen_all(plateau, [traces[run.name] for run in self._out]):
            self._left = []
        size = (plateau and plateau.runs) or len(self._left)
        fresh, self._left = self._left[:size], self._left[size:]
        self._out += fresh
        return fresh


@contextmanager
def halting(halt: Halt) -> Iterator[None]:
    """Turn a Ctrl-C into the end of the runs."""
    try:
        yield
    except KeyboardInterrupt:
        halt.event.set()
