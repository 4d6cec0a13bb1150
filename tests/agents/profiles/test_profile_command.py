"""`understudy export --profile`, as a user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plain_bundles import MOVE, TURN, write_plain

from understudy.agents.profiles import check_godot, check_unity


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("profile", "check"), [("unity", check_unity), ("godot", check_godot)])
def test_a_bundle_becomes_a_model(tmp_path: Path, profile: str, check: object) -> None:
    """It writes the model and its certificate, and prints the order of what the game must declare."""
    bundle, out = write_plain(tmp_path / "bundle", (MOVE, TURN)), tmp_path / "bot.onnx"
    result = run("-m", "understudy.cli.main", "export", bundle.folder, out, "--profile", profile)
    assert (result.returncode, result.stderr) == (0, "")
    assert "plays as the bundle on 256 steps of 3 bots" in result.stdout
    assert '"move"' in result.stdout
    assert callable(check)
    check(out)
    assert json.loads((tmp_path / "bot.onnx.json").read_text())["bundle"] == "plain"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "unty"], "error: There is no profile 'unty'. Did you mean 'unity'?"),
        (["--profile", "unity", "--style", "wild"], "error: The bundle 'plain' has no style 'wild'."),
        ([], "error: The parity check needs the recordings the bot was trained on; name them with --logs."),
    ],
)
def test_mistakes_are_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Status 2, one sentence, and no file."""
    bundle = write_plain(tmp_path / "bundle", (MOVE,))
    result = run("-m", "understudy.cli.main", "export", bundle.folder, tmp_path / "bot.onnx", *arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(said)
    assert not (tmp_path / "bot.onnx").exists()


def test_no_torch_is_needed(tmp_path: Path) -> None:
    """A profile is made of a bundle without torch, pygame or a game."""
    bundle = write_plain(tmp_path / "bundle", (MOVE,))
    script = f"""
import sys
from understudy.agents.bundle import Bundle
from understudy.agents.profiles import export_profile
export_profile(Bundle.load({str(bundle.folder)!r}), "godot", {str(tmp_path / "bot.onnx")!r})
assert not {{"torch", "pygame", "vizdoom"}} & set(sys.modules)
"""
    result = run("-c", script)
    assert result.returncode == 0, result.stderr
