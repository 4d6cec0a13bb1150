from __future__ import annotations

from collections.abc import Iterator

import pytest
import tritonclient.grpc as triton
from oip_server import OipServer

from understudy.agents.bundle import Bundle


@pytest.fixture(scope="session")
def oip(bundles: list[Bundle]) -> Iterator[OipServer]:
    """A server of both bundles that speaks this dialect, with the limits that tests run into."""
    with OipServer(bundles, max_sequences=50, max_bots=120, max_rows=64) as server:
        yield server


@pytest.fixture
def client(oip: OipServer) -> Iterator[triton.InferenceServerClient]:
    """Triton's own client."""
    with triton.InferenceServerClient(oip.address) as client:
        yield client
