"""A server in a process of its own, and clients that load it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from understudy.agents.bundle import Bundle

Observations = Sequence[Mapping[str, np.ndarray]]
T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """A server that runs.

    Attributes:
        address: Where.
        process: Its process.
    """

    address: str
    process: subprocess.Popen[str]

    def resident_mib(self) -> float:
        """Return the memory it holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def served(bundle: Bundle, *flags: str, core: int | None = None) -> Iterator[Served]:
    """Serve `bundle` until the `with` block ends, with flags of `understudy serve`; on one core, if one is named."""
    command = [sys.executable, "-m", "understudy.cli.main", "serve", str(bundle.folder), "--port", "0", *flags]
    pin = (lambda: os.sched_setaffinity(0, {core})) if core is not None else None
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pin)
    assert server.stdout is not None
    try:
        words = next((line.split() for line in server.stdout if "plays at" in line), None)
        if words is None:
            raise RuntimeError(f"the server did not start: {' '.join(command)}")
        yield Served(words[-1], server)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate()


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine as a client does that is not to be measured itself: on uvloop.

    Always on the one loop of this process: gRPC stays with the first it meets.
    """

    async def main() -> T:
        return await work()

    return _runner().run(main())


@cache
def _runner() -> asyncio.Runner:
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


@dataclass
class Player:
    """One stream of some bots, each of which decides in every tick."""

    stream: Any
    bots: int
    observations: Observations
    ticks: int = 0
    moments: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def one(self) -> Mapping[str, np.ndarray]:
        """Send a tick, wait for its answer, note when it began and how long it took, and return the actions."""
        self.moments.append(time.perf_counter())
        actions = await self.stream.tick(range(self.bots), self._next())
        self.seconds.append(time.perf_counter() - self.moments[-1])
        return actions

    async def flood(self, ticks: int, in_flight: int) -> float:
        """Return the mean seconds a tick takes while the server always has the next ones waiting."""
        for _ in range(in_flight):
            await self.stream.send(range(self.bots), self._next())
        began = time.perf_counter()
        for _ in range(ticks):
            await self.stream.receive()
            await self.stream.send(range(self.bots), self._next())
        seconds = (time.perf_counter() - began) / ticks
        for _ in range(in_flight):
            await self.stream.receive()
        return seconds

    async def pace(self, hz: float, seconds: float) -> np.ndarray:
        """Send ticks at a game's rate and return the seconds each took, from when it was due."""
        began, trips = time.perf_counter(), []
        for tick in range(int(hz * seconds)):
            due = began + tick / hz
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self.stream.tick(range(self.bots), self._next())
            trips.append(time.perf_counter() - due)
        return np.array(trips)

    def _next(self) -> Mapping[str, np.ndarray]:
        self.ticks += 1
        return self.observations[(self.ticks - 1) % len(self.observations)]


async def join(client: Any, bots: int, observations: Observations) -> Player:
    """Open a stream and spawn its bots, bot i with seed i."""
    stream = await client.play()
    for bot in range(bots):
        stream.spawn(bot, bot)
    return Player(stream, bots, observations)


def random_observations(bundle: Bundle, bots: int, ticks: int = 8) -> list[dict[str, np.ndarray]]:
    """Return observations within the sensors' ranges, or of unit size where there is none."""
    rng = np.random.default_rng(0)
    return [{each.name: _draw(rng, each.space, bots) for each in bundle.behavior.sensors} for _ in range(ticks)]


def _draw(rng: np.random.Generator, space: Any, bots: int) -> np.ndarray:
    shape = (bots, *space.shape)
    if space.dtype.kind in "iu":
        return rng.integers(0, 256, shape).astype(space.dtype)
    low, high = float(space.low.min()), float(space.high.max())
    values = rng.uniform(low, high, shape) if np.isfinite([low, high]).all() else rng.normal(size=shape)
    return values.astype(space.dtype)
