"""Runs on a Ray cluster: each is one task, which plays it on some node and sends its files home.

The nodes need this package, the game, and the spec's folder and bundles under the same paths, as a shared file system
gives them. A run depends on its seed alone, so that it is the same run on any node.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from understudy.errors import PlaytestError, require
from understudy.playtest.disk import full_disk, is_full
from understudy.playtest.journal import RUN_FILE, mark_over, read_run
from understudy.playtest.run.builder import TraceBuilder
from understudy.playtest.run.moment import Ended
from understudy.playtest.run.play import Halt, play_run
from understudy.playtest.run.trace import Run, Trace
from understudy.playtest.spec import PlaytestSpec

_POLL_S = 0.2
_PATIENCE_S = 5.0


class Cluster:
    """A Ray cluster to play runs on.

    Args:
        address: Of its head, as `host:port` or `ray://host:port`; `auto` finds one on this machine.

    Raises:
        PlaytestError: If there is none, or it runs another version of Ray or Python.
        MissingExtraError: If Ray is not installed.
    """

    def __init__(self, address: str) -> None:
        # Ray's own retries are told in one sentence here.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "error")
        self._ray: Any = require("ray", "ray")
        _require_somebody(address)
        try:
            if not self._ray.is_initialized():
                self._ray.init(address, log_to_driver=False, logging_level="error", configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise _no_cluster(address, first) from error
        self.num_cpus = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        # The caller plays it again, and counts.
        self._task = self._ray.remote(num_cpus=1, max_retries=0)(play_away)

    def play_run(self, spec: PlaytestSpec, folder: Path, run: Run, *, halt: Halt, on_step: Callable[[], None]) -> Trace:
        """Play a run on the cluster; see `play.play_run`.

        A node that is lost ends the run as broken, to be played again.
        """
        form = spec.model_dump_json(by_alias=True)
        task = self._task.remote(form, str(folder), replace(run, recording=Path(run.name) / run.name))
        while not self._ray.wait([task], timeout=_POLL_S)[0]:
            if halt.now:
                self._ray.cancel(task, force=True)
                return _unplayed(spec, run, Ended.STOPPED)
        try:
            files, problem = self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            first = str(error).strip().splitlines()[0]
            return _unplayed(spec, run, Ended.BROKEN, f"Its worker in the cluster was lost: {first}")
        if problem:
            raise full_disk(f"{problem} on a node of the cluster")
        trace = _unpack(spec, run, files)
        for _ in trace.actions:
            on_step()
        return trace


def _require_somebody(address: str) -> None:
    """Raise unless somebody listens; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return  # such as "auto"
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE_S).close()
    except (OSError, ValueError) as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(address: str, reason: str) -> PlaytestError:
    return PlaytestError(
        f"There is no Ray cluster to play on at {address} ({reason.rstrip('.')}). Start one with: ray start --head. "
        "One that asks for a token needs RAY_AUTH_MODE=token and the same token here."
    )


def play_away(form: str, folder: str, run: Run) -> tuple[dict[str, bytes], str]:
    """Play a run on this node.

    Args:
        form: The spec's JSON.
        folder: Where the spec lies.
        run: With a recording in a relative folder.

    Returns:
        Its files by name, and where the disk was full, which is empty if it was not.

    Raises:
        PlaytestError: If the spec's folder is not here.
    """
    spec, home = PlaytestSpec.model_validate_json(form), Path(folder)
    if not home.is_dir():
        raise PlaytestError(f"The spec's folder {home} is not on this node; share it with every node.")
    with tempfile.TemporaryDirectory(prefix="understudy-run-") as scratch:
        here = replace(run, recording=Path(scratch) / run.recording)
        try:
            mark_over(play_run(spec, home, here, Halt()))
        except OSError as error:
            if not is_full(error):
                raise
            return {}, scratch
        return {each.name: each.read_bytes() for each in here.folder.iterdir()}, ""


def _unpack(spec: PlaytestSpec, run: Run, files: dict[str, bytes]) -> Trace:
    run.folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (run.folder / name).write_bytes(content)
    trace = read_run(spec, run)
    assert trace is not None
    # Whoever asked decides whether the run is over.
    (run.folder / RUN_FILE).unlink()
    return trace


def _unplayed(spec: PlaytestSpec, run: Run, how: Ended, message: str = "") -> Trace:
    builder = TraceBuilder(spec, run)
    return builder.end(builder.ending(how, message, again=how is Ended.BROKEN))
