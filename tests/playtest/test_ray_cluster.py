from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from grid_specs import grid_form
from grid_world import planted

from understudy.errors import PlaytestError

pytest.importorskip("ray")
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4, "RAY_USAGE_STATS_ENABLED": "0"}
FORM = grid_form(
    planted("X", 4, 3), "exit", budget={"steps": 100}, personas=[{"name": "monkey", "agent": "random", "runs": 4}]
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of this machine's, started as a user does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Sockets lie below it, and their paths may not be long.
    home = Path("/tmp") / f"ray-{os.getpid()}"
    command = [
        str(Path(sys.executable).with_name("ray")),
        "start",
        "--head",
        "--block",
        "--node-ip-address",
        "127.0.0.1",
    ]
    options = ["--port", str(port), "--num-cpus", "2", "--include-dashboard=false", "--min-worker-port", "0"]
    process = subprocess.Popen(
        [*command, *options, "--max-worker-port", "0", "--temp-dir", str(home)],
        env={**os.environ, **TOKEN},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            subprocess.run(["rm", "-rf", str(home)], check=True)


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def understudy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `understudy playtest`."""
    command = [sys.executable, "-m", "understudy.cli.main", "playtest", *words]
    environ = {**os.environ, **TOKEN}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=250, check=False)


@pytest.mark.slow
def test_a_cluster_plays_the_same(folder: Path, address: str) -> None:
    """A spec that a Ray cluster plays has the results that this machine alone gives."""
    (folder / "spec.yaml").write_text(yaml.safe_dump(FORM))
    away = understudy(folder, "spec.yaml", "--ray", address, "--out", "away", "--quiet")
    here = understudy(folder, "spec.yaml", "--out", "here", "--quiet")
    assert (away.returncode, away.stdout) == (here.returncode, here.stdout) == (1, "Failed: 1 crash finding.\n"), away
    results = [json.loads((folder / out / "results.json").read_text()) for out in ("away", "here")]
    assert results[0].pop("seconds") > 0 < results[1].pop("seconds")
    assert results[0] == results[1]
    again = understudy(folder, "--resume", "away", "--quiet")
    assert (again.returncode, again.stdout) == (1, here.stdout)


def test_a_cluster_that_is_not_there_is_told_at_once() -> None:
    """Without a cluster at the address, the playtest says how to start one, within seconds."""
    from understudy.playtest.cluster import Cluster

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(PlaytestError, match=r"There is no Ray cluster to play on at .* ray start --head"):
        Cluster(f"127.0.0.1:{port}")
    assert time.monotonic() - begun < 10
