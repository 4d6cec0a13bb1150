"""The programs that an environment starts: the game, an X server of its own, and the keeper that ends both."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from understudy.envs.window import keeper
from understudy.errors import GameError

_LOG_TAIL = 300
_SERVER_STARTS_S = 20.0
_KEEPER_ENDS_S = 10.0


class Program:
    """A program that leads a process group of its own; all of the group is ended with it.

    Args:
        command: The program and its arguments.
        environment: Variables besides this process's own.
        fresh_home: Whether its HOME is a new folder, removed when it is ended.
        folder: Where it runs.

    Raises:
        GameError: If there is no such program.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        fresh_home: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.name = Path(command[0]).name
        self._own = Path(tempfile.mkdtemp(prefix="understudy-window-"))
        self._log = self._own / "log.txt"
        variables = {**os.environ, **(_new_home(self._own) if fresh_home else {}), **environment}
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=folder,
                    env=variables,
                    start_new_session=True,
                )
        except OSError as error:
            shutil.rmtree(self._own, ignore_errors=True)
            raise GameError(
                f"The program '{command[0]}' cannot be started: {error.strerror}. Install it, or give its whole path."
            ) from error
        self.group = self._process.pid

    @property
    def running(self) -> bool:
        """Whether any process of the group is left."""
        if self._process.poll() is None:
            return True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, 0)
            return True
        return False

    @property
    def left_well(self) -> bool:
        """Whether it ended with exit status 0."""
        return self._process.poll() == 0

    def last_words(self) -> str:
        """Say how it went, and what it printed last."""
        code = self._process.poll() or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"left with exit status {code}"
        printed = " ".join(self._log.read_text(errors="replace")[-_LOG_TAIL:].split())
        return f"'{self.name}' {how}" + (f"; it printed last: {printed}" if printed else "")

    def close(self) -> None:
        """End the whole group, politely first. Calling it twice does no harm."""
        if self._own.exists():
            # Reaped while it is asked to end, or the group would seem to live on.
            with contextlib.suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
                os.killpg(self.group, signal.SIGTERM)
                self._process.wait(keeper.PATIENCE_S)
            keeper.end_group(self.group, patience=0.0)
            self._process.wait()
            shutil.rmtree(self._own, ignore_errors=True)


class Keeper:
    """The keeper's process; it works when `close` is called, or this process ends in any way.

    Args:
        display: The X display on which keys are released.
    """

    def __init__(self, display: str) -> None:
        command = [sys.executable, "-I", keeper.__file__, display]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )

    def add(self, group: int) -> None:
        """Have a process group ended at the end."""
        self._tell(f"group {group}")

    def forget(self, group: int) -> None:
        """Leave a process group alone, since it has ended."""
        self._tell(f"forget {group}")

    def close(self) -> None:
        """Have it do its work now, and wait for that."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_KEEPER_ENDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


def _new_home(home: Path) -> dict[str, str]:
    """The variables for a HOME of its own, from where the display's password is still found."""
    return {"HOME": str(home), "XAUTHORITY": os.environ.get("XAUTHORITY", str(Path.home() / ".Xauthority"))}


def start_server(width: int, height: int) -> tuple[Program, str]:
    """Start an X server without a monitor (Xvfb), for one game alone.

    Returns:
        Its process, and the name of its display.

    Raises:
        GameError: If Xvfb is not installed or does not start.
    """
    if shutil.which("Xvfb") is None:
        raise GameError("A screen of its own needs Xvfb, which is not installed; run: sudo apt-get install xvfb")
    # It says its number in its log, which needs no descriptor to be passed.
    command = ["sh", "-c", f"exec Xvfb -displayfd 3 -screen 0 {width}x{height}x24 -nolisten tcp -noreset 3>&1"]
    server = Program(command, {})
    end = time.monotonic() + _SERVER_STARTS_S
    while time.monotonic() < end and server.running:
        # Other lines are of the displays it tried, which belong to others.
        lines = server._log.read_text(errors="replace").splitlines(keepends=True)
        if number := next((each.strip() for each in lines if each.strip().isdigit() and each.endswith("\n")), ""):
            return server, f":{number}"
        time.sleep(0.02)
    words = server.last_words()
    server.close()
    raise GameError(f"Xvfb did not start: {words}.")
