from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import bug_house
import house_rules
import pytest

from understudy.playtest.findings.finding import concluded
from understudy.playtest.journal import REPORTS_FILE, mark_over, read_run
from understudy.playtest.run.moment import Moment
from understudy.playtest.run.play import Halt, play_run
from understudy.playtest.run.reports import ReportReader
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec

ORACLES: list[dict[str, Any]] = [
    {"kind": "log", "ignore": ["texture 99"]},
    {"kind": "memory", "mb_per_minute": 5, "min_mb": 5, "min_samples": 8},
    {"kind": "nan"},
    {"kind": "picture", "every": 0.1},
    {"kind": "invariant", "functions": ["house_rules:confused"]},
    {"kind": "unreachable_goal", "goals": [{"name": "exit", "info": "quest", "at_least": 2, "tried_at": 1}]},
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the little game and the user's rules."""
    for each in (bug_house, house_rules):
        shutil.copy(str(each.__file__), tmp_path)
    return tmp_path


def play(home: Path, bug: str, steps: int) -> tuple[PlaytestSpec, Run, Trace]:
    """A random player's run of the game with this bug, in a process of its own."""
    spec = PlaytestSpec.model_validate(
        {
            "game": {"id": "playtest/House-v0", "import": "bug_house", "args": {"bug": bug}},
            "personas": [{"name": "monkey", "agent": "random", "seed": 3}],
            "budget": {"steps": steps},
            "oracles": ORACLES,
            "coverage": {"cell": 1},
        }
    )
    spec = spec.model_copy(update={"oracles": tuple(each.anchored(home) for each in spec.oracles)})
    run = Run(spec.personas[0], 3, home / "run" / "run", record=False)
    return spec, run, play_run(spec, home, run, Halt())


def test_a_worker_measures_what_the_oracles_ask_for(home: Path) -> None:
    """What the game prints, holds in memory and shows reaches the oracles with the very decision; lines that differ in
    numbers alone are one bug; an oracle that throws is named; the run read back from disk is the run as it was played.
    """
    spec, run, trace = play(home, "print", 400)
    (seen,) = trace.sightings
    east = next(tick for tick, at in enumerate(trace.path) if at[0] >= bug_house.EDGE)
    assert (seen.kind, seen.tick, seen.position) == ("log", east, trace.path[east])
    assert seen.message.startswith("The game printed: ERROR 0x5: no texture ")
    assert list(trace.failures) == ["invariant"]
    assert len(trace.actions) == 400
    assert not list(run.folder.glob("*.arrows"))
    with gzip.open(run.folder / REPORTS_FILE) as file:
        moments = [each for each in ReportReader().feed(file.read()) if isinstance(each, Moment)]
    held = [each.memory_mb for each in moments if each.memory_mb is not None]
    assert len(held) >= 400 // 32
    assert 20 < min(held) <= max(held) < 2000
    assert all(each.picture is not None for each in moments)
    assert sum(each.step_seconds > 0 for each in moments) == 400
    ((goal, where),) = concluded(spec.oracles[-1], [trace])
    assert (goal.key, where) == ("exit", trace)
    mark_over(trace)
    again = read_run(spec, run)
    assert again is not None
    assert (again.sightings, again.failures, again.notes) == (trace.sightings, trace.failures, trace.notes)
    assert again.path == trace.path


def test_a_leak_shows_in_the_memory_of_the_games_process(home: Path) -> None:
    """A game that keeps a megabyte each step is found by what its process holds."""
    _, _, trace = play(home, "leak", 600)
    (seen,) = trace.sightings
    assert (seen.kind, seen.key) == ("memory", "growth")
