"""What every benchmark shares: rows with a target, a table of them, the JSON kept beside it, and fair timing."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
_PACKAGES = (
    *("understudy", "numpy", "torch", "onnxruntime", "pyarrow", "grpcio", "numba", "opencv-python-headless"),
    "embreex",
    "panda3d",
    "stable-baselines3",
)


@dataclass(frozen=True)
class Row:
    """One promise and what was measured.

    Attributes:
        promise: What is compared with what, in words.
        measured: The number; None if it was not measured, and `note` says why.
        target: What it must reach.
        unit: Of both: `"×"` for a ratio, else a unit such as `"ms"`.
        at_most: Whether smaller is better; the number must then not exceed the target.
        note: The conditions: sizes, repeats, what the number is of.
    """

    promise: str
    measured: float | None
    target: float
    unit: str = "×"
    at_most: bool = False
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        if self.measured is None:
            return False
        return self.measured <= self.target if self.at_most else self.measured >= self.target


def report(name: str, rows: Sequence[Row], *, keep: bool = True) -> bool:
    """Print rows as a table, keep them in `results/NAME.json` if asked to, and return whether all of them hold."""
    table = Table("promise", "measured", "target", "unit", "holds", title=name)
    for row in rows:
        bound = f"{'≤' if row.at_most else '≥'} {row.target:g}"
        measured = "not run" if row.measured is None else f"{row.measured:.4g}"
        table.add_row(row.promise, measured, bound, row.unit, "yes" if row.holds else "[bold red]no[/]")
    Console().print(table)
    if not keep:
        return all(row.holds for row in rows)
    RESULTS.mkdir(exist_ok=True)
    form = {
        "machine": _machine(),
        "versions": _versions(),
        "rows": [{**asdict(row), "holds": row.holds} for row in rows],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(form, indent=1, ensure_ascii=False) + "\n")
    return all(row.holds for row in rows)


def interleaved(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Time two callables in turn, so that what else the machine does meets both alike.

    Each is called once before, untimed; which of the two goes first changes from repeat to repeat.

    Returns:
        The medians of their times in seconds.
    """
    work = (first, second)
    times: tuple[list[float], list[float]] = ([], [])
    for callable_ in work:
        callable_()
    for repeat in range(repeats):
        for index in (0, 1) if repeat % 2 == 0 else (1, 0):
            start = time.perf_counter()
            work[index]()
            times[index].append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def _machine() -> dict[str, Any]:
    return {"cpu": _cpu_model(), "cores": os.cpu_count(), "python": platform.python_version()}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
