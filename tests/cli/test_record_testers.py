"""`understudy record --agent tester:...`, on the real park."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("panda3d", reason="the package 'panda3d' is not installed")

from test_cli import run

from understudy.recordings import open_recordings

ARGS = json.dumps({"seed": 1, "size": 16, "max_seconds": 3})
COMMAND = ("record", "understudy/Parkland-v0", "--episodes", 2, "--args", ARGS)


def test_a_tester_shows_its_preference(tmp_path: Path) -> None:
    """Its recordings name the preference as their persona, and keep where it truly was, which it leaves."""
    result = run(*COMMAND, "--agent", "tester:golden_path", "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    episodes = open_recordings(tmp_path)
    assert [each.provenance.notes["persona"] for each in episodes] == ["golden_path"] * 2
    walks = [each.extra("position") for each in episodes]
    assert all(walk.shape == (30, 3) and np.linalg.norm(walk[-1] - walk[0]) > 1.0 for walk in walks)
    assert not np.array_equal(*walks)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--agent", "tester:golden_pth"), "Did you mean 'golden_path'"),
        (("--agent", "randm"), "Did you mean 'random'"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    """A preference or an agent that is not there ends with status 2 and a suggestion."""
    result = run(*COMMAND, *options, "--out", tmp_path)
    assert result.returncode == 2
    assert words in result.stderr
