from __future__ import annotations

from collections.abc import Iterator

import pytest
from arena import make_bundle

from understudy.agents.bundle import Bundle
from understudy.serving.client import Client
from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """Two bundles of one behaviour."""
    folder = tmp_path_factory.mktemp("bundles")
    return [make_bundle(folder / name, name, seed) for seed, name in enumerate(("rusher", "camper"))]


@pytest.fixture(scope="session")
def address(bundles: list[Bundle]) -> Iterator[str]:
    """A server of both bundles that allows 100 bots a stream and messages of 1 MiB."""
    options = ServerOptions(port=0, max_bots=100, max_message_bytes=1 << 20)
    with serve_in_thread(bundles, options) as where:
        yield where


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """A client of that server."""
    with Client(address) as client:
        yield client
