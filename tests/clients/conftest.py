from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from client_builds import build_library
from served_bots import Served, serve
from steering_bundle import make_steering_bundle


@pytest.fixture(scope="session")
def library() -> Path:
    """The folder with libunderstudy.so and its programs."""
    return build_library()


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The steering bundle."""
    return make_steering_bundle(tmp_path_factory.mktemp("bundles") / "walker").folder


@pytest.fixture(scope="session")
def served(bundle_folder: Path) -> Iterator[Served]:
    """A server of the steering bundle that no test stops."""
    with serve(bundle_folder) as running:
        yield running
