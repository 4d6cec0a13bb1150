"""A real `understudy serve` in a process of its own, and what the examples print of their bots."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Served:
    """A running server.

    Attributes:
        process: Its process, to stop or to kill.
        address: `host:port` of gRPC.
        web: `host:port` of the web port; empty if it has none.
    """

    process: subprocess.Popen[str]
    address: str
    web: str


@contextmanager
def serve(folder: Path, *options: str) -> Iterator[Served]:
    """Serve the bundle in `folder` on free ports while the `with` block runs."""
    command = [sys.executable, "-m", "understudy.cli.main", "serve", str(folder), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            greeting = "".join(iter(process.stdout.readline, "Ctrl-C stops.\n"))
            found = re.match(r"Understudy plays at (\S+)\n(?:web: (\S+)\n)?", greeting)
            assert found, greeting
            yield Served(process, found[1], found[2] or "")
        finally:
            process.kill()


def trajectories(printed: str) -> dict[int, np.ndarray]:
    """Return each bot's rows of `tick bot x y heading late` without the bot, float64 of shape (ticks, 5), by bot."""
    rows = np.array([line.split() for line in printed.splitlines() if re.match(r"\d+ \d+ ", line)], np.float64)
    return {int(bot): np.delete(rows[rows[:, 1] == bot], 1, axis=1) for bot in np.unique(rows[:, 1])}
