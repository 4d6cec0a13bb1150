"""`understudy serve`, as a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest
from arena import observe
from grpc_health.v1 import health_pb2, health_pb2_grpc

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.client import Client

COMMAND = (sys.executable, "-m", "understudy.cli.main", "serve")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run((*COMMAND, *arguments), capture_output=True, text=True, timeout=60, check=False)


def test_it_says_where_serves_and_stops_on_ctrl_c(bundles: list[Bundle]) -> None:
    """Its first line holds the address; health and play work there; SIGINT ends it with status 0."""
    command = (*COMMAND, *(str(each.folder) for each in bundles), "--port", "0")
    environment = os.environ | {"COLUMNS": "200"}
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert server.stdout is not None
    try:
        greeting = "".join(iter(server.stdout.readline, "Ctrl-C stops.\n"))
        found = re.match(r"Understudy plays at (127\.0\.0\.1:\d+)\n", greeting)
        assert found
        address = found[1]
        with grpc.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        with Client(address) as client, client.play("camper") as stream:
            stream.spawn(0, 0)
            stream.tick([0], observe(np.random.default_rng(0), 1))
            server.send_signal(signal.SIGINT)
            farewell, errors = server.communicate(timeout=20)
            with pytest.raises(ServingError):
                stream.tick([0], observe(np.random.default_rng(0), 1))
    finally:
        server.kill()
        server.wait()
    assert (server.returncode, farewell, errors) == (0, "Stopped.\n", "")
    for part in ("rusher", "camper", "rays float32[4]", "buttons MultiBinary(2)", f'Client("{address}")'):
        assert part in greeting


def test_a_folder_that_is_no_bundle_is_one_sentence(tmp_path: Path) -> None:
    """A wrong folder exits with status 2 and no traceback."""
    done = run(str(tmp_path))
    assert done.returncode == 2
    assert "is no bundle: it has no bundle.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_public_host_needs_leave(bundles: list[Bundle]) -> None:
    """Without --insecure-public only this machine can be served, and the message says why."""
    done = run(str(bundles[0].folder), "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "anyone there could play these bundles. Say who may: --tls-cert" in done.stderr
