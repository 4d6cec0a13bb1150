"""A whole server behind tokens: gRPC, web and metrics beside each other, with the same clients let in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from arena import BEHAVIOR, observe

from understudy.agents.bundle import Bundle
from understudy.agents.runtime import BundleAgent
from understudy.errors import ServingError
from understudy.serving.client import Client
from understudy.serving.limits import RateLimitError, RateLimits
from understudy.serving.options import ServerOptions
from understudy.serving.remote import RemoteAgent
from understudy.serving.security import Security, Tokens, UnauthenticatedError
from understudy.serving.server import Server

TOKEN = "f00d" * 8
SECURITY = Security(tokens=Tokens({"arena": TOKEN}))


def beside(bundles: list[Bundle], check: Callable[[Server], None], **options: Any) -> None:
    """Run `check` in a thread beside a server behind tokens, with a web port and metrics."""
    ports = {"web": 0, "metrics": 0}

    async def main() -> None:
        server = Server(bundles, ServerOptions(port=0, side_ports=ports, security=SECURITY, **options))
        await server.start()
        try:
            await asyncio.wait_for(asyncio.to_thread(check, server), 60)
        finally:
            await server.stop(0.1)

    asyncio.run(main())


def test_a_token_opens_the_python_client(bundles: list[Bundle]) -> None:
    """With it a remote agent does what a local one does; without it, the error says what to send."""

    def check(server: Server) -> None:
        with pytest.raises(UnauthenticatedError, match="asks for a token"):
            RemoteAgent(server.address, "rusher")
        with Client(server.address) as client, pytest.raises(UnauthenticatedError):
            client.describe()
        local, remote = BundleAgent(bundles[0]), RemoteAgent(server.address, "rusher", token=TOKEN)
        rng = np.random.default_rng(0)
        for _ in range(5):
            seen = {name: array[0] for name, array in observe(rng, 1).items()}
            expected, action = local.act(seen), remote.act(seen)
            for name in BEHAVIOR.action_names:
                np.testing.assert_allclose(action[name], expected[name], atol=1e-3)
        remote.close()

    beside(bundles, check)


def test_the_ports_show_one_server(bundles: list[Bundle]) -> None:
    """The bots of a web session are in the metrics; the web port asks for the same token."""

    def check(server: Server) -> None:
        call = f"http://{server.side_addresses['web']}/understudy.v1.Web/"
        with httpx.Client(verify=False, timeout=20) as http:
            assert http.post(call + "Describe", json={}).status_code == 401
            http.headers["authorization"] = f"Bearer {TOKEN}"
            session = http.post(call + "Open", json={"bundle": "camper"}).json()["session"]
            http.post(call + "Tick", json={"session": session, "spawn": [{"bot": bot} for bot in range(7)]})
            text = http.get(f"http://{server.side_addresses['metrics']}/metrics").text
        assert 'understudy_bots{bundle="camper"} 7.0' in text
        assert 'understudy_streams{bundle="camper",dialect="web"} 1.0' in text

    beside(bundles, check)


def test_a_stream_keeps_to_its_rate(bundles: list[Bundle]) -> None:
    """The tick that comes too soon ends its stream with RESOURCE_EXHAUSTED; a host may not open too many."""

    def check(server: Server) -> None:
        seen = observe(np.random.default_rng(0), 1)
        with Client(server.address, token=TOKEN) as client:
            with client.play("rusher") as stream:
                stream.spawn(0, 0)
                for _ in range(5):
                    stream.tick([0], seen)
                with pytest.raises(RateLimitError, match="More than 5 ticks a second"):
                    tick_often(stream, seen)
            with pytest.raises(RateLimitError, match=r"127\.0\.0\.1 opened more than 0\.1 streams a second"):
                client.play("rusher")

    beside(bundles, check, rates=RateLimits(ticks_per_s=5, opens_per_s=0.1))


def tick_often(stream: Any, seen: dict[str, np.ndarray]) -> None:
    """Tick two hundred times as fast as it goes."""
    for _ in range(200):
        stream.tick([0], seen)


def test_a_side_port_that_is_taken_stops_the_start(bundles: list[Bundle]) -> None:
    """No half of a server stays behind."""

    def check(server: Server) -> None:
        taken = int(server.side_addresses["web"].rpartition(":")[2])

        async def start() -> None:
            await Server(bundles[:1], ServerOptions(port=0, side_ports={"metrics": 0, "web": taken})).start()

        with pytest.raises(ServingError, match="--web-port"):
            asyncio.run(start())

    beside(bundles, check)


def test_another_header_is_no_token(bundles: list[Bundle]) -> None:
    """A stranger who knows only the address gets UNAUTHENTICATED."""

    def check(server: Server) -> None:
        with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/understudy.v1.Understudy/Describe")(b"", timeout=10, metadata=(("token", TOKEN),))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED

    beside(bundles, check)
