from __future__ import annotations

import subprocess
import sys

import pytest

from understudy.envs import GAMES, make
from understudy.errors import GameError


def test_importing_the_room_imports_no_game() -> None:
    """`import understudy.envs` registers the games by name and loads no engine, OpenCV or numba."""
    engines = "{'vizdoom', 'cv2', 'numba', 'torch', 'panda3d'}"
    script = f"import sys, understudy.envs; print(sorted({engines} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.strip() == "[]"


def test_a_wrong_id_is_answered_with_a_close_one() -> None:
    """The message names what was probably meant."""
    assert "understudy/Doom-v0" in GAMES
    with pytest.raises(GameError, match="Did you mean 'understudy/Doom-v0'"):
        make("understudy/Dom-v0")


def test_an_environment_without_a_behavior_is_refused() -> None:
    """Gymnasium's own games do not say what is sensed and done."""
    with pytest.raises(GameError, match=r"'CartPole-v1' has no `behavior`"):
        make("CartPole-v1")


def test_a_made_environment_keeps_its_behavior_and_options() -> None:
    """Nothing is wrapped around the games here, and the options reach them."""
    pytest.importorskip("vizdoom")
    env = make("understudy/Doom-v0", wad="my_way_home.wad", map="MAP01", sensors=["rays"])
    try:
        assert env.behavior.sensor_names == ("rays",)
        assert env.unwrapped is env
        assert env.metadata["render_fps"] == 17.5
    finally:
        env.close()
