"""Replays a ViZDoom demo in a process of its own and yields each tic: what was seen, what was done, what it earned."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from understudy.envs.doom.replay import read_exactly
from understudy.errors import RecordingError

RECORD = struct.Struct("<i?d")
"""The tic, or -1 after the last, whether the player then was dead, and the reward; the arrays of the tic follow."""


@dataclass(frozen=True)
class Part:
    """Whose part of which demo is replayed, and how.

    Attributes:
        demo: The file.
        player: The number of the player, from 1; 0 for the one who recorded it.
        game: The file of the game, an IWAD.
        scenario: The file that is added to it, or an empty text.
        map_name: Of the demo.
        skill: From 1 to 5.
        buttons: Names of ViZDoom's buttons.
        variables: Names of ViZDoom's game variables.
        rewards: ViZDoom's reward settings.
        resolution: Name of ViZDoom's screen resolution.
        draws_hud: Whether the status bar is drawn.
        arguments: More of the engine's arguments.
    """

    demo: str
    player: int
    game: str
    scenario: str
    map_name: str
    skill: int
    buttons: tuple[str, ...]
    variables: tuple[str, ...]
    rewards: Mapping[str, float]
    resolution: str
    draws_hud: bool = False
    arguments: tuple[str, ...] = field(default_factory=tuple)

    @classmethod
    def from_json(cls, text: str) -> Part:
        """Rebuild from the JSON form."""
        return cls(**json.loads(text))

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """Height, width and 3."""
        width, height = self.resolution.removeprefix("RES_").split("X")
        return int(height), int(width), 3


@dataclass(frozen=True)
class Tic:
    """One tic: its number, what was seen before it, what was done in it, and what that earned.

    Attributes:
        number: The engine's count.
        picture: uint8 RGB, shape (height, width, 3).
        variables: float64, in the order asked for.
        buttons: float64, in the order asked for.
        reward: What followed.
    """

    number: int
    picture: np.ndarray
    variables: np.ndarray
    buttons: np.ndarray
    reward: float


Replay: TypeAlias = Generator[Tic, None, bool]


def replay_tics(part: Part, *, timeout_s: float = 60.0) -> Replay:
    """Yield every tic; return whether the player was dead at the end. Close the iterator to end the process.

    Raises:
        RecordingError: If the engine stops before the demo's end, or shows no tic for `timeout_s` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="understudy-replay-") as folder, _worker(part, Path(folder)) as process:
        before = -1
        while True:
            deadline = time.monotonic() + timeout_s
            head = read_exactly(process, RECORD.size, deadline)
            if len(head) != RECORD.size:
                raise RecordingError(_what_happened(process, part, before, deadline, Path(folder)))
            number, is_dead, reward = RECORD.unpack(head)
            if number < 0:
                return bool(is_dead)
            tic = _read_tic(process, part, number, reward, deadline)
            if tic is None or number <= before:
                raise RecordingError(_what_happened(process, part, before, deadline, Path(folder)))
            yield tic
            before = number


def _read_tic(process: subprocess.Popen[bytes], part: Part, number: int, reward: float, deadline: float) -> Tic | None:
    sizes = [8 * len(part.variables), 8 * len(part.buttons), int(np.prod(part.picture_shape))]
    data = read_exactly(process, sum(sizes), deadline)
    if len(data) != sum(sizes):
        return None
    variables = np.frombuffer(data, np.float64, len(part.variables))
    buttons = np.frombuffer(data, np.float64, len(part.buttons), offset=sizes[0])
    picture = np.frombuffer(data, np.uint8, offset=sizes[0] + sizes[1]).reshape(part.picture_shape)
    return Tic(number, picture, variables, buttons, reward)


@contextmanager
def _worker(part: Part, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the worker and its engine in `folder`, as a group that ends together."""
    command = [sys.executable, "-m", "understudy.envs.vizdoom.replay_worker", json.dumps(asdict(part))]
    with (folder / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _what_happened(process: subprocess.Popen[bytes], part: Part, before: int, deadline: float, folder: Path) -> str:
    """Say in one sentence why no tic came, with the last words of the engine."""
    how = "showed nothing" if time.monotonic() >= deadline else f"ended with status {process.wait()}"
    words = [line.strip() for line in (folder / "engine.log").read_text(errors="replace").split("\n") if line.strip()]
    when = f"after tic {before}" if before >= 0 else "before the first tic"
    return (
        f"ViZDoom {how} {when} of {Path(part.demo).name}; its last words: {words[-1] if words else 'none'!r}. Check "
        "that the WAD and the configuration are those it was recorded with."
    )
