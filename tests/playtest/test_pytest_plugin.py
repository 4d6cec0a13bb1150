from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import grid_world
import pytest
import yaml
from grid_specs import grid_form
from grid_world import CLEAN

from understudy.playtest.findings.finding import Finding

pytest_plugins = ("pytester",)

PLUGIN = "understudy.pytest_plugin"
# An installed entry point loads it by itself, and it cannot be loaded twice.
LOADED = [] if any(each.value == PLUGIN for each in entry_points(group="pytest11")) else ["-p", PLUGIN]


SOURCE = """
import pytest
from understudy.errors import PlaytestError

def test_clean(playtest):
    played = playtest("clean.yaml", seed=7).assert_no("crash", "stuck").assert_no().assert_coverage(at_least=2)
    assert played.findings == ()
    with pytest.raises(AssertionError, match="of at least 999 cells visited by monkey"):
        played.assert_coverage(at_least=999, persona="monkey")
    with pytest.raises(PlaytestError, match="does not say what can be reached"):
        played.assert_coverage(at_least=0.5)
    with pytest.raises(PlaytestError, match="has no oracle 'crsh'. Did you mean 'crash'?"):
        played.assert_no("crsh")

def test_broken(playtest):
    playtest("broken.yaml").assert_no("crash", "stuck")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with the grid world, a spec of a clean level, one of a level with a crash, and a test of each."""
    shutil.copy(grid_world.__file__, pytester.path)
    for name, room in (("clean", CLEAN), ("broken", ["####", "#SX#", "####"])):
        form = grid_form(room, personas=[{"name": "monkey", "agent": "random"}], budget={"steps": 40})
        (pytester.path / f"{name}.yaml").write_text(yaml.safe_dump(form))
    pytester.makepyfile(test_levels=SOURCE)
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the tests in a process of their own, where warnings are errors."""
    return project.runpytest_subprocess(*LOADED, "-W", "error", "-p", "no:cacheprovider", *options)


def test_a_level_is_tested_like_anything_else(project: pytest.Pytester) -> None:
    """A clean level passes; a crash fails with the finding, the command that replays it, and where its report lies.

    The report of an earlier session in the same folder is replaced.
    """
    earlier = project.path / "reports" / "test_levels.py-test_clean" / "clean"
    earlier.mkdir(parents=True)
    (earlier / "results.json").write_text("{}")
    (earlier / "stale").touch()
    found = run(project, "--playtest-out", "reports")
    found.assert_outcomes(passed=1, failed=1)
    assert not (earlier / "stale").exists()
    assert json.loads((earlier / "results.json").read_text())["passed"] is True
    text = found.stdout.str()
    assert "broken: 1 finding." in text
    assert "IndexError: no such tile" in text
    assert "checking.py:" not in text
    lines = [each.removeprefix("E").strip() for each in found.outlines]
    command = next(each for each in lines if each.startswith("understudy replay ")).split()
    report = Path(next(each for each in lines if each.startswith("report: ")).removeprefix("report: "))
    assert report.is_relative_to(project.path / "reports")
    assert "crash-1" in report.read_text()
    assert Finding.load(Path(command[2])).kind == "crash"


def test_the_plugin_costs_nothing_until_it_is_used() -> None:
    """Importing it imports no room of the package."""
    code = f"import sys, {PLUGIN}; print([n for n in sys.modules if n.startswith('understudy.playtest')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
