"""The parent's handle on the process of one run: start it, read what it reports with a time limit, kill all of it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from types import TracebackType

from understudy.playtest.run.job import Job
from understudy.playtest.run.ring import Ring, make_ring_file

_LOG_TAIL = 2000
_LEAST_PAUSE_S, _MOST_PAUSE_S = 0.001, 0.02


class Child:
    """A running `understudy.playtest.run.worker`.

    The child leads a session of its own: a Ctrl-C at the terminal does not reach it, and whatever the game started is
    killed with it. It ends itself when its standard input does, so that it never outlives this process. All that the
    game prints goes to `log`, which is deleted if it stays empty.
    """

    def __init__(self, job: Job) -> None:
        self.log = job.log
        self.log.parent.mkdir(parents=True, exist_ok=True)
        shared = make_ring_file()
        self._ring = Ring(shared)
        self._life, theirs = os.pipe()
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "understudy.playtest.run.worker"]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, str(shared), str(theirs)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[shared, theirs],
                start_new_session=True,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
        os.close(theirs)
        os.close(shared)
        self._hand_over(job)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        self._ring.close()
        os.close(self._life)
        if not self.log.stat().st_size:
            self.log.unlink()

    def read(self, seconds: float) -> bytes:
        """Return what it reported since the last time, or nothing if there was none within `seconds`.

        Raises:
            EOFError: If the process is gone and everything it sent has been read.
        """
        deadline, pause = time.monotonic() + seconds, _LEAST_PAUSE_S
        while True:
            # Asked before the ring is, which then holds the last thing that a dead process said.
            ended = bool(select.select([self._life], [], [], 0)[0]) or self._process.poll() is not None
            chunk = self._ring.take()
            if chunk:
                return chunk
            if ended:
                raise EOFError
            left = deadline - time.monotonic()
            if left <= 0:
                return b""
            select.select([self._life], [], [], min(pause, left))
            pause = min(2 * pause, _MOST_PAUSE_S)

    @property
    def in_game(self) -> bool:
        """Whether the process is in the game's code now, as far as it said."""
        return self._ring.flag == 1

    def kill(self) -> None:
        """Kill the process and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def was_killed(self) -> bool:
        """Whether somebody else ended the process, once `read` has raised `EOFError`; no crash sends these signals."""
        return self._process.wait() in (-signal.SIGKILL, -signal.SIGTERM)

    def cause_of_death(self) -> str:
        """Say how the process went, once `read` has raised `EOFError`."""
        code = self._process.wait()
        if code >= 0:
            return f"It left with exit status {code}."
        with contextlib.suppress(ValueError):
            return f"It was killed by {signal.Signals(-code).name}."
        return f"It was killed by signal {-code}."

    def log_tail(self) -> str:
        """Return the end of what it printed."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _LOG_TAIL))
            return file.read().decode(errors="replace")

    def _hand_over(self, job: Job) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(job.model_dump_json(by_alias=True).encode() + b"\n")
            self._process.stdin.flush()
