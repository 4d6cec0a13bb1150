"""The suite that users run on a server."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mlagents_arena import SERVER_SEED, make_walker, serve_games

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.mlagents.testing import check_server, main


def test_our_server_conforms(games_address: str, walkers: list[Bundle]) -> None:
    """A server that plays ML-Agents games keeps every promise of the suite."""
    assert check_server(games_address, walkers[1], seed=SERVER_SEED) > 60


def test_the_suite_sees_another_bundle(games_address: str, walkers: list[Bundle]) -> None:
    """If the server plays another bundle than it should, the suite says whose action is wrong."""
    with pytest.raises(AssertionError, match=r"promise: agent \d of 'Runner' was told .* and the bundle does"):
        check_server(games_address, walkers[0], behavior="Runner", seed=SERVER_SEED)


def test_the_suite_sees_other_seeds(games_address: str, walkers: list[Bundle]) -> None:
    """If a bot's noise does not come from its agent's id and the server's seed, the suite says so."""
    with pytest.raises(AssertionError, match="was told"):
        check_server(games_address, walkers[0], seed=SERVER_SEED + 1)


def test_the_command_tells_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The suite as a command exits with 0, 1 or 2, and says why in one line."""
    caplog.set_level(logging.CRITICAL)
    played, other = make_walker(tmp_path / "a", "Same", 0), make_walker(tmp_path / "b", "Same", 1)
    with serve_games([played]) as address:
        assert main([address, str(other.folder)]) == 1
        assert main([address, str(tmp_path)]) == 2
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: ")
    assert printed.err.startswith("The server breaks its promise: agent ")
    assert "\nerror: " in printed.err
