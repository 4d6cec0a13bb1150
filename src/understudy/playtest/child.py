"""The parent's handle on the process of one run: start it, read what it reports with a time limit, kill all of it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from understudy.playtest.worker import Job

_LOG_TAIL = 2000


class Child:
    """A running `understudy.playtest.worker`.

    The child leads a session of its own: a Ctrl-C at the terminal does not reach it, and whatever the game started is
    killed with it. All that the game prints goes to `log`, which is deleted if it stays empty.
    """

    def __init__(self, job: Job, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._pipe, theirs = os.pipe()
        command = [sys.executable, "-P", "-X", "faulthandler", "-m", "understudy.playtest.worker", str(theirs)]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[theirs],
                start_new_session=True,
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )
        os.close(theirs)
        self._buffer = b""
        self._hand_over(job)

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        os.close(self._pipe)
        if not self.log.stat().st_size:
            self.log.unlink()

    def read(self, seconds: float) -> dict[str, Any] | None:
        """Return the next report, or None if none came within `seconds`.

        Raises:
            EOFError: If the process is gone and everything it sent has been read.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._pipe], [], [], left)[0]:
                if self._process.poll() is not None:
                    raise EOFError
                return None
            chunk = os.read(self._pipe, 1 << 16)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        report: dict[str, Any] = json.loads(line)
        return report

    def kill(self) -> None:
        """Kill the process and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

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
        with contextlib.suppress(BrokenPipeError), self._process.stdin as pipe:
            pipe.write(job.model_dump_json(by_alias=True).encode())
