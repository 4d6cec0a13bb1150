"""A process of its own that replays one demo in the GPL engine and writes its pictures to standard output.

Started by `understudy.envs.doom.replay`, never imported: the engine plays one game per process and does not return.
Standard output carries records of a `RECORD` header (tics run, bytes that follow) and a picture; the last record is an
empty one. What the engine prints goes to standard error.
"""

from __future__ import annotations

import argparse
import os
import signal
from typing import BinaryIO

import cydoomgeneric as engine
import numpy as np

from understudy.envs.doom.protocol import PICTURE_SHAPE, RECORD

_CLOCK_STEP_MS = 100_000
"""The clock jumps, so that the melting of one screen into the next is over at once."""


class Player:
    """The engine's callbacks: counts tics and writes the picture that each wanted tic ended with.

    Args:
        out: Where records go.
        num_tics: Of the demo.
        every: A picture is wanted after each so many tics, and after the last one.
        stall_s: Seconds of processor time without a tic after which the kernel ends this process: the engine ends a
            demo, and meets an error, in an endless loop.
    """

    def __init__(self, out: BinaryIO, num_tics: int, every: int, stall_s: float) -> None:
        self._out = out
        self._num_tics = num_tics
        self._every = every
        self._stall_s = stall_s
        self._tics = 0
        self._clock_ms = 0
        self._picture = b""

    def poll_key(self) -> None:
        """Called once before each tic: the picture drawn last shows the world after all the tics before."""
        signal.setitimer(signal.ITIMER_PROF, self._stall_s)
        if self._picture:
            self._write(self._picture)
            self._picture = b""
        if self._tics == self._num_tics:
            self._write(b"")
            os._exit(0)
        self._tics += 1

    def draw(self, pixels: np.ndarray) -> None:
        """Keep the picture, uint8 (200, 320, 4) in BGRX; a melting screen is drawn several times in one tic."""
        if self._tics % self._every == 0 or self._tics == self._num_tics:
            self._picture = pixels[..., 2::-1].tobytes()

    def clock_ms(self) -> int:
        """Return milliseconds that only ever jump."""
        self._clock_ms += _CLOCK_STEP_MS
        return self._clock_ms

    def _write(self, payload: bytes) -> None:
        try:
            self._out.write(RECORD.pack(self._tics, len(payload)) + payload)
            self._out.flush()
        except OSError:
            # Nobody reads any more; an exception would be swallowed by the engine's C code.
            os._exit(1)


def main() -> None:
    """Replay the demo named on the command line; ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("iwad")
    parser.add_argument("demo", help="path of the .lmp file, without its suffix")
    parser.add_argument("tics", type=int)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--stall-s", type=float, default=10.0)
    args = parser.parse_args()

    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # The parent ends this process; Python's own handler would only print into the engine's C code.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_PROF, args.stall_s)

    player = Player(out, args.tics, args.every, args.stall_s)
    height, width, _ = PICTURE_SHAPE
    engine.init(width, height, player.draw, player.poll_key, lambda _ms: None, player.clock_ms, lambda _title: None)
    engine.main(["doom", "-iwad", args.iwad, "-timedemo", args.demo])


if __name__ == "__main__":
    main()
