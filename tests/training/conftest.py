"""Torch on one thread, and one set of recordings for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from steering import record_steering

from understudy.recordings import Recordings, open_recordings

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def steering_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four recordings of 200 steps by two players."""
    return record_steering(tmp_path_factory.mktemp("steering"))


@pytest.fixture
def steering(steering_logs: Path) -> Recordings:
    """The same, opened."""
    return open_recordings(steering_logs)
