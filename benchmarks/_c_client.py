"""The C library's latency tool: a client that costs little, as an engine's does."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "clients" / "c"


@cache
def build_tool() -> Path | str:
    """Return the tool, built if need be, or why it cannot be."""
    if shutil.which("cmake") is None:
        return "needs cmake and libgrpc++-dev: clients/install-debian.sh build"
    for command in (["cmake", "-S", str(ROOT / "clients" / "c"), "-B", str(BUILD)], ["cmake", "--build", str(BUILD)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"the C client could not be built: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
    return BUILD / "latency"


def measure_ticks(address: str, bots: int, ticks: int, in_flight: int = 1) -> dict[str, Any]:
    """Let the tool play and return what it prints: decisions_per_s, p50_us, p99_us and more."""
    tool = build_tool()
    assert isinstance(tool, Path), tool
    command = [str(tool), address, "--bots", str(bots), "--ticks", str(ticks), "--in-flight", str(in_flight)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found
