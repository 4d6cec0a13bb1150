"""What the client tests need from the machine: Debian's packages, and the C library built once."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "clients"
BUILD = ROOT / "build" / "clients"
CANNOT_INSTALL = 3


@cache
def require_packages(group: str) -> None:
    """Install a group of `install-debian.sh`, or skip the test where apt or root is missing."""
    script = CLIENTS / "install-debian.sh"
    done = subprocess.run([str(script), group], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode == CANNOT_INSTALL:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr


@cache
def build_library(*, sanitize: bool = False) -> Path:
    """Build `clients/c`, and return the folder with the library and its programs."""
    require_packages("build")
    folder = BUILD / ("c-sanitized" if sanitize else "c")
    options = [f"-DUNDERSTUDY_SANITIZE={'ON' if sanitize else 'OFF'}"]
    run("cmake", "-S", str(CLIENTS / "c"), "-B", str(folder), *options)
    run("cmake", "--build", str(folder), "-j1", timeout=560)
    return folder


def run(*command: str | Path, timeout: float = 280, cwd: Path | None = None) -> str:
    """Run a command to its end, and return what it wrote; fails the test if it fails."""
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, timeout=timeout, check=False, cwd=cwd
    )
    assert done.returncode == 0, (
        f"{command[0]} exited with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    )
    return done.stdout
