"""Promise: looking at a window costs hardly more than the bare screenshot, and decisions come in time."""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import mss
import numpy as np
from _table import Row, interleaved, report

from understudy.envs.window.desk import Place
from understudy.envs.window.env import WindowEnv
from understudy.envs.window.eyes import Eyes
from understudy.envs.window.process import start_server

GAME = Path(__file__).parents[1] / "examples/window/chocolate-doom.yaml"
SCREEN, PLACE = (1280, 720), Place(100, 50, 640, 480)
ROUNDS, SECONDS = 200, 15


def rows() -> list[Row]:
    """Take pictures of a part of the screen both ways in turn; then play a game at 10 and at 30 decisions a second."""
    server, name = start_server(*SCREEN)
    os.environ["DISPLAY"] = name
    try:
        return [*_capture(name), *(row for hz in (10, 30) for row in _play(hz))]
    finally:
        server.close()


def _capture(name: str) -> list[Row]:
    eyes, screen = Eyes(name), mss.MSS(display=name)
    area = {"left": PLACE.left, "top": PLACE.top, "width": PLACE.width, "height": PLACE.height}
    ours, bare = interleaved(lambda: eyes.look(PLACE), lambda: np.asarray(screen.grab(area)), ROUNDS)
    eyes.close()
    screen.close()
    note = f"{PLACE.width}×{PLACE.height} of an Xvfb of {SCREEN[0]}×{SCREEN[1]}, medians of {ROUNDS}"
    return [
        Row(
            "a window's RGB picture, beside mss's bare BGRA", (ours - bare) * 1e3, 2, "ms more", at_most=True, note=note
        ),
        Row("a window's RGB picture", ours * 1e3, 5, "ms", at_most=True, note=note),
    ]


def _play(hz: int) -> list[Row]:
    env = WindowEnv(GAME, decision_hz=hz, max_seconds=10 * SECONDS)
    try:
        env.reset(seed=0)
        env.action_space.seed(0)
        work, begun = [], time.monotonic()
        for _ in range(SECONDS * hz):
            cpu = time.process_time()
            info = env.step({**env.action_space.sample(), "use": np.int64(0)})[4]
            work.append(time.process_time() - cpu)
        seconds = time.monotonic() - begun
    finally:
        env.close()
    note = f"chocolate-doom, {SECONDS} s of random play, two cores"
    return [
        Row(f"decisions a second, asked for {hz}", SECONDS * hz / seconds, 0.98 * hz, "1/s", note=note),
        Row(f"late decisions at {hz} a second", 100 * info["late"] / (SECONDS * hz), 1, "%", at_most=True, note=note),
        Row(
            f"processor time of a decision at {hz} a second",
            statistics.median(work) * 1e3,
            15,
            "ms",
            at_most=True,
            note=note,
        ),
    ]


if __name__ == "__main__":
    sys.exit(not report("window", rows()))
