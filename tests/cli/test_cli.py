"""The commands as a user types them: what they print, and one sentence with status 2 for a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from toys import write_episode

COMMANDS = ("logs", "play", "record", "train", "export", "serve", "playtest", "replay", "evaluate")
RECIPE = {
    "name": "tiny",
    "sensors": {"rays": {"encoder": "vector", "widths": [8]}},
    "bins": {"turn": {"bins": [-10, -3, 0, 3, 10]}},
    "policy": {"hidden": 8, "memory": 4},
    "split": {"tail": 0.3},
    "loop": {"updates": 3, "batch": 2, "window": 8, "segment": 16, "threads": 1},
}


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `understudy` in a process of its own, with its output wide enough not to wrap."""
    command = [sys.executable, "-m", "understudy.cli.main", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200", "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, cwd=cwd, check=False)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A tiny recipe for the toy recordings."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def test_help_names_every_command() -> None:
    """`understudy --help` lists the commands, and each of them has help of its own."""
    result = run("--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert f" {command} " in result.stdout


def test_the_installed_command_is_this_one() -> None:
    """The package installs a program called `understudy`."""
    from importlib.metadata import entry_points

    (found,) = entry_points(group="console_scripts", name="understudy")
    assert found.value == "understudy.cli.main:run"
    assert callable(found.load())


def test_logs_are_inspected(toy_logs: Path) -> None:
    """`logs inspect` prints a row per recording and the spec they share."""
    result = run("logs", "inspect", toy_logs, "--verify")
    assert (result.returncode, result.stderr) == (0, "")
    for words in ("3 recordings in", "episode-0", "terminated", "Behaviour 'toy', 10 Hz", "sees frame", "does turn"):
        assert words in result.stdout
    assert "ann" not in result.stdout


def test_a_bot_is_trained_and_exported(toy_logs: Path, recipe: Path, tmp_path: Path) -> None:
    """`train` prints how the policy does beside the Markov chain, and `export` makes a bundle with a certificate."""
    trained = run("train", recipe, toy_logs, "--out", tmp_path / "run")
    assert trained.returncode == 0, trained.stderr
    for words in ("Nats per decision", "Markov", "turn", "move", "buttons"):
        assert words in trained.stdout
    assert "Training: 3/3" in trained.stderr
    exported = run("export", tmp_path / "run", tmp_path / "bundle", "--logs", toy_logs)
    assert exported.returncode == 0, exported.stderr
    assert "Bundle 'tiny' in" in exported.stdout
    assert "equal to the network on 80 recorded steps" in exported.stdout
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == ["bundle.json", "parity.npz", "policy.onnx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("logs", "inspect", "nothing"),
            "error: nothing is not there. Record or import some first: understudy logs import --help",
        ),
        (
            ("logs", "import", "--out", "logs"),
            "error: There is nothing to import: name logs or folders of logs, or say --doom-demos.",
        ),
        (("train", "nothing.yaml", "toys", "--out", "run"), "error: The recipe nothing.yaml is not there."),
        (
            ("train", "bad.yaml", "toys", "--out", "run"),
            "error: bad.yaml: unknown key 'loop.batches'. Did you mean 'batch'? Known there: ",
        ),
        (
            ("train", "other.yaml", "toys", "--out", "run"),
            "error: The recipe 'tiny' does not fit its recordings: Behaviour 'toy' has no sensor 'sonar'.",
        ),
        (("export", "nothing", "bundle", "--logs", "toys"), "error: The recipe nothing/recipe.yaml is not there."),
        (("serve", "nothing"), "error: nothing is no bundle: it has no bundle.json."),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """A user's mistake is said in one line on standard error, never as a traceback."""
    write_episode(tmp_path / "toys", steps=40)
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump({**RECIPE, "loop": {"batches": 3}}))
    (tmp_path / "other.yaml").write_text(yaml.safe_dump({**RECIPE, "sensors": {"sonar": {"encoder": "vector"}}}))
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stdout + result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith(message)


def test_an_unknown_command_or_option_has_status_2() -> None:
    """So is what the command line itself does not know."""
    result = run("logs", "inspect", "--frobnicate")
    assert result.returncode == 2
    assert "--frobnicate" in result.stderr
    assert "Traceback" not in result.stderr
