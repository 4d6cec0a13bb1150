"""A run's trace, built from what its worker reports: live as the reports come, or again from disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from understudy.playtest.coverage import Coverage, open_measure
from understudy.playtest.oracles import Panel, build_oracle
from understudy.playtest.plateau import has_plateaued
from understudy.playtest.run.moment import Ended, Ending, Moment
from understudy.playtest.run.reports import Report
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec
from understudy.spec import BehaviorSpec


class TraceBuilder:
    """Takes a run's reports one by one, asks the oracles, and gives the trace its ending.

    The trace follows from the reports alone, so that a run read back from disk is the run as it was played.

    Args:
        spec: What is tested, and how.
        run: The run.
    """

    def __init__(self, spec: PlaytestSpec, run: Run) -> None:
        self.trace = Trace(run, Coverage(open_measure(spec.coverage)))
        self._plateau = spec.budget.plateau
        self._panel = Panel([build_oracle(each) for each in spec.oracles])
        self._moment: Moment | None = None
        self._taken = 0

    @property
    def started(self) -> bool:
        """Whether the game gave its first observation."""
        return self.trace.behavior is not None

    def take(self, report: Report) -> Ending | None:
        """Take in a report of the worker; return the run's ending if it is over."""
        self._taken += 1
        if isinstance(report, Moment):
            return self._take_moment(report)
        match report["event"]:
            case "ready":
                self.trace.behavior = BehaviorSpec.from_dict(report["behavior"])
                self.trace.lines = report["lines"]
                self.trace.coverage.survey(report["survey"])
                self._panel.reset(self.trace.behavior)
            case "end":
                return self._take_end(report)
        return None

    def ending(self, how: Ended, message: str = "", detail: str = "", *, again: bool = False) -> Ending:
        """Return an ending here and now; see `Ending`."""
        tick, position = (self._moment.tick, self._moment.position) if self._moment else (0, None)
        return Ending(how, tick, position, message, detail, again)

    def end(self, ending: Ending) -> Trace:
        """Give the trace its ending, and return it."""
        self.trace.end(ending, self._panel)
        self.trace.reports = self._taken
        return self.trace

    def _take_moment(self, moment: Moment) -> Ending | None:
        self._moment = moment
        self.trace.observe(moment, self._panel)
        over = self._plateau is not None and has_plateaued(self._plateau, self.trace.coverage)
        return self.ending(Ended.PLATEAU) if over else None

    def _take_end(self, report: Mapping[str, Any]) -> Ending:
        how = Ended[report["how"]]
        # What fails before the first observation, such as a bundle that is not there, fails every time.
        again = how is Ended.BROKEN and self.started
        return self.ending(how, report.get("message", ""), report.get("detail", ""), again=again)
