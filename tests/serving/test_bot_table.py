"""The memory of the bots: state, noise and slots."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.agents.noise import uniform_noise
from understudy.errors import ServingError
from understudy.serving.refusals import BotLimitError
from understudy.serving.roster import Roster
from understudy.serving.table import NOISE_AHEAD, BotTable, SlotPool


def test_noise_made_ahead_is_the_noise_of_each_decision() -> None:
    """Bots that were spawned at different times read the very numbers of `uniform_noise`, far past one block."""
    table = BotTable(state_size=2, noise_size=5)
    seeds = np.array([3, 2**64 - 1, 17], np.uint64)
    counts = np.zeros(3, np.uint64)
    rng = np.random.default_rng(0)
    table.reset(np.arange(3), seeds)
    for _ in range(3 * NOISE_AHEAD):
        slots = np.flatnonzero(rng.random(3) < 0.7)
        noise = table.read(slots).noise
        np.testing.assert_array_equal(noise, uniform_noise(seeds[slots], counts[slots], 5))
        table.advance(slots, np.ones((len(slots), 2), np.float32))
        counts[slots] += np.uint64(1)


def test_reset_forgets_state_and_restarts_noise() -> None:
    """A slot that is reset reads as a new one, and its neighbour is left alone."""
    table = BotTable(state_size=2, noise_size=3)
    both = np.arange(2)
    table.reset(both, np.array([1, 2], np.uint64))
    first = table.read(both)
    table.advance(both, np.full((2, 2), 9, np.float32))
    table.reset(both[:1], np.array([1], np.uint64))
    state, noise, _ = table.read(both)
    np.testing.assert_array_equal(state, [[0, 0], [9, 9]])
    np.testing.assert_array_equal(noise[0], first[1][0])
    assert not np.array_equal(noise[1], first[1][1])


def test_asking_again_with_the_same_array_is_the_same() -> None:
    """The short cut that keeps the states of the last decision is exact, across blocks of noise and other readers."""
    table, plain = BotTable(1, 2), BotTable(1, 2)
    order, seeds = np.arange(4), np.array([3, 4, 5, 6], np.uint64)
    for each in (table, plain):
        each.reset(order, seeds)
    for step in range(3 * NOISE_AHEAD):
        asked = np.array([2, 1]) if step % 7 == 3 else order
        memory, expected = table.read(asked), plain.read(asked.copy())
        for mine, theirs in zip(memory[:2], expected[:2], strict=True):
            np.testing.assert_array_equal(mine, theirs)
        table.advance(asked, memory.state + 1 + memory.noise[:, :1])
        plain.advance(asked.copy(), expected.state + 1 + expected.noise[:, :1])


def test_growing_keeps_what_is_there() -> None:
    """The table doubles when a slot lies beyond it, and the older bots keep their state."""
    table = BotTable(state_size=1, noise_size=1)
    table.reset(np.arange(2), np.zeros(2, np.uint64))
    table.advance(np.arange(2), np.array([[5], [6]], np.float32))
    before = table.capacity
    table.reset(np.array([before]), np.zeros(1, np.uint64))
    assert table.capacity == 2 * before
    np.testing.assert_array_equal(table.read(np.arange(2))[0], [[5], [6]])


def test_a_policy_without_state_or_noise_has_a_table() -> None:
    """Sizes of zero give arrays without columns."""
    table = BotTable(state_size=0, noise_size=0)
    table.reset(np.arange(3), np.zeros(3, np.uint64))
    state, noise, _ = table.read(np.arange(3))
    assert state.shape == noise.shape == (3, 0)


def test_slots_of_a_stream_that_ended_are_taken_again() -> None:
    """What one roster releases, the next one gets, so the table does not grow with the number of streams."""
    pool = SlotPool()
    for _ in range(5):
        roster = Roster(pool, max_bots=10)
        assert set(roster.spawn([7, 8, 9]).tolist()) == {0, 1, 2}
        pool.give(roster.despawn(roster.living))
    assert pool.num_taken == 0


def test_the_order_of_the_bots_is_the_order_of_the_slots() -> None:
    """The same bots in another order, or fewer of them, give the slots in that order."""
    roster = Roster(SlotPool(), max_bots=10)
    by_bot = dict(zip([5, 6, 7], roster.spawn([5, 6, 7]).tolist(), strict=True))
    for bots in ([5, 6, 7], [7, 5, 6], [6], [], [5, 6, 7]):
        assert roster.slots(bots).tolist() == [by_bot[bot] for bot in bots]


def test_a_bot_that_ended_is_no_longer_known() -> None:
    """A cached order does not survive a despawn."""
    roster = Roster(SlotPool(), max_bots=10)
    roster.spawn([1, 2])
    roster.slots([1, 2])
    roster.despawn([1])
    with pytest.raises(ServingError, match=r"^Bot 1 cannot decide: no bot 1 lives in this stream \(1 do\)"):
        roster.slots([1, 2])


@pytest.mark.parametrize(
    ("bots", "message"),
    [([4, 4], "Bot 4 is spawned twice in one tick"), (list(range(4)), "4 bots in one stream; this server allows 3")],
)
def test_a_wrong_spawn_takes_no_slot(bots: list[int], message: str) -> None:
    """A refused spawn says why and leaves the pool as it was."""
    pool = SlotPool()
    with pytest.raises(ServingError, match=message) as caught:
        Roster(pool, max_bots=3).spawn(bots)
    assert isinstance(caught.value, BotLimitError) == (len(bots) > 3)
    assert pool.num_taken == 0
