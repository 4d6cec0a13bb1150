from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grid_world
import pytest

from understudy.playtest.runner import Results, run_playtest
from understudy.playtest.spec import PlaytestSpec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the grid world's module in it, as a spec has its game beside it."""
    shutil.copy(grid_world.__file__, tmp_path)
    return tmp_path


@pytest.fixture
def play(folder: Path) -> Callable[..., Results]:
    """Run a spec given as its form; each call plays into a new folder."""
    outs = (folder / f"out{index}" for index in range(9))

    def run(form: dict[str, Any], **options: Any) -> Results:
        return run_playtest(PlaytestSpec.model_validate(form), folder, next(outs), **{"workers": 2, **options})

    return run
