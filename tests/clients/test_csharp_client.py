"""The C# binding, compiled and run with Mono."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from client_builds import BUILD, CLIENTS, require_packages, run
from served_bots import Served, trajectories

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

FIRST_BAFFLE = 8


@pytest.fixture(scope="module")
def corridor() -> Path:
    """The compiled example."""
    require_packages("csharp")
    program = BUILD / "csharp" / "corridor.exe"
    program.parent.mkdir(parents=True, exist_ok=True)
    sources = (CLIENTS / "csharp/Understudy.cs", CLIENTS / "csharp/example/Corridor.cs")
    run("mcs", "-langversion:6", "-warnaserror", *sources, f"-out:{program}")
    return program


def play(corridor: Path, library: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example to its end."""
    environment = os.environ | {"LD_LIBRARY_PATH": str(library)}
    command = ["mono", str(corridor), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def test_a_bot_in_csharp_acts_on_what_it_sees(corridor: Path, library: Path, served: Served) -> None:
    """Three seeing bots pass both baffles and walk just as those of the C program; blinded, none passes the first."""
    seeing, blind = (
        trajectories(play(corridor, library, served.address, *options).stdout) for options in ((), ("--blind",))
    )
    in_c = trajectories(run(library / "play", served.address, "--bots", "3", "--ticks", "100"))

    assert list(seeing) == list(blind) == [0, 1, 2]
    assert all(path[:, 1].max() > 20 for path in seeing.values())
    assert all(path[:, 1].max() < FIRST_BAFFLE for path in blind.values())
    assert all(np.allclose(path, in_c[bot], atol=2e-3) for bot, path in seeing.items())


def test_a_failure_is_an_exception_with_one_sentence(corridor: Path, library: Path) -> None:
    """An address that is none ends the program with what the library said."""
    done = play(corridor, library, "")
    assert done.returncode == 1
    assert done.stderr.startswith("A server's address is needed")
