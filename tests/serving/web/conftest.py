from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from web_server import Running, WebClient, serve_web

from understudy.agents.bundle import Bundle


@pytest.fixture(scope="module")
def running(bundles: list[Bundle]) -> Iterator[Running]:
    """A web port for both bundles, which allows 100 bots a session."""
    with serve_web(bundles) as running:
        yield running


@pytest.fixture
def web(running: Running) -> Iterator[WebClient]:
    """A client of that port."""
    with WebClient(running.url) as client:
        yield client


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """A client of any address, that adds nothing to what it is told to send."""
    with httpx.Client(timeout=30, verify=False) as client:
        yield client
