"""Two workers against one: the same playtest of Doom, from its pictures, with one game at a time and with two."""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from _table import Row, report

from understudy.playtest.runner import run_playtest
from understudy.playtest.spec import PlaytestSpec

RUNS, STEPS, REPEATS = 8, 3000, 3


def rows(runs: int = RUNS, steps: int = STEPS, repeats: int = REPEATS) -> list[Row]:
    """Measure in pairs, one and two in turn, so that what else the machine does falls on both."""
    spec = PlaytestSpec.model_validate(
        {
            "game": {"id": "understudy/Doom-v0", "args": {"map": "E1M6", "sensors": ["frame", "rays"]}},
            "personas": [{"name": "walker", "agent": "scripted", "runs": runs}],
            "budget": {"steps": steps},
            "oracles": [{"kind": "crash"}, {"kind": "timeout"}],
            "replay": {"times": 1, "shrink": 0},
        }
    )
    ratios = []
    for _ in range(repeats):
        one, two = (seconds(spec, workers) for workers in (1, 2))
        ratios.append(one / two)
    note = f"{runs} runs of {steps} decisions, processes started anew for each; {os.cpu_count()} cores"
    return [Row("playtest: two workers against one", statistics.median(ratios), 1.8, note=note)]


def seconds(spec: PlaytestSpec, workers: int) -> float:
    """Wall-clock time of all runs."""
    with tempfile.TemporaryDirectory() as folder:
        return run_playtest(spec, Path(folder), Path(folder) / "out", workers=workers).seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten")
    quick = parser.parse_args().quick
    report("playtest-workers", rows(4, 1000, 1) if quick else rows(), keep=not quick)
