"""Another version of a bundle, loaded while its bots play."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import numpy as np
import pytest
from arena import make_bundle, observe
from policies import CountingPolicy, count, request, version

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.async_client import AsyncClient, AsyncPlayStream
from understudy.serving.batcher import Batcher
from understudy.serving.options import ServerOptions
from understudy.serving.server import Server
from understudy.serving.table import BotTable
from understudy.serving.versions import MAX_FAILURES, Versions

BOTS = list(range(20))
SEEN = [observe(np.random.default_rng(step), 1) for step in range(10)]


def administering(folder: Path, check: Callable[[Server, Any], Awaitable[None]]) -> None:
    """Run `check` beside a server whose bundle 'rusher' was made with seed 0, and its Admin stub."""
    bundle = make_bundle(folder / "first")

    async def main() -> None:
        server = Server([bundle], ServerOptions(port=0, admin=True, bundles_root=folder))
        await server.start()
        try:
            async with grpc.aio.insecure_channel(server.address) as channel:
                await asyncio.wait_for(check(server, pb_grpc.AdminStub(channel)), 60)  # type: ignore[no-untyped-call]
        finally:
            await server.stop(grace=0.1)

    asyncio.run(main())


async def play(stream: AsyncPlayStream, bots: list[int], steps: range) -> np.ndarray:
    """Tick the same observations for everybody; returns the turns, (steps, bots)."""
    turns = []
    for step in steps:
        batch = {name: np.repeat(value, len(bots), 0) for name, value in SEEN[step].items()}
        turns.append((await stream.tick(bots, batch))["turn"][:, 0])
    return np.stack(turns)


def play_local(bundle: Bundle, other: Bundle, swap_at: int, steps: int) -> np.ndarray:
    """Return the turns of a local bot with seed 3 whose graph is swapped, its state kept."""
    agent, heir = BundleAgent(bundle), BundleAgent(other)
    agent.reset(3)
    turns = []
    for step in range(steps):
        if step == swap_at:
            heir._state, heir._seed, heir._decision = agent._state, agent._seed, agent._decision
            agent = heir
        turns.append(agent.act({name: value[0] for name, value in SEEN[step].items()})["turn"][0])
    return np.array(turns)


def test_a_swap_keeps_every_bots_state(tmp_path: Path) -> None:
    """The new graph goes on from the state and the noise where the old one stopped, as a local swap does."""
    other = make_bundle(tmp_path / "second", seed=1)

    async def check(server: Server, admin: Any) -> None:
        async with AsyncClient(server.address) as client, await client.play() as stream:
            stream.spawn(0, seed=3)
            before = await play(stream, [0], range(5))
            loaded = await admin.Load(pb.LoadRequest(folder="second"))
            assert (loaded.name, loaded.bots_carried, loaded.bots_reset) == ("rusher", 1, 0)
            after = await play(stream, [0], range(5, 10))
        (described,) = (await AsyncClient(server.address).describe(),)
        assert described[0].digest == other.digest
        expected = play_local(Bundle.load(tmp_path / "first"), other, 5, 10)
        np.testing.assert_array_equal(np.concatenate([before, after])[:, 0], expected)

    administering(tmp_path, check)


def test_a_swap_to_another_memory_starts_bots_afresh(tmp_path: Path) -> None:
    """Where states cannot go over, no tick fails, and the bots are new ones with their seeds."""
    make_bundle(tmp_path / "wider", hidden=12)

    async def check(server: Server, admin: Any) -> None:
        async with AsyncClient(server.address) as client, await client.play() as stream:
            stream.spawn(0, seed=3)
            await play(stream, [0], range(5))
            loaded = await admin.Load(pb.LoadRequest(folder="wider"))
            assert (loaded.bots_carried, loaded.bots_reset) == (0, 1)
            assert np.isfinite(await play(stream, [0], range(5, 10))).all()

    administering(tmp_path, check)


def test_a_canary_plays_its_share(tmp_path: Path) -> None:
    """About half of the bots change over, always the same ones, until the version is promoted or taken back."""
    other = make_bundle(tmp_path / "second", seed=1)

    async def check(server: Server, admin: Any) -> None:
        first = Bundle.load(tmp_path / "first")
        old, new = (play_local(each, each, 0, 1)[0] for each in (first, other))
        async with AsyncClient(server.address) as client, await client.play() as stream:

            async def who() -> np.ndarray:
                for bot in BOTS:
                    stream.spawn(bot, seed=3)
                turns = (await play(stream, BOTS, range(1)))[0]
                assert np.isin(turns, [old, new]).all()
                return turns == new

            assert not (await who()).any()
            await admin.Load(pb.LoadRequest(folder="second", share=0.5))
            tried = await who()
            assert 5 <= tried.sum() <= 15
            np.testing.assert_array_equal(await who(), tried)
            status = (await admin.Status(pb.StatusRequest())).bundles[0]
            assert [each.share for each in status.versions] == [0.5, 0.5]
            assert status.versions[1].decisions == 2 * tried.sum()
            settled = await admin.Settle(pb.SettleRequest(bundle="rusher", promote=False))
            assert settled.digest == first.digest
            assert not (await who()).any()
            await admin.Load(pb.LoadRequest(folder="second", share=0.5))
            await admin.Settle(pb.SettleRequest(bundle="rusher", promote=True))
            assert (await who()).all()
            with pytest.raises(grpc.RpcError, match="has no version on trial"):
                await admin.Settle(pb.SettleRequest(bundle="rusher", promote=True))

    administering(tmp_path, check)


@pytest.mark.parametrize(
    ("folder", "share", "message"),
    [
        ("../elsewhere", 0, "is not inside"),
        ("nothing", 0, "is no bundle"),
        ("stranger", 0, "plays no bundle named 'stranger'"),
        ("wider", 0.5, "remembers other numbers"),
        ("first", 7, "must be from 0 to 1"),
    ],
)
def test_what_cannot_be_loaded_changes_nothing(tmp_path: Path, folder: str, share: float, message: str) -> None:
    """One sentence says why, and the version that plays plays on."""
    make_bundle(tmp_path / "stranger", "stranger")
    make_bundle(tmp_path / "wider", hidden=12)

    async def check(server: Server, admin: Any) -> None:
        async with AsyncClient(server.address) as client, await client.play() as stream:
            stream.spawn(0, seed=3)
            await play(stream, [0], range(5))
            with pytest.raises(grpc.RpcError, match=message) as caught:
                await admin.Load(pb.LoadRequest(folder=folder, share=share))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            await play(stream, [0], range(5, 10))
            assert len((await admin.Status(pb.StatusRequest())).bundles[0].versions) == 1

    administering(tmp_path, check)


def test_the_admin_service_is_off_unless_asked_for(address: str) -> None:
    """A client of a plain server cannot look after it."""
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        pb_grpc.AdminStub(channel).Status(pb.StatusRequest(), timeout=10)  # type: ignore[no-untyped-call]
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


class Trial(NamedTuple):
    """A batcher with two versions, and the policies behind them."""

    batcher: Batcher
    versions: Versions
    stable: CountingPolicy
    newer: CountingPolicy


def trying(share: float, check: Callable[[Trial], Awaitable[None]]) -> None:
    """Run `check` with a batcher whose second version adds a hundred to what the first says."""
    stable, trial = CountingPolicy(), CountingPolicy(offset=100)
    versions = Versions(version(stable))
    batcher = Batcher(versions, BotTable(1, 1), "counting")
    versions.try_out(version(trial), share)
    try:
        asyncio.run(asyncio.wait_for(check(Trial(batcher, versions, stable, trial)), 30))
    finally:
        batcher.close()


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_version_that_fails_loses_no_tick_and_is_taken_back(share: float, caplog: pytest.LogCaptureFixture) -> None:
    """The version before decides the same bots on the same state, and after a few failures it decides all of them."""

    async def check(t: Trial) -> None:
        good = await count(t.batcher, request(*range(8), spawn=True))
        assert set(good) == ({0, 100} if share < 1 else {100})
        t.newer.fails = True
        for step in range(1, 6):
            assert await count(t.batcher, request(*range(8))) == [step] * 8
        assert len(t.newer.batches) == 1 + MAX_FAILURES
        assert t.versions.trial is None

    with caplog.at_level(logging.ERROR):
        trying(share, check)
    assert "failed, so it is taken back" in caplog.text


def test_a_version_that_is_slow_is_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    """Its 99th percentile is held against that of the version before."""

    async def check(t: Trial) -> None:
        assert t.versions.trial is not None
        for _ in range(300):
            t.versions.stable.counters.turn(1, 4, 0.0, 1e-4)
        for _ in range(254):
            t.versions.trial.counters.turn(1, 4, 0.0, 0.02)
        await count(t.batcher, request(0, spawn=True))
        assert t.versions.trial is not None
        await count(t.batcher, request(0))
        assert t.versions.trial is None

    with caplog.at_level(logging.ERROR):
        trying(1.0, check)
    assert "takes 20.0 ms (p99), the one before it 0.1 ms, so it is taken back" in caplog.text


def test_a_version_that_proves_itself_is_trusted() -> None:
    """After its trial there is one version again, which is the new one."""

    async def check(t: Trial) -> None:
        new = t.versions.trial
        assert new is not None
        for _ in range(2047):
            new.counters.turn(1, 4, 0.0, 1e-4)
        await count(t.batcher, request(0, spawn=True))
        assert t.versions.stable is new
        assert t.versions.trial is None

    trying(1.0, check)


def test_rows_of_two_versions_come_back_in_their_order() -> None:
    """Whatever slots decide, each bot's count is its own."""

    async def check(t: Trial) -> None:
        rng, counts = np.random.default_rng(0), np.zeros(50)
        await count(t.batcher, request(*range(50), spawn=True))
        counts += 1
        for _ in range(20):
            slots = rng.permutation(50)[: rng.integers(1, 50)]
            found = np.array(await count(t.batcher, request(*slots.tolist())))
            np.testing.assert_array_equal(found % 100, counts[slots])
            counts[slots] += 1
        assert t.stable.batches
        assert t.newer.batches

    trying(0.3, check)
