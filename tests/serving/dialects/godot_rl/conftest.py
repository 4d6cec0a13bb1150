from __future__ import annotations

import pytest
from godot_bundles import make_godot_bundle

from understudy.agents.bundle import Bundle


@pytest.fixture(scope="session")
def godot_bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """Two bundles of one behaviour."""
    folder = tmp_path_factory.mktemp("godot")
    return [make_godot_bundle(folder / name, name, seed) for seed, name in enumerate(("rusher", "camper"))]
