from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from grid_specs import grid_form
from grid_world import CLEAN
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.playtest.coverage import Coverage
from understudy.playtest.listening import Silence
from understudy.playtest.plateau import has_plateaued
from understudy.playtest.run.moment import Ended, Ending
from understudy.playtest.run.play import Halt, play_run
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.schedule import Schedule, plan
from understudy.playtest.spec import PlateauSpec, PlaytestSpec


def spec_of(cells: list[list[int]], plateau: dict[str, Any] | None) -> PlaytestSpec:
    """A playtest of as many personas as there are lists, each with as many runs as its list is long."""
    personas = [{"name": f"p{index}", "agent": "random", "runs": len(each)} for index, each in enumerate(cells)]
    return PlaytestSpec.model_validate(grid_form(CLEAN, personas=personas, budget={"plateau": plateau}))


def walked(run: Run, num_cells: int) -> Trace:
    """A run that came through the first cells of a row."""
    trace = Trace(run, Coverage(1.0), ending=Ending(Ended.BUDGET, 0))
    for index in range(num_cells):
        trace.coverage.visit((index + 0.5, 0.5))
    return trace


def schedule(tmp_path: Path, cells: list[list[int]], runs: int | None, workers: int) -> list[str]:
    """Play runs that visit so many cells each, and return the names of those that were played."""
    spec = spec_of(cells, {"runs": runs, "percent": 5} if runs else None)

    def play(run: Run) -> Trace:
        run.folder.mkdir(parents=True, exist_ok=True)
        return walked(run, cells[int(run.persona.name[1:])][run.seed])

    out = tmp_path / f"out{time.monotonic_ns()}"
    follow = Schedule(spec, plan(spec, out, None), play, workers, Halt(), Silence())
    traces = follow.follow()
    assert len(traces) == follow.planned
    return [each.run.name for each in traces]


def test_a_persona_is_done_with_once_it_finds_nothing_new(tmp_path: Path) -> None:
    """After a set of runs that added less than the percentage, a persona plays no more; the others go on."""
    still, finding = [10, 10, 10, 10, 10], [10, 20, 30, 40, 50]
    played = schedule(tmp_path, [still, finding], 2, workers=1)
    assert [name for name in played if name.startswith("p0")] == ["p0-0", "p0-1", "p0-2", "p0-3"]
    assert len([name for name in played if name.startswith("p1")]) == 5


@settings(max_examples=15, deadline=None)
@given(
    cells=st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=1, max_size=3),
    runs=st.none() | st.integers(1, 3),
)
def test_what_is_played_does_not_depend_on_the_workers(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[int]], runs: int | None
) -> None:
    """One worker and four play the same runs, in the order of the spec."""
    folder = tmp_path_factory.mktemp("schedule")
    assert schedule(folder, cells, runs, workers=1) == schedule(folder, cells, runs, workers=4)


def test_personas_take_turns(tmp_path: Path) -> None:
    """Where the time is limited, each persona has its share of it."""
    order: list[str] = []
    spec = spec_of([[1, 1], [1, 1], [1, 1]], None)

    def play(run: Run) -> Trace:
        order.append(run.name)
        run.folder.mkdir(parents=True)
        return walked(run, 1)

    Schedule(spec, plan(spec, tmp_path / "out", None), play, 1, Halt(), Silence()).follow()
    assert order == ["p0-0", "p1-0", "p2-0", "p0-1", "p1-1", "p2-1"]


def test_a_run_that_finds_nothing_new_is_over(folder: Path) -> None:
    """A run ends at the very decision after which its last steps had added too little."""
    form = grid_form(CLEAN, budget={"steps": 5000, "plateau": {"steps": 40}})
    spec = PlaytestSpec.model_validate(form)
    run = Run(spec.personas[0], 0, folder / "runs" / "monkey-0")
    trace = play_run(spec, folder, run, Halt())
    steps = len(trace.actions)
    assert trace.ending.how is Ended.PLATEAU
    assert 40 < steps < 5000
    met = trace.coverage.met_by
    assert met(steps) == met(steps - 40)
    assert all(met(earlier) > met(earlier - 40) for earlier in range(41, steps))


def test_a_game_without_positions_has_no_plateau() -> None:
    """Where nothing is counted, nothing says that there is nothing new."""
    coverage = Coverage(1.0)
    for _ in range(100):
        coverage.visit(None)
    assert not has_plateaued(PlateauSpec(steps=10), coverage)
