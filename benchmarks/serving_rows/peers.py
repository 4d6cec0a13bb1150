"""Other servers with the same graph and the same load: 64 bots a tick, three ticks under way, one model thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from _table import Row

from serving_rows import peer_files
from serving_rows.load import join, random_observations, run, served
from serving_rows.peer_clients import IN_FLIGHT, HttpClient, OipClient, flood
from serving_rows.settings import ROOT, Settings
from serving_rows.trained import trained_bundle
from understudy.agents.bundle import Bundle

BOTS = 64
START_S = 90.0


@dataclass(frozen=True)
class Peer:
    """Another server.

    Attributes:
        name: As people know it.
        venv: Its virtual environment's folder, which `setup` makes.
        setup: The script.
        write: Writes what it serves into a folder and returns its command, for a port.
        client: Made with the port.
        fp32: What our float32 must reach against it; None for no such promise.
        int8: What our int8 must reach against it.
    """

    name: str
    venv: str
    setup: str
    write: Callable[[Path, Bundle, int], list[str]]
    client: Callable[[int], Any]
    fp32: float | None
    int8: float


PEERS = (
    Peer("Triton (Python backend)", ".venv-triton", "setup-triton.sh", peer_files.triton, OipClient, 1.2, 2.0),
    Peer("MLServer", ".venv-mlserver", "setup-mlserver.sh", peer_files.mlserver, OipClient, None, 2.5),
    Peer("BentoML", ".venv-bentoml", "setup-bentoml.sh", peer_files.bentoml, HttpClient, None, 3.0),
    Peer("Ray Serve", ".venv-ray", "setup-ray.sh", peer_files.ray, OipClient, None, 6.0),
)


def rows(settings: Settings) -> list[Row]:
    """Measure each peer in turn with both of ours."""
    bundle = trained_bundle()
    found: list[Row] = []
    with served(bundle, "--precision", "fp32") as slow, served(bundle, "--precision", "int8") as fast:
        for peer in PEERS:
            found += compare(peer, bundle, (slow.address, fast.address), settings)
    return found


def compare(peer: Peer, bundle: Bundle, ours: tuple[str, str], settings: Settings) -> list[Row]:
    """Return the peer's rows; without numbers if it is not installed or does not answer."""
    targets = [("float32", 0, peer.fp32), ("int8", 1, peer.int8)]
    asked = [(f"64 GRU-256 bots a tick, {what} against {peer.name}", at, goal) for what, at, goal in targets if goal]
    if not (ROOT / peer.venv / "bin" / "python").exists():
        return [
            Row(promise, None, goal, note=f"make it with benchmarks/peers/{peer.setup}") for promise, _, goal in asked
        ]
    try:
        with running(peer, bundle) as port:
            *mine, theirs = run(partial(alternate, peer, port, ours, bundle, settings))
    except (RuntimeError, OSError, EOFError, grpc.RpcError) as error:
        return [Row(promise, None, goal, note=f"it did not start or answer: {error}") for promise, _, goal in asked]
    rates = ", ".join(f"{BOTS / seconds:,.0f}" for seconds in (*mine, theirs))
    note = f"decisions/s of ours in float32, ours in int8 and theirs: {rates}"
    return [Row(promise, theirs / mine[at], goal, note=note) for promise, at, goal in asked]


@contextmanager
def running(peer: Peer, bundle: Bundle) -> Iterator[int]:
    """Run a peer in a process group of its own, until the `with` block ends; gives the port."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        port = free_port()
        command = [str(ROOT / peer.venv / "bin" / "python"), *peer.write(Path(folder), bundle, port)]
        if command[1].startswith("bin/"):
            command = [str(ROOT / peer.venv / command[1]), *command[2:]]
        path = f"{ROOT / peer.venv / 'bin'}:{os.environ['PATH']}"
        # Ours are not theirs: a peer runs with gRPC as it comes.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
        environment |= {"PATH": path, "PYTHONPATH": folder, "OMP_NUM_THREADS": "1", "RAY_TMPDIR": folder}
        options: dict[str, Any] = {"stdout": log, "stderr": log, "start_new_session": True, "cwd": folder}
        server = subprocess.Popen(command, env=environment, **options)
        try:
            run(partial(answering, peer, port, server, log.name, bundle))
            yield port
        finally:
            end(server)


def end(server: subprocess.Popen[bytes]) -> None:
    """End a peer's whole process group, in a hurry if need be."""
    for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(server.pid, number)
            server.wait(seconds)


async def answering(peer: Peer, port: int, server: subprocess.Popen[bytes], log: str, bundle: Bundle) -> None:
    """Wait until a peer answers a tick; raises `RuntimeError` with the end of its log if it does not."""
    rays = random_observations(bundle, BOTS, 1)[0]["rays"]
    for _ in range(int(START_S)):
        client = peer.client(port)
        try:
            await asyncio.wait_for(client.ask(rays), 5.0)
        except Exception:
            if server.poll() is not None:
                break
            await asyncio.sleep(1.0)
        else:
            return
        finally:
            await client.close()
    raise RuntimeError(" ".join(Path(log).read_text().split())[-300:])


async def alternate(
    peer: Peer, port: int, ours: tuple[str, str], bundle: Bundle, settings: Settings
) -> tuple[float, float, float]:
    """Return the median seconds of a tick of ours in float32, ours in int8, and the peer's."""
    from understudy.serving.async_client import AsyncClient

    observations = random_observations(bundle, BOTS)
    rays = [each["rays"] for each in observations]
    client, times = peer.client(port), ([], [], [])
    async with AsyncClient(ours[0]) as first, AsyncClient(ours[1]) as second:
        players = [await join(each, BOTS, observations) for each in (first, second)]
        for repeat in range(settings.repeats + 1):
            ticks = settings.ticks
            found = [
                *[await player.flood(ticks, IN_FLIGHT) for player in players],
                await flood(client.ask, rays, ticks),
            ]
            if repeat:  # The first one warms up.
                for seconds, all_of in zip(found, times, strict=True):
                    all_of.append(seconds)
    await client.close()
    return tuple(statistics.median(each) for each in times)  # type: ignore[return-value]


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
