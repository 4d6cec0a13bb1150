"""Replays a demo in the vanilla engine, in a process of its own, and yields what the player saw.

Picture `t` is the one drawn after `t` tics have run: what was on the screen when the command of tic `t` (counted from
0) was given. The tests hold this: the view starts to turn in picture `t + 1` if the first turn is in tic `t`.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import numpy as np

from understudy.envs.doom.lmp import Demo
from understudy.envs.doom.protocol import FIRST_DRAWN_TIC, PICTURE_SHAPE, RECORD
from understudy.errors import MissingExtraError, RecordingError

Replay: TypeAlias = Generator[tuple[int, np.ndarray], None, None]

_PICTURE_BYTES = int(np.prod(PICTURE_SHAPE))


def replay_pictures(
    iwad: Path | str, demo: Demo, *, every: int = 1, stall_s: float = 10.0, timeout_s: float = 120.0
) -> Replay:
    """Yield (tics run, picture) after each `every` tics from tic 2 on, and after the last tic.

    The picture is uint8, shape (200, 320, 3), RGB, with the status bar, through the eyes of `demo.viewer`. The engine
    draws nothing before two tics have run. Close the iterator, or exhaust it, to end the process.

    Args:
        iwad: The very game file the demo was recorded on; on another one it runs out of step without notice, as may a
            demo of a version before 109: the engine plays every demo by the rules of 1.9.
        demo: At least two tics.
        every: Tics from one wanted picture to the next.
        stall_s: Seconds of processor time without a tic after which the engine counts as stuck.
        timeout_s: Seconds of wall clock without a picture after which the process is ended.

    Raises:
        MissingExtraError: If the engine is not installed.
        RecordingError: If the demo is too short, or the engine stops, stalls or leaves out a tic.
    """
    _require_engine()
    if demo.num_tics < FIRST_DRAWN_TIC:
        raise RecordingError(f"{demo.source} has {demo.num_tics} tics; it needs {FIRST_DRAWN_TIC} for a first picture.")
    with _temporary_folder() as folder, _worker(folder, Path(iwad).resolve(), demo, every, stall_s) as process:
        for expected in _wanted_tics(demo.num_tics, every):
            yield expected, _read_picture(process, demo, expected, timeout_s, folder)


def _wanted_tics(num_tics: int, every: int) -> list[int]:
    wanted = {tic for tic in range(every, num_tics + 1, every) if tic >= FIRST_DRAWN_TIC} | {num_tics}
    return sorted(wanted)


def _require_engine() -> None:
    # Looked for, not imported: the engine is GPL-2 and must not be loaded into this process.
    if importlib.util.find_spec("cydoomgeneric") is None:
        raise MissingExtraError(
            "Replaying Doom demos needs the package 'cydoomgeneric', which is not installed. "
            "Run: pip install 'understudy[doom]'"
        )


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="understudy-replay-") as folder:
        yield Path(folder)


@contextmanager
def _worker(folder: Path, iwad: Path, demo: Demo, every: int, stall_s: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker in `folder`, where it also leaves its log, its settings and its saved games."""
    lump = folder / "replay"
    lump.with_suffix(".lmp").write_bytes(demo.to_bytes())
    module = "understudy.envs.doom.replay_worker"
    options = ["--every", str(every), "--stall-s", str(stall_s)]
    command = [sys.executable, "-m", module, str(iwad), str(lump), str(demo.num_tics), *options]
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _read_picture(
    process: subprocess.Popen[bytes], demo: Demo, expected: int, timeout_s: float, folder: Path
) -> np.ndarray:
    deadline = time.monotonic() + timeout_s
    head = read_exactly(process, RECORD.size, deadline)
    tic, size = RECORD.unpack(head) if len(head) == RECORD.size else (0, 0)
    if len(head) == RECORD.size and (tic, size) != (expected, _PICTURE_BYTES):
        raise RecordingError(
            f"The engine drew {size} bytes after tic {tic} of {demo.source}, where the {_PICTURE_BYTES} bytes of tic "
            f"{expected} of {demo.num_tics} were due; it left out a tic, so the demo cannot be imported."
        )
    payload = read_exactly(process, size, deadline)
    if not payload or len(payload) != size:
        raise RecordingError(_what_happened(process, demo, expected, time.monotonic() >= deadline, folder))
    return np.frombuffer(payload, np.uint8).reshape(PICTURE_SHAPE)


def read_exactly(process: subprocess.Popen[bytes], size: int, deadline: float) -> bytearray:
    """Return `size` bytes, or fewer if the process ended or the deadline passed."""
    assert process.stdout is not None
    data = bytearray()
    file = process.stdout.fileno()
    while len(data) < size:
        ready, _, _ = select.select([file], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(file, size - len(data)) if ready else b""
        if not chunk:
            break
        data += chunk
    return data


def _what_happened(process: subprocess.Popen[bytes], demo: Demo, expected: int, late: bool, folder: Path) -> str:
    """Say in one sentence why no picture came, with the last words of the engine."""
    if late:
        how = "sent no picture in time"
    elif process.wait() == -signal.SIGPROF:
        how = "got stuck"
    else:
        how = f"ended with status {process.returncode}"
    lines = (folder / "engine.log").read_text(errors="replace").split("\n")
    words = [line.strip() for line in lines if line.strip()]
    return (
        f"The engine {how} before tic {expected} of {demo.num_tics} of {demo.source}; its last words: "
        f"{words[-1] if words else 'none'!r}. Check that the WAD is the one the demo was recorded on."
    )
