"""One run, from the parent's side: follow the child's reports, keep the time limits, and bring home a trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from understudy.playtest.disk import full_disk
from understudy.playtest.journal import Journal
from understudy.playtest.oracles.endings import TimeoutSpec
from understudy.playtest.oracles.picture import PictureSpec
from understudy.playtest.run.builder import TraceBuilder
from understudy.playtest.run.child import Child
from understudy.playtest.run.job import Job
from understudy.playtest.run.moment import Ended, Ending, Moment
from understudy.playtest.run.reports import Report, ReportReader
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec

_POLL_S = 0.2


@dataclass
class Halt:
    """Tells running runs to stop: `event` is set on Ctrl-C, `deadline` is a `time.monotonic()`."""

    event: threading.Event = field(default_factory=threading.Event)
    deadline: float | None = None

    @property
    def now(self) -> bool:
        """Whether to stop."""
        return self.event.is_set() or (self.deadline is not None and time.monotonic() >= self.deadline)


def play_run(
    spec: PlaytestSpec, folder: Path, run: Run, halt: Halt, on_step: Callable[[], None] = lambda: None
) -> Trace:
    """Play a run in a process of its own, and keep its reports beside its recording.

    Args:
        spec: What is tested, and how.
        folder: Where the spec lies.
        run: Who plays.
        halt: Asked several times a second whether to stop.
        on_step: Called once per decision, in the calling thread.

    Raises:
        UnderstudyError: If an oracle does not fit the game's behaviour.
        OSError: If the disk is full.
    """
    needs = frozenset[str]().union(*(each.needs for each in spec.oracles))
    job = Job(
        game=spec.game,
        folder=folder,
        seed=run.seed,
        steps=spec.budget.steps,
        recording=run.recording,
        persona=run.persona,
        inputs=run.inputs,
        record=run.record,
        pictures=spec.video.runs > 0 and (run.record or "picture" in needs),
        coverage=spec.coverage,
        survey=run.survey,
        needs=needs,
        look=next((each for each in spec.oracles if isinstance(each, PictureSpec)), None),
    )
    builder = TraceBuilder(spec, run)
    with closing(Journal(run.folder)) as journal, Child(job) as child:
        return _Watch(child, spec.limits, builder, journal, halt, on_step).follow()


class _Watch:
    """Follows a child until it ends, dies or has to be killed."""

    def __init__(
        self,
        child: Child,
        limits: TimeoutSpec,
        builder: TraceBuilder,
        journal: Journal,
        halt: Halt,
        on_step: Callable[[], None],
    ) -> None:
        self.child, self.limits, self.builder, self.journal, self.halt = child, limits, builder, journal, halt
        self.on_step = on_step
        self._reader = ReportReader()
        self._started = self._heard = time.monotonic()

    def follow(self) -> Trace:
        """Read reports until the run is over."""
        ending = None
        while ending is None:
            ending = self._next()
        return self.builder.end(ending)

    def _next(self) -> Ending | None:
        try:
            chunk = self.child.read(_POLL_S)
        except EOFError:
            return self._death()
        if chunk:
            self._heard = time.monotonic()
            self.journal.add(chunk)
        ending = self._take_all(chunk) or self._late()
        return self.builder.ending(Ended.STOPPED) if ending is None and self.halt.now else ending

    def _take_all(self, chunk: bytes) -> Ending | None:
        for report in self._reader.feed(chunk):
            ending = self._take(report)
            if ending or self.halt.now:
                return ending
        return None

    def _take(self, report: Report) -> Ending | None:
        if isinstance(report, Moment):
            if report.action is not None:
                self.on_step()
        elif report.get("full"):
            raise full_disk(self.builder.trace.run.folder)
        return self.builder.take(report)

    def _death(self) -> Ending:
        """A game crashes by itself, but nothing kills itself: that was the system or a person."""
        cause = self.child.cause_of_death()
        if self.child.was_killed:
            message = f"Its worker was killed from outside, as a system that runs out of memory does. {cause}"
            return self.builder.ending(Ended.BROKEN, message, self.child.log_tail(), again=True)
        return self.builder.ending(Ended.DIED, f"The game's process died. {cause}", self.child.log_tail())

    def _late(self) -> Ending | None:
        """The ending if a limit is passed: the game's if it was its turn, else the player's."""
        now, limits, started = time.monotonic(), self.limits, self.builder.started
        limit = limits.step_seconds if started else limits.start_seconds
        if now - self._heard > limit:
            what = "A step of the game did not end" if started else "The game did not start"
            if not started or self.child.in_game:
                return self._failure(Ended.HUNG, f"{what} within {limit:g} s.")
            name = self.builder.trace.run.persona.name
            return self.builder.ending(Ended.BROKEN, f"'{name}' did not decide within {limit:g} s.", again=True)
        if now - self._started > limits.run_seconds:
            return self.builder.ending(Ended.OVERTIME, f"The run was not over within {limits.run_seconds:g} s.")
        return None

    def _failure(self, how: Ended, message: str) -> Ending:
        return self.builder.ending(how, message, self.child.log_tail())
