from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import grid_world
import pytest
import yaml
from grid_specs import grid_form
from grid_world import CLEAN, planted

from understudy.errors import PlaytestError
from understudy.playtest.findings.finding import Finding
from understudy.playtest.runner import Results, resume_playtest, run_playtest
from understudy.playtest.spec import PlaytestSpec
from understudy.playtest.store import Store

FORM = grid_form(
    planted("X", 4, 3), "raise", budget={"steps": 80}, personas=[{"name": "monkey", "agent": "random", "runs": 3}]
)
TIMES = {"seconds"}


def say(folder: Path, *words: object) -> list[str]:
    """The command line that runs a playtest of a spec in `folder`."""
    (folder / "spec.yaml").write_text(yaml.safe_dump(FORM))
    return [sys.executable, "-m", "understudy.cli.main", "playtest", *map(str, words)]


def told(out: Path) -> dict[str, Any]:
    """The results on disk, without what measures time, wherever the spec lies: tracebacks name its folder."""
    folder = json.loads((out / "playtest.json").read_text())["folder"]
    form = json.loads((out / "results.json").read_text().replace(folder, "HERE"))
    return {key: value for key, value in form.items() if key not in TIMES}


def files(out: Path) -> set[str]:
    """Every file that a playtest left."""
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def wait_for(path: Path) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The playtest as nothing interrupts it."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copy(grid_world.__file__, folder)
    return run_playtest(PlaytestSpec.model_validate(FORM), folder, folder / "out", workers=2)


@pytest.fixture
def copy(whole: Results, tmp_path: Path) -> Path:
    """The folder of a finished playtest, to harm."""
    return Path(shutil.copytree(whole.out, tmp_path / "copy"))


def test_a_killed_playtest_goes_on_to_the_same_results(folder: Path, whole: Results) -> None:
    """Killed with -9 between two runs, a playtest that is resumed plays only the rest, and ends up the same."""
    process = subprocess.Popen(
        say(folder, "spec.yaml", "--out", "out", "--quiet"), cwd=folder, stdout=subprocess.DEVNULL
    )
    first = folder / "out" / "runs" / "monkey-0" / "run.json"
    wait_for(first)
    process.kill()
    process.wait()
    assert not (folder / "out" / "results.json").exists()
    before = first.stat().st_mtime_ns
    done = subprocess.run(
        say(folder, "--resume", "out", "--quiet"), cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert first.stat().st_mtime_ns == before
    assert told(folder / "out") == told(whole.out)
    assert files(folder / "out") - {"index.html", "junit.xml"} >= files(whole.out)


def test_a_worker_does_not_outlive_its_runner(folder: Path) -> None:
    """Killed with -9 in the midst of a run, the runner leaves no game behind that would go on writing."""
    form = {**FORM, "game": grid_form(CLEAN)["game"], "budget": {"steps": 10**7}}
    (folder / "spec.yaml").write_text(yaml.safe_dump(form))
    command = [sys.executable, "-m", "understudy.cli.main", "playtest", "spec.yaml", "--out", "out", "--quiet"]
    process = subprocess.Popen(command, cwd=folder)
    wait_for(folder / "out" / "runs" / "monkey-0" / "monkey-0.arrows")
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while workers_in(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not workers_in(folder)


def test_a_finished_playtest_is_read_back(copy: Path, whole: Results) -> None:
    """Resuming what is finished plays nothing and gives the same results, findings with their replays among them."""
    before = {path: path.stat().st_mtime_ns for path in (copy / "runs").rglob("*")}
    again = resume_playtest(copy)
    assert {path: path.stat().st_mtime_ns for path in (copy / "runs").rglob("*")} == before
    assert [each.path for each in again.traces] == [each.path for each in whole.traces]
    assert [each.totals() for each in again.traces] == [each.totals() for each in whole.traces]
    assert again.findings == whole.findings
    assert again.verdict == whole.verdict


def test_a_run_that_was_cut_off_is_played_again(copy: Path, whole: Results) -> None:
    """A run without its end mark is played afresh, whatever it left behind, and becomes what it was."""
    (copy / "runs" / "monkey-2" / "run.json").unlink()
    (copy / "runs" / "monkey-2" / "monkey-2.arrows").write_bytes(b"half a recording")
    resume_playtest(copy)
    assert told(copy) == told(whole.out)


def test_a_playtest_goes_on_where_it_was_moved_with_its_spec(whole: Results, tmp_path: Path) -> None:
    """Moved together with the game and the spec, a playtest goes on, and takes its replays over as they are."""
    form = json.loads((whole.out / "playtest.json").read_text())
    shutil.copytree(whole.out.parent, tmp_path / "moved")
    out = tmp_path / "moved" / "out"
    (out / "playtest.json").write_text(json.dumps(form).replace(form["folder"], "/gone/game"))
    finding = out / "findings" / "crash-1" / "finding.json"
    finding.write_text(finding.read_text().replace(form["folder"], "/gone/game"))
    (out / "runs" / "monkey-2" / "run.json").unlink()
    again = resume_playtest(out)
    assert [each.totals() for each in again.traces] == [each.totals() for each in whole.traces]
    assert [each.folder for each in again.findings] == [tmp_path / "moved"]
    assert again.verdict == whole.verdict


def test_a_spec_that_is_gone_is_told_in_a_sentence(copy: Path) -> None:
    """Moved away from its spec, a playtest says where the spec lay and what to do."""
    form = json.loads((copy / "playtest.json").read_text())
    (copy / "playtest.json").write_text(json.dumps({**form, "folder": "/gone/game", "beside": "../gone"}))
    with pytest.raises(PlaytestError, match=r"lay in /gone/game, which is not there; put it back to go on, or begin"):
        resume_playtest(copy)


def test_a_damaged_run_is_named(copy: Path, whole: Results) -> None:
    """A run whose files cannot be read is told in a sentence that names its folder."""
    (copy / "runs" / "monkey-1" / "run.json").write_text("{")
    with pytest.raises(PlaytestError, match=r"monkey-1 is damaged .* delete the folder, and the run is played again"):
        resume_playtest(copy)
    shutil.rmtree(copy / "runs" / "monkey-1")
    assert resume_playtest(copy).findings == whole.findings


def test_only_a_playtest_can_be_gone_on_with(tmp_path: Path) -> None:
    """A folder without a playtest is an error that says which file is looked for."""
    with pytest.raises(PlaytestError, match=r"holds no playtest to go on with.*playtest\.json"):
        resume_playtest(tmp_path)


def workers_in(folder: Path) -> list[int]:
    """The workers whose working folder is `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder and "playtest.run.worker" in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:  # the process is gone
            continue
    return found


@pytest.mark.slow
def test_ctrl_c_and_resume_lose_nothing(folder: Path, whole: Results) -> None:
    """Interrupted by Ctrl-C and resumed, a playtest has the results of an uninterrupted one."""
    process = subprocess.Popen(
        # Also where the tests run in a shell's background, whose jobs ignore Ctrl-C.
        ["env", "--default-signal=INT", *say(folder, "spec.yaml", "--out", "out", "--quiet")],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    wait_for(folder / "out" / "runs" / "monkey-0" / "run.json")
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 2
    assert "before it was interrupted" in told(folder / "out")["verdict"]
    resume_playtest(folder / "out", workers=2)
    assert told(folder / "out") == told(whole.out)


def test_going_on_keeps_space_for_the_results_again(copy: Path) -> None:
    """A playtest that is gone on with takes its reserve of the disk anew, and gives it back at its end."""
    Store.open(copy)
    assert (copy / ".reserve").stat().st_size > 0
    resume_playtest(copy)
    assert not (copy / ".reserve").exists()


def test_a_finding_replays_where_its_spec_was_checked_out_anew(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine without the spec's folder, a finding takes what lay there from the current folder."""
    path = copy / "findings" / "crash-1" / "finding.json"
    form = json.loads(path.read_text())
    form |= {"folder": "/gone/game", "key": "/gone/game/checks.py:sound", "message": "/gone/gamepad failed."}
    path.write_text(json.dumps(form))
    monkeypatch.chdir(tmp_path)
    found = Finding.load(path)
    assert (found.folder, found.key) == (tmp_path, f"{tmp_path}/checks.py:sound")
    assert found.message == "/gone/gamepad failed."
