"""Progress of long work: bars in a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

Report = Callable[[str, int, int], None]

_LINE_EVERY_S = 15.0


@contextmanager
def progress(console: Console | None = None) -> Iterator[Report]:
    """Yield a function `report(what, done, total)`; each new `what` gets a bar of its own."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


class _Lines:
    """Prints a step's beginning, its end, and a line every quarter of a minute between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._printed: dict[str, float] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        begins = what not in self._printed
        if begins or done == total or now - self._printed[what] > _LINE_EVERY_S:
            self._printed[what] = now
            self._console.print(f"{what}: {done}/{total}", highlight=False, markup=False)
