"""Ticks that are sent before the last was answered, and clients that are there before their server."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time

import numpy as np
import pytest
from arena import observe

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.async_client import AsyncClient
from understudy.serving.client import Client
from understudy.serving.options import ServerOptions
from understudy.serving.remote import RemoteAgent
from understudy.serving.run import serve_in_thread


def test_ticks_in_flight_are_decided_in_order(address: str, client: Client) -> None:
    """Three ticks sent ahead of their answers give the actions that one tick at a time gives."""
    observations = [observe(np.random.default_rng(step), 2) for step in range(9)]
    with client.play("rusher") as stream:
        for bot in range(2):
            stream.spawn(bot, seed=bot)
        expected = [stream.tick([0, 1], seen) for seen in observations]

    async def play() -> list[dict[str, np.ndarray]]:
        async with AsyncClient(address) as client, await client.play("rusher") as stream:
            for bot in range(2):
                stream.spawn(bot, seed=bot)
            for seen in observations[:3]:
                await stream.send([0, 1], seen)
            found = []
            for seen in observations[3:]:
                found.append(await stream.receive())
                await stream.send([0, 1], seen)
            return found + [await stream.receive() for _ in range(3)]

    for ours, theirs in zip(expected, asyncio.run(play()), strict=True):
        for name, value in ours.items():
            np.testing.assert_array_equal(theirs[name], value)


def test_nothing_to_receive_is_said(address: str) -> None:
    """Receiving without a tick in flight raises an error instead of waiting for ever."""

    async def play() -> None:
        async with AsyncClient(address) as client, await client.play("rusher") as stream:
            await stream.receive()

    with pytest.raises(ServingError, match="no tick to receive"):
        asyncio.run(play())


def test_a_patient_agent_waits_for_its_server(bundles: list[Bundle]) -> None:
    """An agent that is made before its server listens plays as soon as it does, and gives up after its patience."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with pytest.raises(ServingError, match=r"no server at 127\.0\.0\.1:\d+ after 0\.2 s"):
        RemoteAgent(address, patience_s=0.2)
    made: list[RemoteAgent] = []
    waiting = threading.Thread(target=lambda: made.append(RemoteAgent(address, "camper", patience_s=30)))
    waiting.start()
    time.sleep(0.2)
    with serve_in_thread(bundles, ServerOptions(port=port)):
        waiting.join(30)
        assert made[0].behavior == bundles[1].behavior
        made[0].close()


def test_a_server_tells_how_its_bundles_were_made(client: Client, bundles: list[Bundle]) -> None:
    """The description of a bundle holds its provenance."""
    told = {each.name: each.provenance for each in client.describe()}
    assert told == {each.name: json.loads(json.dumps(each.card.provenance)) for each in bundles}
