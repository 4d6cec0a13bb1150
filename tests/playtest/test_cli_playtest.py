from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from grid_specs import grid_form
from grid_world import CLEAN, planted


def command(*words: object) -> list[str]:
    """The command line that runs `understudy`."""
    return [sys.executable, "-m", "understudy.cli.main", *map(str, words)]


def understudy(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    return subprocess.run(command(*words), cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def write_spec(folder: Path, form: dict[str, Any]) -> Path:
    """Write a spec as YAML."""
    path = folder / "playtest.yaml"
    path.write_text(yaml.safe_dump(form))
    return path


def test_from_spec_to_replay(folder: Path) -> None:
    """A playtest with a bug exits with 1 and leaves report, JUnit and results; the replay it names exits with 0."""
    spec = write_spec(folder, grid_form(planted("X", 3, 2), "segv"))
    done = understudy(folder, "playtest", spec, "--out", "out", "--workers", "2")
    assert done.returncode == 1, done.stderr
    assert "Failed: 1 crash finding." in done.stdout
    assert all((folder / "out" / name).exists() for name in ("index.html", "junit.xml", "results.json"))
    named = re.search(r"understudy replay (\S+)", done.stdout)
    assert named
    again = understudy(folder, "replay", named[1], "--times", "3")
    assert "reproduced 3 of 3 times" in again.stdout
    assert again.returncode == 0


def test_a_clean_game_passes(folder: Path) -> None:
    """A playtest without findings exits with 0; told to be quiet it prints the verdict only."""
    spec = write_spec(folder, grid_form(CLEAN, budget={"steps": 30}))
    done = understudy(folder, "playtest", spec, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Passed.\n", "")
    assert list((folder / "playtests").glob("playtest-*/index.html"))


def test_a_bug_that_is_gone_is_not_reproduced(folder: Path) -> None:
    """Replaying a finding in a build without the bug exits with 1."""
    spec = write_spec(folder, grid_form(planted("X", 3, 2)))
    understudy(folder, "playtest", spec, "--out", "out", "--quiet", "--workers", "2")
    path = folder / "out" / "findings" / "crash-1" / "finding.json"
    finding = json.loads(path.read_text())
    finding["game"]["args"]["room"] = CLEAN
    path.write_text(json.dumps(finding))
    done = understudy(folder, "replay", path)
    assert "reproduced 0 of 1 times" in done.stdout
    assert done.returncode == 1


def test_a_game_that_is_gone_cannot_be_replayed(folder: Path) -> None:
    """A replay that cannot make the game is an error with exit status 2, not a bug that is gone."""
    spec = write_spec(folder, grid_form(planted("X", 3, 2)))
    understudy(folder, "playtest", spec, "--out", "out", "--quiet", "--workers", "2")
    (folder / "grid_world.py").unlink()
    done = understudy(folder, "replay", "out/findings/crash-1")
    assert done.returncode == 2
    assert "cannot be replayed. The game 'playtest/Grid-v0' cannot be made" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("playtest", "playtest.yaml"),
        ("playtest", "no.yaml"),
        ("playtest", "misspelt.yaml"),
        ("playtest", "init", "CartPole"),
        ("replay", "nowhere"),
    ],
)
def test_bad_input_is_a_sentence_and_exit_status_2(folder: Path, words: tuple[str, ...]) -> None:
    """A wrong spec, a missing one, one of an unknown game and a missing finding are told without a traceback."""
    write_spec(folder, {"game": {"id": "a/B-v0"}})
    (folder / "misspelt.yaml").write_text(
        yaml.safe_dump({**grid_form(CLEAN), "game": {"id": "playtest/Gird-v0", "import": "grid_world"}})
    )
    done = understudy(folder, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_ctrl_c_keeps_what_was_found(folder: Path) -> None:
    """Interrupted, a playtest exits with 2, reports the runs so far with their finding, and leaves no game running."""
    personas = [{"name": "monkey", "agent": "random", "runs": 40}]
    form = grid_form(planted("T", 2, 1), personas=personas, budget={"steps": 10**6})
    process = subprocess.Popen(
        # A job in a shell's background ignores Ctrl-C, and so would this process if the tests run as one. (Not by a
        # function between fork and exec: gRPC's threads, if other tests have started them, abort such a child.)
        ["env", "--default-signal=INT", *command("playtest", write_spec(folder, form), "--out", "out")],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    recording = folder / "out" / "runs" / "monkey-0" / "monkey-0.arrows"
    deadline = time.monotonic() + 60
    while not (recording.exists() and recording.stat().st_size > 50_000) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 2, stderr
    assert "1 of 40 runs played before it was interrupted" in stdout
    results = json.loads((folder / "out" / "results.json").read_text())
    assert [each["kind"] for each in results["findings"]] == ["stuck"]
    assert results["runs"][0]["ended"] == "stopped"
    assert (folder / "out" / "index.html").exists()
    workers = [path for path in Path("/proc").glob("[0-9]*/cmdline") if "playtest.run.worker" in _text(path)]
    assert not [path for path in workers if (path.parent / "cwd").resolve() == folder]


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # the process is gone
        return ""
