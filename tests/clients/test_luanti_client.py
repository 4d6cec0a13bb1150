"""The Luanti mod: entities on a real server, without a player, played by a served bot."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from client_builds import CLIENTS, require_packages
from served_bots import Served, trajectories

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SERVER = Path("/usr/games/minetestserver")
FIRST_BAFFLE = 8
SETTINGS = """
secure.trusted_mods = understudy
understudy_address = {address}
understudy_library = {library}
understudy_patience_ms = 10000
corridor_ticks = 80
corridor_blind = 2
dedicated_server_step = 0.02
server_announce = false
bind_address = 127.0.0.1
"""
WORLD = """gameid = corridor
backend = dummy
player_backend = sqlite3
auth_backend = sqlite3
mod_storage_backend = sqlite3
load_mod_understudy = true
"""


def set_up(home: Path, served: Served, library: Path) -> list[str]:
    """Lay out the game, the world and the settings under `home`; returns the server's command."""
    world = home / "world"
    mod = world / "worldmods" / "understudy"
    shutil.copytree(CLIENTS / "luanti/example", home / "games/corridor")
    shutil.copytree(CLIENTS / "luanti/understudy", mod)
    shutil.copy(CLIENTS / "lua/understudy.lua", mod)
    (world / "world.mt").write_text(WORLD)
    (world / "map_meta.txt").write_text("mg_name = singlenode\n[end_of_params]\n")
    settings = SETTINGS.format(address=served.address, library=library / "libunderstudy.so")
    (home / "minetest.conf").write_text(settings)
    options = ["--gameid", "corridor", "--config", str(home / "minetest.conf"), "--port", str(free_udp_port())]
    return [str(SERVER), "--world", str(world), *options]


def free_udp_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_entity_in_luanti_acts_on_what_it_sees(library: Path, served: Served, tmp_path: Path) -> None:
    """Of four walkers in one corridor the two that see pass both baffles; the two blinded ones stop at a wall."""
    require_packages("luanti")
    command = set_up(tmp_path, served, library)
    environment = os.environ | {"HOME": str(tmp_path), "MINETEST_SUBGAME_PATH": str(tmp_path / "games")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    paths = trajectories(done.stdout)

    assert list(paths) == [1, 2, 3, 4], done.stdout[-4000:] + done.stderr[-4000:]
    assert all(paths[bot][:, 1].max() > 20 for bot in (1, 2))
    assert all(paths[bot][:, 1].max() < FIRST_BAFFLE for bot in (3, 4))
