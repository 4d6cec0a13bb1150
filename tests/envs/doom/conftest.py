"""Real demos for the tests: the Freedoom WADs of the vizdoom wheel, and a short piece of one demo."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.sources import find_demo_wads
from understudy.envs.doom.wad import Wad

SHORT_TICS = 71


@pytest.fixture(scope="session")
def wads() -> dict[str, Wad]:
    """Freedoom's two games, by the stem of their file names."""
    if importlib.util.find_spec("vizdoom") is None:
        pytest.skip("the package 'vizdoom', which holds the Freedoom WADs, is not installed")
    return {path.stem: Wad.open(path) for path in find_demo_wads()}


@pytest.fixture(scope="session")
def replayer() -> None:
    """Skips a test where the vanilla engine is missing."""
    if importlib.util.find_spec("cydoomgeneric") is None:
        pytest.skip("the package 'cydoomgeneric', which replays demos, is not installed")


@pytest.fixture(scope="session")
def short_demo(wads: dict[str, Wad]) -> Demo:
    """The first two seconds of Freedoom 2's DEMO4, two players; the player moves first in tic 28, by turning."""
    wad = wads["freedoom2"]
    whole = Demo.parse(wad.read("DEMO4"), "freedoom2.wad:DEMO4")
    return Demo(whole.header, whole.tics[:SHORT_TICS], b"", "short")


@pytest.fixture
def short_file(short_demo: Demo, tmp_path: Path) -> Path:
    """The short demo as a file."""
    path = tmp_path / "short.lmp"
    path.write_bytes(short_demo.to_bytes())
    return path
