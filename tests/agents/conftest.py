"""Torch on one thread, and one bundle for all tests that only play it."""

from __future__ import annotations

import pytest
import torch
from small_policies import make_graph, make_policy, save_bundle

from understudy.agents.bundle import Bundle

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of a recurrent pixel policy with random weights."""
    return save_bundle(tmp_path_factory.mktemp("bundles") / "small", make_graph(make_policy()))
