"""A tick is answered in its time, with a fallback if need be; its bots then remember nothing of it."""

from __future__ import annotations

import asyncio
import time

import numpy as np
from policies import CountingPolicy, batching, begin, count, decide, request

from understudy.serving.batcher import Batcher
from understudy.serving.request import Late


def test_a_tick_that_waits_too_long_is_put_aside_in_time() -> None:
    """The answer comes at the deadline, while the policy still computes for somebody else."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        await count(batcher, request(1, spawn=True))
        policy.batches.clear()
        first = await begin(batcher, policy, request(0, spawn=True))
        began = time.perf_counter()
        decided = await decide(batcher, request(1, seconds=0.05))
        assert decided.actions is None
        assert decided.late is Late.BUDGET
        assert 0.04 < time.perf_counter() - began < 5
        policy.gate.set()
        await first
        assert await count(batcher, request(1)) == [1]

    batching(check)


def test_a_tick_that_computes_too_long_leaves_no_trace() -> None:
    """Its result comes after the fallback was sent, and is dropped: the bot did something else meanwhile."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        await count(batcher, request(0, spawn=True))
        policy.batches.clear()
        policy.gate.clear()
        assert (await decide(batcher, request(0, seconds=0.05))).late is Late.BUDGET
        policy.gate.set()
        assert await count(batcher, request(0)) == [1]

    batching(check)


def test_a_late_tick_leaves_its_neighbours_in_the_batch_alone() -> None:
    """Of two streams in one batch only the one with a budget gets its fallback."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        hasty = asyncio.create_task(decide(batcher, request(1, spawn=True, seconds=0.2)))
        patient = asyncio.create_task(decide(batcher, request(2, spawn=True)))
        await asyncio.sleep(0.02)
        policy.gate.set()
        await first
        policy.gate.clear()
        assert (await hasty).late in (Late.NO, Late.BUDGET)  # By now it may have been decided with the first.
        policy.gate.set()
        assert (await patient).late is Late.NO
        expected = [1.0 if (await hasty).late is Late.NO else 0.0, 1.0]
        assert await count(batcher, request(1, 2)) == expected

    batching(check)


def test_births_of_a_late_tick_happen() -> None:
    """The bot is there, new, for the next tick."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        await count(batcher, request(1, spawn=True))
        policy.batches.clear()
        first = await begin(batcher, policy, request(0, spawn=True))
        assert (await decide(batcher, request(1, spawn=True, seconds=0.02))).late is Late.BUDGET
        policy.gate.set()
        await first
        assert await count(batcher, request(1)) == [0]

    batching(check)


def test_a_tick_computed_in_the_event_loop_keeps_its_budget_too() -> None:
    """What took longer than it should is not sent, and not remembered."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        await count(batcher, request(0, spawn=True))
        await count(batcher, request(0))
        while True:  # until it is computed here
            policy.threads.clear()
            before = (await count(batcher, request(0), inline=True))[0]
            if "policy counting" not in policy.threads:
                break
        decided = await decide(batcher, request(0, seconds=-1.0), inline=True)
        assert decided.late is Late.BUDGET
        assert await count(batcher, request(0)) == [before + 1]

    batching(check)


def test_overload_puts_the_newest_tick_aside() -> None:
    """Those that wait already are decided; the one that is too much is told at once."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        waits = asyncio.create_task(decide(batcher, request(1, 2, spawn=True)))
        await asyncio.sleep(0.01)
        shed = await asyncio.wait_for(decide(batcher, request(3, 4, spawn=True)), 1)
        assert shed.late is Late.OVERLOAD
        policy.gate.set()
        await first
        assert (await waits).late is Late.NO
        assert await count(batcher, request(1, 3)) == [1, 0]

    batching(check, max_waiting_rows=3)


def test_budgets_of_many_streams_never_mix_up_rows() -> None:
    """Whatever is late, every bot's count is the number of answers it really got."""

    async def play(batcher: Batcher, slot: int) -> tuple[int, float]:
        rng, me, got = np.random.default_rng(slot), object(), 0
        await decide(batcher, request(slot, spawn=True, owner=me))
        for _ in range(60):
            decided = await decide(batcher, request(slot, owner=me, seconds=rng.choice([1e-5, 3e-4, 1.0])))
            got += decided.late is Late.NO
        return got + 1, (await count(batcher, request(slot, owner=me)))[0]

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        for got, counted in await asyncio.gather(*(play(batcher, slot) for slot in range(12))):
            assert got == counted
        assert max(policy.batches) > 1

    batching(check)
