"""Who shares a batch with whom, with a policy that can be held still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import numpy as np
import pytest

from understudy.errors import ServingError
from understudy.serving.batcher import MAX_ROWS, Batcher, Request, Spawned
from understudy.serving.table import BotTable


class CountingPolicy:
    """Answers how often each bot decided so far, and keeps the sizes of its batches; waits while `gate` is shut."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def step(
        self,
        sensors: Sequence[np.ndarray],
        state: np.ndarray,
        noise: np.ndarray,
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Count."""
        assert len(sensors[0]) == len(state) == len(noise)
        self.batches.append(len(state))
        self.threads.add(threading.current_thread().name)
        assert self.gate.wait(20)
        return [state[:, 0].copy()], state + 1


def request(*slots: int, spawn: bool = False) -> Request:
    """Return a request of some slots, which start afresh if `spawn`."""
    where = np.array(slots, np.intp)
    spawned = Spawned(where, np.zeros(len(slots), np.uint64)) if spawn else None
    return Request(spawned, where, [np.zeros((len(slots), 1), np.float32)])


def batching(check: Callable[[Batcher, CountingPolicy], Awaitable[None]]) -> None:
    """Run `check` with a batcher."""
    policy = CountingPolicy()
    batcher = Batcher(policy, BotTable(1, 1), "counting")
    try:
        asyncio.run(asyncio.wait_for(check(batcher, policy), 30))
    finally:
        policy.gate.set()
        batcher.close()


async def begin(batcher: Batcher, policy: CountingPolicy, first: Request) -> asyncio.Task[list[np.ndarray]]:
    """Shut the gate behind a first request, which is then computing."""
    policy.gate.clear()
    task = asyncio.create_task(batcher.decide(first, alone=False))
    while not policy.batches:
        await asyncio.sleep(0.001)
    return task


def test_requests_gather_while_a_batch_computes() -> None:
    """Three requests that arrive during a turn share the next one, and each gets its own rows."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        others = [
            asyncio.create_task(batcher.decide(request(*slots, spawn=True), alone=False)) for slots in ((1, 2), (3,))
        ]
        again = asyncio.create_task(batcher.decide(request(4, 5, 6, spawn=True), alone=False))
        await asyncio.sleep(0.01)
        policy.gate.set()
        answers = [await each for each in (first, *others, again)]
        assert [len(each[0]) for each in answers] == [1, 2, 1, 3]
        assert policy.batches == [1, 6]
        assert (await batcher.decide(request(2, 0, 6), alone=False))[0].tolist() == [1, 1, 1]

    batching(check)


def test_a_request_that_was_cancelled_is_not_computed() -> None:
    """Its slot may already belong to another stream's bot in the same batch, which must not see the older one."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        gone = asyncio.create_task(batcher.decide(request(5, spawn=True), alone=False))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        heir = asyncio.create_task(batcher.decide(request(5, spawn=True), alone=False))
        await asyncio.sleep(0.01)
        policy.gate.set()
        await first
        assert (await heir)[0].tolist() == [0]
        assert policy.batches == [1, 1]

    batching(check)


def test_a_slot_freed_during_its_turn_starts_afresh() -> None:
    """The state that a cancelled request still writes does not reach the slot's next bot."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(5, spawn=True))
        first.cancel()
        heir = asyncio.create_task(batcher.decide(request(5, spawn=True), alone=True))
        await asyncio.sleep(0.01)
        policy.gate.set()
        assert (await heir)[0].tolist() == [0]
        assert (await batcher.decide(request(5), alone=True))[0].tolist() == [1]

    batching(check)


def test_a_stream_that_is_alone_computes_in_the_event_loop() -> None:
    """Once turns in the thread have shown how short they are; the bot's count goes on from one to the other."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        await batcher.decide(request(0, spawn=True), alone=True)
        assert policy.threads == {"policy counting"}
        for expected in range(1, 300):
            assert (await batcher.decide(request(0), alone=True))[0].tolist() == [expected]
            batcher.settle()
            if threading.current_thread().name in policy.threads:
                break
            await asyncio.sleep(0.001)
        else:
            pytest.fail("every decision was handed to the thread")

    batching(check)


def test_a_batch_has_a_largest_size() -> None:
    """What waits beyond it is left for the turn after."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        half = MAX_ROWS // 2
        parts = [range(1 + half * index, 1 + half * (index + 1)) for index in range(4)]
        others = [asyncio.create_task(batcher.decide(request(*part, spawn=True), alone=False)) for part in parts]
        await asyncio.sleep(0.01)
        policy.gate.set()
        await asyncio.gather(first, *others)
        assert policy.batches == [1, MAX_ROWS, MAX_ROWS]

    batching(check)


def test_a_closed_batcher_refuses() -> None:
    """What comes after the close is told so, and what came before is answered."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        policy.gate.set()
        await asyncio.to_thread(batcher.close)
        assert (await first)[0].tolist() == [0]
        with pytest.raises(ServingError, match="'counting' is no longer served"):
            await batcher.decide(request(0), alone=True)

    batching(check)
