from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from test_pytest_plugin import LOADED

from understudy.playtest.oracles.registry import oracle_kinds
from understudy.playtest.spec import PlaytestSpec

PAGE = Path(__file__).parents[2] / "docs" / "playtest.md"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """The page's blocks in a language."""
    return [text for found, text in _BLOCK.findall(PAGE.read_text()) if found == language]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has who wrote every file of the page: a block that begins with a file's name is that file."""
    home = tmp_path_factory.mktemp("reader")
    for text in (*blocks("yaml"), *blocks("python")):
        name = re.match(r"# ([\w./-]+\.\w+)\n", text)
        if name:
            (home / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (home / name[1]).write_text(text)
    with (home / "car.yaml").open("a") as file:
        file.write("replay: {shrink: 0}\n")  # looking for the shortest inputs takes many replays
    return home


def run(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the page."""
    words = line.split("#")[0].split()
    assert words[0] == "understudy"
    command = [sys.executable, "-m", "understudy.cli.main", *words[1:]]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=250)


@pytest.mark.slow
def test_a_reader_gets_from_a_spec_to_a_replay(folder: Path) -> None:
    """The page's spec finds the page's bug, the page's command replays it, and the page's output is what is printed."""
    lines = [line for text in blocks("sh") for line in text.splitlines()]
    played = run(folder, next(line for line in lines if "--out car" in line))
    assert played.returncode == 1, played.stderr
    printed = next(text for text in blocks("") if text.startswith("invariant-1"))
    assert played.stdout == printed
    replayed = run(folder, next(line for line in lines if line.startswith("understudy replay")))
    assert replayed.returncode == 0
    assert (folder / "car" / "index.html").exists()


@pytest.mark.slow
def test_the_test_of_the_page_passes(folder: Path) -> None:
    """The page's pytest test runs the page's spec."""
    command = [sys.executable, "-m", "pytest", *LOADED, "-q", "-W", "error", "test_levels.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stdout


def test_every_spec_on_the_page_is_one() -> None:
    """Each whole spec is read as it stands, and each part of one in place of its own."""
    base = {"game": {"id": "a/B-v0"}, "personas": [{"name": "monkey", "agent": "random"}]}
    for text in blocks("yaml"):
        form = yaml.safe_load(text)
        if set(form) <= {"game", "personas", "budget", "oracles", "coverage", "pass"}:
            PlaytestSpec.model_validate({**base, **form})


def test_the_page_names_every_oracle() -> None:
    """The table has a row for each kind that there is."""
    rows = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert set(oracle_kinds()) <= rows
