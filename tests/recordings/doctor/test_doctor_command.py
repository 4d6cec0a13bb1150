"""`understudy logs doctor` and `understudy logs fix`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml
from doctor_studies import clean_play, write_study
from typer.testing import CliRunner

from understudy.cli.logs.doctor import doctor, fix
from understudy.errors import RecordingError
from understudy.recordings import open_recordings
from understudy.recordings.doctor.specimens import save, spoil

APP = typer.Typer()
APP.command()(doctor)
APP.command()(fix)


def run(*arguments: object) -> tuple[int, str]:
    """Run a command and return its exit status and what it printed; a user's mistake is raised."""
    result = CliRunner().invoke(APP, list(map(str, arguments)), env={"COLUMNS": "240", "NO_COLOR": "1"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clean sessions and one with a dead tail."""
    folder = tmp_path_factory.mktemp("logs")
    write_study(folder, spoil("dead-tail", clean_play(41), np.random.default_rng(6)).play, clean=4)
    return folder


QUICK = ("--check", "dead-tail", "--check", "idle")


@pytest.mark.parametrize(("fail_on", "status"), [("problem", 0), ("warning", 1), ("never", 0)])
def test_exit_status_follows_fail_on(logs: Path, fail_on: str, status: int) -> None:
    """A warning fails the command only if it was asked to fail on warnings."""
    found, output = run("doctor", logs, *QUICK, "--fail-on", fail_on)

    assert found == status
    assert "trim-tail" in output
    assert "5 recordings, 2 checks: 1 warnings." in output


def test_report_is_written_and_its_fix_applied(logs: Path, tmp_path: Path) -> None:
    """The page and the JSON lie side by side, and the fix named in the last line mends what was found."""
    _, output = run("doctor", logs, *QUICK, "--out", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    (finding,) = json.loads((tmp_path / "report.json").read_text())["findings"]
    assert f"--report {tmp_path / 'report.json'} --apply trim-tail" in output

    status, output = run("fix", logs, tmp_path / "mended", "--report", tmp_path / "report.json", "--apply", "trim-tail")

    assert (status, "5 recordings became 5" in output) == (0, True)
    lengths = {each.name: each.num_steps for each in open_recordings(tmp_path / "mended")}
    assert lengths["spoiled"] == finding["steps"][0]
    assert lengths["clean-0"] == len(clean_play(0))


def test_reduced_sensors_lie_beside_the_logs(logs: Path) -> None:
    """What is reduced is kept in a hidden folder that is no recording."""
    run("doctor", logs, *QUICK)

    assert len(list((logs / ".doctor").iterdir())) == 5
    assert len(open_recordings(logs)) == 5


def test_recipe_tells_what_is_held_out(tmp_path: Path) -> None:
    """With a recipe that holds episodes out, a player on both sides is noted."""
    sensors = {"rays": {"encoder": "vector", "widths": [8]}}
    recipe = {"name": "tiny", "sensors": sensors, "split": {"episodes": 0.5}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    for name, seed in (("first", 0), ("second", 7)):  # The specimens' players go round by seven.
        save(clean_play(seed), tmp_path / "logs", name)

    status, output = run("doctor", tmp_path / "logs", "--check", "leak", "--recipe", tmp_path / "tiny.yaml")

    assert status == 0
    assert "both trained on (1 recordings) and held out (1)" in output


def test_report_of_other_recordings_is_refused(logs: Path, tmp_path: Path) -> None:
    """A report is only applied to the recordings it is of."""
    run("doctor", logs, *QUICK, "--out", tmp_path / "report")
    write_study(tmp_path / "other", clean=1)

    with pytest.raises(RecordingError, match="is of other recordings: 'clean-1' is not there"):
        run("fix", tmp_path / "other", tmp_path / "mended", "--report", tmp_path / "report.json")


def test_missing_report_is_one_sentence(logs: Path, tmp_path: Path) -> None:
    """Without a report there is nothing to apply, and the message says how to make one."""
    with pytest.raises(RecordingError, match="understudy logs doctor LOGS --out REPORT"):
        run("fix", logs, tmp_path / "mended", "--report", tmp_path / "none.json")
