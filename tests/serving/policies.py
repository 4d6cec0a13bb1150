"""A policy that can be held still, behind a batcher, and what asks it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import numpy as np

from understudy.agents.bundle import Bundle
from understudy.serving.batcher import Batcher
from understudy.serving.request import Births, Decided, Request
from understudy.serving.table import BotTable
from understudy.serving.versions import Version, Versions


class CountingPolicy:
    """Answers how often each bot decided so far, and keeps the sizes of its batches; waits while `gate` is shut."""

    def __init__(self, offset: float = 0.0) -> None:
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.offset = offset
        self.fails = False

    def step(
        self, sensors: Sequence[np.ndarray], state: np.ndarray, noise: np.ndarray, style: np.ndarray | None = None
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Count."""
        assert style is None
        assert len(sensors[0]) == len(state) == len(noise)
        self.batches.append(len(state))
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(20)
        if self.fails:
            raise RuntimeError("out of order")
        return [state[:, 0] + self.offset], state + 1


def version(policy: Any, name: str = "counting") -> Version:
    """Return a version whose bundle is only a name."""

    class Named:
        digest = "0" * 64

        def __init__(self) -> None:
            self.name = name

    return Version(cast(Bundle, Named()), policy)


def request(*slots: int, spawn: bool = False, owner: object = None, seconds: float = np.inf) -> Request:
    """Return a request of some slots, which start afresh if `spawn`, to be answered within `seconds`."""
    where = np.array(slots, np.intp)
    seeds, styles = np.zeros(len(slots), np.uint64), np.zeros((len(slots), 0), np.float32)
    births = Births(where, seeds, styles, {}) if spawn else None
    now = time.perf_counter()
    sensors = [np.zeros((len(slots), 1), np.float32)]
    return Request(owner or object(), where, sensors, births, received=now, deadline=now + seconds)


async def decide(batcher: Batcher, asked: Request, *, inline: bool = False) -> Decided:
    """Submit a request and wait for its answer."""
    answer = batcher.submit(asked, inline=inline)
    return answer if isinstance(answer, Decided) else await answer


async def count(batcher: Batcher, asked: Request, *, inline: bool = False) -> list[float]:
    """Return how often the bots decided before."""
    decided = await decide(batcher, asked, inline=inline)
    assert decided.actions is not None
    counts: list[float] = decided.actions[0].tolist()
    return counts


def batching(check: Callable[[Batcher, CountingPolicy], Awaitable[None]], max_waiting_rows: int = 1 << 20) -> None:
    """Run `check` with a batcher."""
    policy = CountingPolicy()
    batcher = Batcher(Versions(version(policy)), BotTable(1, 1), "counting", max_waiting_rows)
    try:
        asyncio.run(asyncio.wait_for(check(batcher, policy), 30))
    finally:
        policy.gate.set()
        batcher.close()


async def begin(batcher: Batcher, policy: CountingPolicy, first: Request) -> asyncio.Task[list[float]]:
    """Shut the gate behind a first request, which is then computing."""
    policy.gate.clear()
    task = asyncio.create_task(count(batcher, first))
    while not policy.batches:
        await asyncio.sleep(0.001)
    return task
