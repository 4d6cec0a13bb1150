from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from grid_specs import grid_form
from grid_world import CLEAN

from understudy.playtest.run.moment import Ended
from understudy.playtest.runner import Results, resume_playtest

Play = Callable[..., Results]
KILLED = """
import os, signal
from pathlib import Path
import gymnasium
from grid_world import GridWorld

class Doomed(GridWorld):
    '''The grid world on a machine that kills it in its tenth step, as long as lives are left.'''

    def __init__(self, lives, **options):
        super().__init__(**options)
        self.lives = Path(lives)

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return super().reset(seed=seed, options=options)

    def step(self, action):
        self.steps += 1
        left = int(self.lives.read_text())
        if self.steps == 10 and left:
            self.lives.write_text(str(left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(action)

gymnasium.register("playtest/Doomed-v0", entry_point=Doomed)
"""
NOISE = """
import gymnasium, numpy as np

class Noise(gymnasium.Env):
    '''A game whose pictures cannot be compressed.'''

    observation_space = gymnasium.spaces.Box(0, 255, (96, 96, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at = 0
        return self.see(), {"position": (0.0, 0.0)}

    def step(self, action):
        self.at += 1
        if self.at == 20 and action == 1:
            raise RuntimeError("twenty")
        return self.see(), 0.0, False, False, {"position": (float(self.at), 0.0)}

    def see(self):
        return self.np_random.integers(0, 256, (96, 96, 3), np.uint8)

gymnasium.register("playtest/Noise-v0", entry_point=Noise)
"""


def doomed(folder: Path, lives: int, **keys: Any) -> dict[str, Any]:
    """A playtest whose first workers are killed from outside."""
    (folder / "doomed.py").write_text(KILLED)
    (folder / "lives").write_text(str(lives))
    args = {"room": CLEAN, "lives": str(folder / "lives")}
    game = {"id": "playtest/Doomed-v0", "import": "doomed", "args": args}
    return grid_form(CLEAN, game=game, personas=[{"name": "monkey", "agent": "random"}], **keys)


def test_a_worker_that_was_killed_is_replaced(play: Play, folder: Path) -> None:
    """A run whose worker the system killed is played again, is no finding, and the verdict tells of it."""
    results = play(doomed(folder, 1, budget={"steps": 40}))
    (trace,) = results.traces
    assert (trace.ending.how, len(trace.actions), results.findings) == (Ended.BUDGET, 40, ())
    assert trace.lost == [
        "Its worker was killed from outside, as a system that runs out of memory does. It was killed by SIGKILL."
    ]
    assert results.verdict.passed
    assert results.verdict.criteria[0].found == "1 of 1 runs played, 1 worker lost and replaced"
    (run,) = json.loads((results.out / "results.json").read_text())["runs"]
    assert run["lost"] == trace.lost
    assert resume_playtest(results.out).traces[0].lost == trace.lost


def test_retries_are_counted(play: Play, folder: Path) -> None:
    """A run whose worker is killed each time is given up after as many retries as the spec says; the others go on."""
    form = doomed(folder, 3, budget={"steps": 20, "retries": 2})
    form["personas"] = [{"name": "monkey", "agent": "random", "runs": 2}]
    results = play(form, workers=1)
    given_up, played = results.traces
    assert (given_up.ending.how, len(given_up.lost), played.ending.how) == (Ended.BROKEN, 2, Ended.BUDGET)
    assert results.findings == ()
    assert results.verdict.sentence.startswith("Failed: 1 of 2 runs played, 2 workers lost and replaced (monkey-0: Its")
    again = resume_playtest(results.out)
    assert [each.ending.how for each in again.traces] == [Ended.BUDGET, Ended.BUDGET]


def test_what_a_lost_run_saw_is_kept(play: Play, folder: Path) -> None:
    """Where the only run could not be played to its end, a bug that it saw before is still a finding."""
    form = doomed(folder, 1, budget={"steps": 40, "retries": 0})
    form["oracles"] = [{"kind": "crash"}, {"kind": "timeout"}, {"kind": "stuck", "distance": 500, "seconds": 0.5}]
    results = play(form)
    assert [each.ending.how for each in results.traces] == [Ended.BROKEN]
    assert [each.kind for each in results.findings] == ["stuck"]
    assert not results.verdict.passed


def test_a_full_disk_keeps_what_was_found(folder: Path) -> None:
    """Where recordings no longer fit, the playtest ends in words, keeps its findings, and goes on once they do."""
    (folder / "noise.py").write_text(NOISE)
    form = {
        "game": {"id": "playtest/Noise-v0", "import": "noise"},
        "personas": [{"name": "monkey", "agent": "random", "runs": 3, "seed": 0}],
        "budget": {"steps": 120},
        "replay": {"times": 1, "shrink": 0},
        "video": {"runs": 0},
    }
    (folder / "spec.yaml").write_text(yaml.safe_dump(form))
    words = [sys.executable, "-m", "understudy.cli.main", "playtest"]
    limited = ["bash", "-c", 'ulimit -f 1500; exec "$@"', "-", *words, "spec.yaml", "--out", "out"]
    done = subprocess.run(limited, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "error: The disk is full: " in done.stderr
    assert "go on with: understudy playtest --resume out" in done.stderr
    assert "Traceback" not in done.stderr
    results = json.loads((folder / "out" / "results.json").read_text())
    assert [each["message"][:21] for each in results["findings"]] == ["RuntimeError: twenty "]
    assert (folder / "out" / "findings" / "crash-1" / "inputs.npz").exists()
    resumed = resume_playtest(folder / "out", workers=2)
    assert [len(each.actions) for each in resumed.traces] == [20 if each.sightings else 120 for each in resumed.traces]
    assert len(resumed.traces) == 3
