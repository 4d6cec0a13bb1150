"""Minutes at full load while clients are killed at random: memory stays, and no bot stays behind."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import serving_line
from _table import Row

from serving_rows.load import Served, served
from serving_rows.settings import Settings

CLIENTS, BOTS = 3, 64
GRACE_S = 5.0
_CLIENT = [sys.executable, str(Path(__file__).with_name("soak_client.py"))]


def rows(settings: Settings) -> list[Row]:
    """Watch the server's resident memory, and at the end ask it who still lives."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = serving_line.make_bundle(Path(folder) / "gru")
        with served(bundle, "--admin") as server:
            memory, killed = load(server, settings.soak_minutes * 60)
            time.sleep(GRACE_S + 3)
            left = living(server)
    early, late = thirds(memory, settings)
    note = (
        f"{settings.soak_minutes:g} minutes, {CLIENTS} clients of {BOTS} bots, {killed} of them killed; resident "
        f"{early:.1f} MiB after minute two, {late:.1f} MiB at the end (medians over a tenth of the time)"
    )
    return [
        Row("clients killed at random: growth of resident memory", 100 * (late / early - 1), 1.0, "%", True, note),
        Row("clients killed at random: bots left when all clients are gone", left, 0, "bots", True, note),
    ]


def load(server: Served, seconds: float) -> tuple[list[tuple[float, float]], int]:
    """Return the resident MiB by second, and how many clients were killed."""
    rng, memory, killed = random.Random(0), [], 0
    clients = [_start(server) for _ in range(CLIENTS)]
    began, next_kill = time.monotonic(), 3.0
    try:
        while (now := time.monotonic() - began) < seconds:
            memory.append((now, server.resident_mib()))
            if now > next_kill:
                victim = rng.randrange(CLIENTS)
                clients[victim].send_signal(signal.SIGKILL)
                clients[victim].wait()
                clients[victim] = _start(server)
                killed, next_kill = killed + 1, now + rng.uniform(1.0, 8.0)
            time.sleep(0.5)
    finally:
        for client in clients:
            client.kill()
            client.wait()
    return memory, killed


def thirds(memory: list[tuple[float, float]], settings: Settings) -> tuple[float, float]:
    """Return the median memory over a tenth of the time, after minute two (a fifth of a short run) and at the end."""
    at, mib = np.array(memory).T
    total = settings.soak_minutes * 60
    first = 120.0 if total > 240 else total / 5
    return tuple(  # type: ignore[return-value]
        float(np.median(mib[(at >= start) & (at <= start + total / 10)])) for start in (first, total * 0.9)
    )


def living(server: Served) -> int:
    """Return how many bots the server still holds."""
    import grpc

    from understudy.serving import understudy_pb2 as pb
    from understudy.serving import understudy_pb2_grpc as pb_grpc

    with grpc.insecure_channel(server.address) as channel:
        status = pb_grpc.AdminStub(channel).Status(pb.StatusRequest())
    return sum(stream.bots for stream in status.streams)


def _start(server: Served) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*_CLIENT, server.address, str(BOTS)])
