"""The LuaJIT binding, and its example in LÖVE, without a display."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from client_builds import CLIENTS, require_packages, run
from served_bots import Served, trajectories

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

FIRST_BAFFLE = 8


def play(library: Path, address: str, *, blind: bool) -> dict[int, np.ndarray]:
    """Run the example for 100 decisions, and return each bot's rows of tick, x, y, heading, late."""
    require_packages("love")
    environment = os.environ | {
        "SDL_VIDEODRIVER": "dummy",
        "UNDERSTUDY_LIBRARY": str(library / "libunderstudy.so"),
        "UNDERSTUDY_ADDRESS": address,
        "UNDERSTUDY_TICKS": "100",
        "UNDERSTUDY_BLIND": str(int(blind)),
    }
    command = ["love", str(CLIENTS / "love/example")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return trajectories(done.stdout)


def test_a_bot_in_love_acts_on_what_it_sees(library: Path, served: Served) -> None:
    """In Box2D three seeing bots pass both baffles; blinded, each stops at the first wall it meets."""
    seeing = play(library, served.address, blind=False)
    blind = play(library, served.address, blind=True)

    assert list(seeing) == list(blind) == [1, 2, 3]
    assert all(path[:, 1].max() > 20 for path in seeing.values())
    assert all(path[:, 1].max() < FIRST_BAFFLE for path in blind.values())
    assert not any(path[:, 4].any() for path in (*seeing.values(), *blind.values()))


def test_every_promise_of_the_binding_holds(library: Path, served: Served) -> None:
    """Styles, saved states, take-over, ticks in flight, mistakes and a refusal, from Lua."""
    require_packages("love")
    environment = os.environ | {
        "SDL_VIDEODRIVER": "dummy",
        "UNDERSTUDY_LIBRARY": str(library / "libunderstudy.so"),
        "UNDERSTUDY_ADDRESS": served.address,
    }
    command = ["love", str(CLIENTS / "lua/test")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert (done.returncode, done.stdout) == (0, "Every promise holds.\n"), done.stdout + done.stderr


def test_the_lua_declarations_are_the_header() -> None:
    """What the binding tells the FFI is what the C header declares."""
    require_packages("build")
    header = run("gcc", "-E", "-P", "-x", "c", CLIENTS / "c/include/understudy.h")
    binding = (CLIENTS / "lua/understudy.lua").read_text()
    declared = re.search(r"DECLARATIONS = \[\[(.*?)\]\]", binding, re.DOTALL)

    assert declared
    assert declared[1].split() == header[header.index("typedef struct us_client") :].split()
