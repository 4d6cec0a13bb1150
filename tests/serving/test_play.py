"""Playing through a server is playing locally."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from arena import BEHAVIOR, observe
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import ComparedStream

from understudy.agents.agent import Agent
from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.errors import ServingError
from understudy.serving.async_client import AsyncClient
from understudy.serving.client import Client
from understudy.serving.remote import RemoteAgent


@settings(max_examples=6, deadline=None)
@given(seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4, unique=True))
def test_every_bot_plays_as_a_local_agent(address: str, bundles: list[Bundle], seeds: list[int]) -> None:
    """Several streams at once, with bots that come, go and restart at odd times, all act as local agents do."""
    with Client(address) as client, ThreadPoolExecutor(len(seeds)) as pool:
        streams = [ComparedStream(client, bundles[index % 2], seed) for index, seed in enumerate(seeds)]
        for each in [pool.submit(stream.play, 50) for stream in streams]:
            each.result(timeout=60)
        assert min(each.num_compared for each in streams) > 50
        for each in streams:
            each.close()


def test_a_remote_agent_is_a_local_agent(address: str, bundles: list[Bundle]) -> None:
    """`RemoteAgent` fills the protocol and gives the actions of `BundleAgent`, before and after a reset."""
    remote, local = RemoteAgent(address, "camper"), BundleAgent(bundles[1])
    assert isinstance(remote, Agent)
    assert remote.behavior == BEHAVIOR
    rng = np.random.default_rng(0)
    for decision in range(20):
        if decision % 8 == 5:
            remote.reset(decision)
            local.reset(decision)
        observation = {name: array[0] for name, array in observe(rng, 1).items()}
        ours, theirs = remote.act(observation), local.act(observation)
        for part in BEHAVIOR.actions:
            assert ours[part.name].shape == part.shape
            assert ours[part.name].dtype == part.dtype
            np.testing.assert_allclose(ours[part.name], theirs[part.name], atol=1e-3)
    remote.close()
    remote.close()


def test_the_async_client_plays_the_same(address: str, client: Client) -> None:
    """Both clients get the same actions for the same seeds."""
    observations = observe(np.random.default_rng(3), 5)

    async def play() -> list[dict[str, np.ndarray]]:
        async with AsyncClient(address) as client, await client.play("rusher") as stream:
            for bot in range(5):
                stream.spawn(bot, bot)
            return [await stream.tick(range(5), observations) for _ in range(40)]

    with client.play("rusher") as stream:
        for bot in range(5):
            stream.spawn(bot, bot)
        for theirs in asyncio.run(play()):
            ours = stream.tick(range(5), observations)
            for name in BEHAVIOR.action_names:
                np.testing.assert_allclose(ours[name], theirs[name], atol=1e-3)


def test_describe_tells_what_is_served(client: Client, bundles: list[Bundle]) -> None:
    """Name, digest and spec of each bundle reach the client."""
    told = {each.name: each for each in client.describe()}
    assert {name: info.digest for name, info in told.items()} == {each.name: each.digest for each in bundles}
    assert told["rusher"].behavior == BEHAVIOR


def test_a_game_may_offer_more_than_the_bundle_needs(client: Client) -> None:
    """Sensors in another order pass, and ticks follow the bundle's spec."""
    with client.play("rusher", BEHAVIOR.select(["frame", "rays"])) as stream:
        stream.spawn(0, 1)
        assert stream.info.behavior == BEHAVIOR
        assert set(stream.tick([0], observe(np.random.default_rng(0), 1))) == set(BEHAVIOR.action_names)


def test_a_tick_may_only_spawn(client: Client) -> None:
    """A tick without bots is answered with empty arrays, and its spawn counts."""
    with client.play("rusher") as stream:
        stream.spawn(3, 1)
        empty = stream.tick([], observe(np.random.default_rng(0), 0))
        assert {name: array.shape for name, array in empty.items()} == {"move": (0,), "buttons": (0, 2), "turn": (0, 1)}
        assert stream.tick([3], observe(np.random.default_rng(0), 1))["move"].shape == (1,)


def test_a_full_stream_replaces_its_bots_in_one_tick(client: Client) -> None:
    """Despawns are done before spawns, so the limit is on bots that live at once."""
    with client.play("rusher") as stream:
        for bot in range(100):
            stream.spawn(bot, bot)
        stream.tick([], observe(np.random.default_rng(0), 0))
        for bot in range(100):
            stream.despawn(bot)
            stream.spawn(bot + 100, bot)
        assert len(stream.tick(range(100, 200), observe(np.random.default_rng(0), 100))["move"]) == 100


def test_a_bot_despawned_before_its_first_tick_never_lives(client: Client) -> None:
    """The client cancels a spawn that has not been sent, and knows which bots live."""
    with client.play("rusher") as stream:
        stream.spawn(1, 1)
        stream.despawn(1)
        with pytest.raises(ServingError, match="no bot 1 lives"):
            stream.despawn(1)
        with pytest.raises(ServingError, match=r"^Bot 1 cannot decide: no bot 1 lives in this stream \(0 do\)"):
            stream.tick([1], observe(np.random.default_rng(0), 1))
