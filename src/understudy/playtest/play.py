"""One run, from the parent's side: follow the child's reports, keep the time limits, and bring home a trace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from understudy.playtest.child import Child
from understudy.playtest.coverage import Coverage
from understudy.playtest.moment import Ended, Ending, Moment, Number, Position, position_of
from understudy.playtest.oracles import Oracle, build_oracle
from understudy.playtest.spec import PlaytestSpec, TimeoutSpec
from understudy.playtest.trace import Run, Trace
from understudy.playtest.worker import Job
from understudy.spec import Action, BehaviorSpec

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
    """Play a run in a process of its own.

    Args:
        spec: What is tested, and how.
        folder: Where the spec lies.
        run: Who plays.
        halt: Asked several times a second whether to stop.
        on_step: Called once per decision, in the calling thread.

    Raises:
        UnderstudyError: If an oracle does not fit the game's behaviour.
    """
    job = Job(
        game=spec.game,
        folder=folder,
        seed=run.seed,
        steps=spec.budget.steps,
        recording=run.recording,
        persona=run.persona,
        inputs=run.inputs,
        pictures=spec.video.runs > 0,
        survey=run.survey,
    )
    oracles = [build_oracle(each) for each in spec.oracles]
    trace = Trace(run, Coverage(spec.coverage.cell))
    with Child(job, run.recording.with_suffix(".log")) as child:
        _Watch(child, spec.limits, trace, oracles, halt, on_step).follow()
    return trace


class _Watch:
    """Follows a child until it ends, dies or has to be killed."""

    def __init__(
        self,
        child: Child,
        limits: TimeoutSpec,
        trace: Trace,
        oracles: list[Oracle],
        halt: Halt,
        on_step: Callable[[], None],
    ) -> None:
        self.child, self.limits, self.trace, self.oracles, self.halt = child, limits, trace, oracles, halt
        self.on_step = on_step
        self._started = self._heard = time.monotonic()
        self._in_game = False
        self._state: dict[str, Number] = {}
        self._tick = 0
        self._observed = True

    def follow(self) -> None:
        """Read reports until the run is over, and give the trace its ending."""
        ending = None
        while ending is None:
            ending = self._next()
        if not self._observed:
            self.trace.observe(Moment(self._tick, self._state, None), self.oracles)
        self.trace.end(ending, self.oracles)

    def _next(self) -> Ending | None:
        try:
            report = self.child.read(_POLL_S)
        except EOFError:
            return self._ending(Ended.DIED, f"The game's process died. {self.child.cause_of_death()}", "log")
        ending = self._take(report) if report else self._late()
        return self._ending(Ended.STOPPED) if ending is None and self.halt.now else ending

    def _take(self, report: dict[str, Any]) -> Ending | None:
        self._heard = time.monotonic()
        match report["event"]:
            case "ready":
                self.trace.behavior = BehaviorSpec.from_dict(report["behavior"])
                self.trace.lines = report["lines"]
                for each in self.oracles:
                    each.reset(self.trace.behavior)
            case "state":
                self._take_state(report)
            case "action":
                self._in_game = True
                self._take_action(report["action"])
            case "close":
                self._in_game = True
            case "end":
                return self._ending(Ended[report["how"]], report.get("message", ""), report.get("detail", ""))
        return self._late()

    def _take_state(self, report: dict[str, Any]) -> None:
        self._in_game, self._observed = False, False
        self._state, self._tick = report["info"], report["tick"]
        self.trace.reward += report["reward"] or 0.0

    def _take_action(self, form: dict[str, Any]) -> None:
        behavior = self.trace.behavior
        assert behavior is not None
        action: Action = {part.name: np.asarray(form[part.name], part.dtype) for part in behavior.actions}
        self.trace.observe(Moment(self._tick, self._state, action), self.oracles)
        self._observed = True
        self.on_step()

    def _late(self) -> Ending | None:
        """The ending if a limit is passed: the game's if it was its turn, else the player's."""
        now, limits = time.monotonic(), self.limits
        starting = self.trace.behavior is None
        limit = limits.start_seconds if starting else limits.step_seconds
        if now - self._heard > limit:
            what = "The game did not start" if starting else "A step of the game did not end"
            if starting or self._in_game:
                return self._ending(Ended.HUNG, f"{what} within {limit:g} s.", "log")
            return self._ending(Ended.BROKEN, f"'{self.trace.run.persona.name}' did not decide within {limit:g} s.")
        if now - self._started > limits.run_seconds:
            return self._ending(Ended.OVERTIME, f"The run was not over within {limits.run_seconds:g} s.")
        return None

    def _ending(self, how: Ended, message: str = "", detail: str = "") -> Ending:
        position: Position | None = position_of(self._state)
        detail = self.child.log_tail() if detail == "log" else detail
        return Ending(how, self._tick, position, message, detail)
