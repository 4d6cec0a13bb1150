"""The Python that has the real d3rlpy and imitation, in a virtual environment of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

PYTHON = Path(__file__).parents[3] / ".venv-offline" / "bin" / "python"
SCRIPT = Path(__file__).with_name("offline_peers.py")

needs_peers = pytest.mark.skipif(
    not PYTHON.exists(), reason="There is no .venv-offline; run benchmarks/peers/setup-offline.sh"
)


def ask(what: str, *arguments: object) -> Any:
    """Run a function of `offline_peers` there and return its answer."""
    command = [str(PYTHON), str(SCRIPT), what, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])
