"""How a playtest goes on, shown in a terminal: a bar, and the findings so far."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from understudy.playtest.run.trace import Run


class ProgressBar:
    """A listener with a bar of the runs, the decisions made and the findings so far, and then one of the replays.

    Use it as a context manager. A bar appears once there is something to play; where the output is not a terminal,
    one line is printed when it is over.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._runs = self._progress.add_task("playing", total=None, unit="runs")
        self._replays = self._progress.add_task("", total=None, unit="replays", visible=False)
        self._steps = self._findings = 0
        self._what = ""
        self._lock = threading.Lock()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress.live.is_started:
            self._progress.update(self._replays, visible=False)
            self._progress.stop()

    def step(self) -> None:
        """Count one decision."""
        with self._lock:
            self._steps += 1
        # Drawing needs the newest number only; rich draws ten times a second.
        self._progress.update(self._runs, unit=self._unit)

    def progress(self, done: int, planned: int, findings: int) -> None:
        """Move the bar."""
        if not self._progress.live.is_started:
            self._progress.start()
        self._findings = findings
        self._progress.update(self._runs, completed=done, total=planned, unit=self._unit)

    def lost(self, run: Run, message: str) -> None:
        """Print that a run's worker failed and is replaced."""
        self._progress.console.print(f"[yellow]{escape(run.name)} is played again:[/] {escape(message)}")

    def replays(self, what: str, done: int, planned: int) -> None:
        """Show the second bar, and move it."""
        with self._lock:
            if what != self._what:
                self._what = what
                self._progress.reset(self._replays, description=what, visible=True)
        self._progress.update(self._replays, completed=done, total=planned)

    @property
    def _unit(self) -> str:
        return f"runs · {self._steps:,} decisions · {self._findings} findings"
