"""A benchmark of several parts, each in a process of its own, so that one that breaks is a row that says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from _table import Row

BROKEN = "did not run"


def run_part(script: str, name: str, arguments: Sequence[str]) -> list[Row]:
    """Run `script --part NAME`, which prints `to_json` of its rows last; print them as they come, and return them."""
    command = [sys.executable, script, *arguments, "--part", name]
    # Servers and clients are started from processes that hold a gRPC connection; they share nothing with it.
    environment = {**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    rows = [Row(name, None, 0, note=f"{BROKEN}: exit status {done.returncode}")]
    if done.returncode == 0:
        rows = [Row(**form) for form in json.loads(done.stdout.splitlines()[-1])]
    for row in rows:
        print(f"{row.promise}: {row.measured} {row.unit}; {row.note}", flush=True)
    return rows


def to_json(rows: Sequence[Row]) -> str:
    """One line for `run_part`."""
    return json.dumps([asdict(row) for row in rows])


def any_broken(rows: Sequence[Row]) -> bool:
    """Whether a part did not run."""
    return any(row.note.startswith(BROKEN) for row in rows)
