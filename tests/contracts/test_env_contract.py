"""Every environment that the project registers keeps the contract of `understudy.envs.testing`."""

from __future__ import annotations

import pytest

from understudy.envs import GAMES, make
from understudy.envs.testing import check_env

PLACES = [
    {"sensors": ("frame", "rays", "depth"), "max_seconds": 3},
    {"wad": "deadly_corridor.wad", "map": "MAP01", "skill": 5, "sensors": ("rays",)},
    {"wad": "freedoom2.wad", "map": "MAP03", "sensors": ("frame",)},
]


@pytest.mark.parametrize("options", PLACES)
def test_doom_keeps_the_contract(options: dict) -> None:
    """Spaces, ranges, seeds, ends and closing are as promised, with every sensor and on maps of both kinds."""
    pytest.importorskip("vizdoom")
    check_env(lambda: make("understudy/Doom-v0", **options), steps=100)


def test_parkland_keeps_the_contract() -> None:
    """Spaces, ranges, seeds, ends and closing are as promised, in a park with bugs and with every sensor."""
    pytest.importorskip("panda3d")
    build = {"seed": 2, "bugs": ["hole", "soft_lock", "broken_quest"]}
    options = {"build": build, "size": (48, 64), "sensors": ("frame", "rays"), "max_seconds": 3}
    check_env(lambda: make("understudy/Parkland-v0", **options), steps=50)


def test_no_game_is_left_out() -> None:
    """A game that is registered later gets a contract test of its own: here, or with what it needs, as windows do."""
    assert set(GAMES) == {"understudy/Doom-v0", "understudy/Parkland-v0", "understudy/Window-v0"}
