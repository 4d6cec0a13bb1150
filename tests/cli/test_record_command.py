"""`understudy record`, on the real game."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("vizdoom", reason="the package 'vizdoom' is not installed")

from test_cli import run

from understudy.recordings import open_recordings

ARGS = json.dumps({"map": "E1M1", "sensors": ["rays"], "max_seconds": 2})


def test_episodes_are_recorded_once(tmp_path: Path) -> None:
    """Each seed gives a whole recording; a second run keeps what is there and adds what is missing."""
    command = ("record", "understudy/Doom-v0", "--out", tmp_path, "--args", ARGS)
    assert run(*command, "--episodes", 1).returncode == 0
    first = open_recordings(tmp_path)[0]
    before = first.path.stat().st_mtime_ns
    assert run(*command, "--episodes", 2).returncode == 0
    recordings = open_recordings(tmp_path)
    assert [each.provenance.seed for each in recordings] == [0, 1]
    assert all(each.complete and each.truncated and each.num_steps == 35 for each in recordings)
    assert first.path.stat().st_mtime_ns == before
    assert recordings.behavior.sensor_names == ("rays",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("understudy/Dom-v0",), "Did you mean 'understudy/Doom-v0'"),
        (("understudy/Doom-v0", "--args", "{map}"), "--args is not JSON"),
        (("understudy/Doom-v0", "--args", '["E1M1"]'), "should be a JSON object"),
        (("understudy/Doom-v0", "--args", '{"map": "E1M6"}'), "'rays'"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    """An unknown game, arguments that are not JSON, and a player who lacks its sensor end with status 2."""
    result = run("record", *options, "--out", tmp_path / "logs")
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
