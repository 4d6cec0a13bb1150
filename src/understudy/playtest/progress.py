"""How a playtest goes on, shown in a terminal: a bar, and the findings so far."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from understudy.playtest.run.trace import Run


class ProgressBar:
    """A listener with a bar of the runs, the decisions made and the findings so far.

    Use it as a context manager. The bar appears once there is something to play; where the output is not a terminal,
    one line is printed when it is over.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("playing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs · {task.fields[steps]:,} decisions · {task.fields[findings]} findings"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("", total=None, steps=0, findings=0)
        self._steps = 0
        self._lock = threading.Lock()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress.live.is_started:
            self._progress.stop()

    def step(self) -> None:
        """Count one decision."""
        with self._lock:
            self._steps += 1
        # Drawing needs the newest number only; rich draws ten times a second.
        self._progress.update(self._task, steps=self._steps)

    def progress(self, done: int, planned: int, findings: int) -> None:
        """Move the bar."""
        if not self._progress.live.is_started:
            self._progress.start()
        self._progress.update(self._task, completed=done, total=planned, findings=findings)

    def lost(self, run: Run, message: str) -> None:
        """Print that a run's worker failed and is replaced."""
        self._progress.console.print(f"[yellow]{escape(run.name)} is played again:[/] {escape(message)}")
