"""Who shares a batch with whom, with a policy that can be held still."""

from __future__ import annotations

import asyncio
import threading

import pytest
from policies import CountingPolicy, batching, begin, count, request

from understudy.errors import ServingError
from understudy.serving.batcher import MAX_ROWS, Batcher


def test_requests_gather_while_a_batch_computes() -> None:
    """Three requests that arrive during a turn share the next one, and each gets its own rows."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        others = [asyncio.create_task(count(batcher, request(*slots, spawn=True))) for slots in ((1, 2), (3,))]
        again = asyncio.create_task(count(batcher, request(4, 5, 6, spawn=True)))
        await asyncio.sleep(0.01)
        policy.gate.set()
        answers = [await each for each in (first, *others, again)]
        assert [len(each) for each in answers] == [1, 2, 1, 3]
        assert policy.batches == [1, 6]
        assert await count(batcher, request(2, 0, 6)) == [1, 1, 1]

    batching(check)


def test_ticks_of_one_stream_are_decided_one_after_the_other() -> None:
    """Three ticks that wait together take three turns, while another stream's tick shares the first of them."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        me, other = object(), object()
        first = await begin(batcher, policy, request(0, spawn=True, owner=me))
        mine = [asyncio.create_task(count(batcher, request(0, owner=me))) for _ in range(2)]
        await asyncio.sleep(0.01)
        theirs = asyncio.create_task(count(batcher, request(1, spawn=True, owner=other)))
        mine.append(asyncio.create_task(count(batcher, request(0, owner=me))))
        await asyncio.sleep(0.01)
        policy.gate.set()
        assert [await each for each in (first, *mine)] == [[0], [1], [2], [3]]
        assert await theirs == [0]
        assert sorted(policy.batches) == [1, 1, 1, 2]

    batching(check)


def test_a_request_that_was_cancelled_is_not_computed() -> None:
    """Its slot may already belong to another stream's bot in the same batch, which must not see the older one."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(0, spawn=True))
        gone = asyncio.create_task(count(batcher, request(5, spawn=True)))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        heir = asyncio.create_task(count(batcher, request(5, spawn=True)))
        await asyncio.sleep(0.01)
        policy.gate.set()
        await first
        assert await heir == [0]
        assert policy.batches == [1, 1]

    batching(check)


def test_a_cancelled_tick_still_brings_its_bots_to_life() -> None:
    """A client that comes back finds them new, not with the memory of the slot's former bot."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        assert await count(batcher, request(5, spawn=True)) == [0]
        policy.batches.clear()
        first = await begin(batcher, policy, request(0, spawn=True))
        gone = asyncio.create_task(count(batcher, request(5, spawn=True)))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        policy.gate.set()
        await first
        assert await count(batcher, request(5)) == [0]

    batching(check)


def test_a_slot_freed_during_its_turn_starts_afresh() -> None:
    """The state that a cancelled request still writes does not reach the slot's next bot."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        first = await begin(batcher, policy, request(5, spawn=True))
        first.cancel()
        heir = asyncio.create_task(count(batcher, request(5, spawn=True), inline=True))
        await asyncio.sleep(0.01)
        policy.gate.set()
        assert await heir == [0]
        assert await count(batcher, request(5), inline=True) == [1]

    batching(check)


def test_a_stream_that_is_alone_computes_in_the_event_loop() -> None:
    """Once turns in the thread have shown how short they are; the bot's count goes on from one to the other."""

    async def check(batcher: Batcher, policy: CountingPolicy) -> None:
        await count(batcher, request(0, spawn=True), inline=True)
        assert policy.threads == {"policy counting"}
        for expected in range(1, 300):
            assert await count(batcher, request(0), inline=True) == [expected]
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
        others = [asyncio.create_task(count(batcher, request(*part, spawn=True))) for part in parts]
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
        assert await first == [0]
        with pytest.raises(ServingError, match="'counting' is no longer served"):
            await count(batcher, request(0), inline=True)

    batching(check)
