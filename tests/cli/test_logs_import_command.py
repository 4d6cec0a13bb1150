"""`understudy logs import`, `export` and `formats` as a user types them: mixtures, damage, stops, and mistakes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toy_format import write_toylog
from understudy.cli import main
from understudy.recordings import open_recordings
from understudy.recordings.formats.registry import exporters, importers

SLOW_TOY = """
import time
from toy_format import ToyImporter

class SlowImporter(ToyImporter):
    name = "slowtoy"

    def sniff(self, path):
        return path.suffix == ".slow"

    def iter_episodes(self, path, options):
        for log in super().iter_episodes(path, options):
            yield log
            time.sleep(60 if log.name == "two" else 0)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages in which the toy format is installed, and one that takes its time."""
    info = tmp_path / "site" / "toyformat-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toyformat\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[understudy.importers]\ntoylog = toy_format:ToyImporter\nslowtoy = slow_toy:SlowImporter\n"
        "[understudy.exporters]\ntoylog = toy_format:ToyExporter\n"
    )
    (tmp_path / "site" / "slow_toy.py").write_text(SLOW_TOY)
    return tmp_path / "site"


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same packages are installed in this process."""
    monkeypatch.syspath_prepend(str(site))
    for found in (importers, exporters):
        found.cache_clear()
    yield
    monkeypatch.undo()
    for found in (importers, exporters):
        found.cache_clear()


def start(site: Path, *arguments: object) -> subprocess.Popen[str]:
    """Start `understudy logs …` in a process of its own."""
    path = os.pathsep.join([str(site), str(Path(__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "understudy.cli.main", "logs", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def run(site: Path, *arguments: object) -> tuple[int, str, str]:
    """Run it to its end: exit status, standard output, standard error."""
    process = start(site, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_a_mixed_folder_comes_in_with_one_command(site: Path, tmp_path: Path) -> None:
    """Known logs become recordings, unknown files are named, and a second run keeps what is there."""
    logs, out = tmp_path / "logs", tmp_path / "out"
    write_toylog(logs / "a.toylog", ("one", "annabel", 9))
    write_toylog(logs / "deep" / "b.toylog", ("two", "annabel", 5), behavior="swim")
    (logs / "notes.txt").write_text("hello")

    status, printed, _ = run(site, "import", logs, "--out", out)

    assert status == 0
    assert f"2 recordings (14 steps) in {out}." in printed
    assert "1 files are of no known format and were left alone: notes.txt" in printed
    found = sorted(each.path.relative_to(out).as_posix() for each in open_recordings(out))
    assert found == ["swim/two.arrows", "walk/one.arrows"]
    assert "annabel" not in run(site, "inspect", out / "walk")[1]
    assert "2 of them there before" in run(site, "import", logs, "--out", out)[1]


def test_damage_is_a_table_and_status_1(site: Path, tmp_path: Path) -> None:
    """What was lost is listed with the reason; told to be strict, it is one sentence and status 2."""
    log = write_toylog(tmp_path / "a.toylog", ("one", "", 9))
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:10], lines[10][:20]]))

    status, printed, err = run(site, "import", log, "--out", tmp_path / "out")
    assert status == 1, err
    for words in ("Not imported", "a.toylog: line 11", "is not JSON", "1 recordings (8 steps)"):
        assert words in printed

    status, _, err = run(site, "import", log, "--out", tmp_path / "strict", "--strict")
    assert status == 2
    assert err.strip().splitlines()[-1] == f"error: {log}: line 11 is not JSON."


def test_ctrl_c_keeps_what_is_whole_and_the_next_run_goes_on(site: Path, tmp_path: Path) -> None:
    """A real SIGINT in the middle leaves whole recordings, no other file, and no traceback."""
    logs, out = tmp_path / "logs", tmp_path / "out"
    write_toylog(logs / "a.slow", ("one", "", 9), ("two", "", 9), ("three", "", 9))
    process = start(site, "import", logs, "--out", out, "--format", "slowtoy")
    while not (out / "walk" / "two.arrows").exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "Stopped. Run the same command again" in err
    assert sorted(path.name for path in (out / "walk").iterdir()) == ["one.arrows", "two.arrows"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "out", "site"]
    (site / "slow_toy.py").write_text(SLOW_TOY.replace("60", "0"))
    status, printed, _ = run(site, "import", logs, "--out", out, "--format", "slowtoy")
    assert status == 0
    assert "3 recordings (27 steps)" in printed
    assert "2 of them there before" in printed


def test_recordings_go_out_and_come_back(site: Path, tmp_path: Path) -> None:
    """`export` writes a new folder that `import` reads; what is there already is never overwritten."""
    write_toylog(tmp_path / "a.toylog", ("one", "", 9))
    run(site, "import", tmp_path / "a.toylog", "--out", tmp_path / "out")

    status, printed, err = run(site, "export", tmp_path / "out", tmp_path / "there", "--format", "toylog")
    assert (status, printed) == (0, f"1 recordings as toylog in {tmp_path / 'there'}.\n"), err
    assert run(site, "import", tmp_path / "there", "--out", tmp_path / "back")[0] == 0
    status, _, err = run(site, "export", tmp_path / "out", tmp_path / "there", "--format", "toylog")
    assert status == 2
    assert "is there already; name a new folder" in err


def test_formats_are_listed_and_each_with_its_settings(site: Path) -> None:
    """`formats` shows the installed formats and which way they go; `formats NAME` what can be set."""
    status, printed, err = run(site, "formats")
    assert status == 0, err
    for words in ("toylog", "Toy logs (.toylog)", "doom"):
        assert words in printed

    status, printed, err = run(site, "formats", "toylog")
    assert status == 0, err
    for words in ("import", "scale", "1.0", "what every observation is multiplied with"):
        assert words in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import", "--out", "out"), "error: There is nothing to import: name logs or folders of logs, or say"),
        (("import", "nowhere", "--out", "out"), "error: nowhere is not there."),
        (("import", "a.toylog", "--out", "out", "--format", "toylok"), "error: There is no importer 'toylok'. Did "),
        (("import", "a.toylog", "--out", "out", "--set", "scale"), "error: --set scale should be KEY=VALUE."),
        (
            ("import", "a.toylog", "--out", "out", "--set", "scale=2"),
            "error: The setting 'scale' belongs to one format",
        ),
        (
            ("import", "a.toylog", "--out", "out", "--format", "toylog", "--set", "scale=big"),
            "error: Setting 'scale' of the format 'toylog': Input should be a valid number",
        ),
        (
            ("export", "nowhere", "out", "--format", "toylog"),
            "error: nowhere is not there. Record or import some first",
        ),
    ],
)
def test_a_mistake_in_a_logs_command_is_one_sentence(
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    installed: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A user's mistake is said in one line with status 2."""
    monkeypatch.chdir(tmp_path)
    write_toylog(tmp_path / "a.toylog", ("one", "", 3))
    monkeypatch.setattr(sys, "argv", ["understudy", "logs", *arguments])

    with pytest.raises(SystemExit) as stopped:
        main.run()

    assert stopped.value.code == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith(message)


def test_doom_demos_are_one_option_away(site: Path, tmp_path: Path) -> None:
    """`--doom-demos` names the games inside the vizdoom package, whose demos are then listed as any log's are."""
    pytest.importorskip("vizdoom")
    (tmp_path / "out").write_text("in the way, so that no demo is replayed")

    status, _, err = run(site, "import", "--doom-demos", "--out", tmp_path / "out")

    assert status == 2
    assert "out cannot be written: File exists." in err
