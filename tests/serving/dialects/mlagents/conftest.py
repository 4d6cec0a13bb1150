from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlagents_arena import make_walker, serve_games

from understudy.agents.bundle import Bundle
from understudy.serving.dialects.mlagents.unity import UnitySide


@pytest.fixture(scope="session")
def walkers(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """Two bundles of one behaviour."""
    folder = tmp_path_factory.mktemp("walkers")
    return [make_walker(folder / name, name, seed) for seed, name in enumerate(("Walker", "Runner"))]


@pytest.fixture(scope="session")
def games_address(walkers: list[Bundle]) -> Iterator[str]:
    """A server of both bundles that allows 100 agents a behaviour and messages of 1 MiB."""
    with serve_games(walkers) as where:
        yield where


@pytest.fixture
def game(games_address: str) -> Iterator[UnitySide]:
    """A connected game."""
    with UnitySide(games_address) as side:
        side.connect()
        yield side
