"""The server around the streams: health, reflection, stopping, and clients that misbehave or vanish."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import numpy as np
import pytest
from arena import make_bundle, observe
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from understudy.agents.bundle import Bundle, ParitySample
from understudy.agents.runtime import PolicyRuntime
from understudy.errors import BundleError, ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.async_client import AsyncClient, AsyncPlayStream
from understudy.serving.options import ServerOptions
from understudy.serving.registry import load_bundles
from understudy.serving.run import serve_in_thread
from understudy.serving.server import Server
from understudy.serving.servicer import SERVICE
from understudy.serving.versions import Loading


def serving(bundles: list[Bundle], check: Callable[[Server], Awaitable[None]], **options: float) -> None:
    """Run `check` beside a server in one event loop."""

    async def main() -> None:
        server = Server(bundles, ServerOptions(**{"port": 0, "grace_s": 0.1, **options}))  # type: ignore[arg-type]
        await server.start()
        try:
            await asyncio.wait_for(check(server), 60)
        finally:
            await server.stop(grace=0.1)

    asyncio.run(main())


async def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true, ten seconds at most."""
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def flood(call: grpc.aio.StreamStreamCall, request: pb.PlayRequest, num_bytes: int) -> None:
    """Send a request over and over without reading an answer; raises `TimeoutError` once the server holds back."""
    for _ in range(num_bytes // request.ByteSize()):
        await asyncio.wait_for(call.write(request), 1)


async def play_on(stream: AsyncPlayStream) -> None:
    """Tick bot 0 until something ends it."""
    for _ in range(1000):
        await stream.tick([0], observe(np.random.default_rng(0), 1))


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_says_serving(address: str, service: str) -> None:
    """The standard health service answers for the server and for its service."""
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10).status
    assert status == health_pb2.HealthCheckResponse.SERVING


def test_health_does_not_know_other_services(address: str) -> None:
    """A service that is not here is NOT_FOUND."""
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="other"), timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_service(address: str) -> None:
    """A generic client can find out what is served without the proto file."""
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with grpc.insecure_channel(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answer = next(stub.ServerReflectionInfo(iter([request]), timeout=10))
    assert {SERVICE, "grpc.health.v1.Health"} <= {each.name for each in answer.list_services_response.service}


def test_a_stream_that_ends_frees_its_bots(bundles: list[Bundle]) -> None:
    """Closing, being refused and being cancelled all give the bots' slots back."""

    async def check(server: Server) -> None:
        async with AsyncClient(server.address) as client:
            for end in ("close", "refused", "cancelled in a tick"):
                stream = await client.play("rusher")
                for bot in range(30):
                    stream.spawn(bot, bot)
                await stream.tick(range(30), observe(np.random.default_rng(0), 30))
                assert server.num_bots == 30
                if end == "refused":
                    with pytest.raises(ServingError):
                        await stream.tick([99], observe(np.random.default_rng(0), 1))
                elif end == "cancelled in a tick":
                    task = asyncio.create_task(stream.tick(range(30), observe(np.random.default_rng(0), 30)))
                    await asyncio.sleep(0)
                    task.cancel()
                await stream.close()
                await until(lambda: server.num_bots == 0)

    serving(bundles, check)


VANISHING = """
import sys, time
import numpy as np
from understudy.serving.client import Client
stream = Client(sys.argv[1]).play("rusher")
for bot in range(7):
    stream.spawn(bot, bot)
stream.tick(range(7), {"rays": np.zeros((7, 4), np.float32), "frame": np.zeros((7, 2, 3), np.uint8)})
print("ready", flush=True)
time.sleep(60)
"""


def test_a_client_that_is_killed_frees_its_bots(bundles: list[Bundle]) -> None:
    """Nobody has to say goodbye."""

    async def check(server: Server) -> None:
        command = (sys.executable, "-c", VANISHING, server.address)
        game = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert game.stdout is not None
        assert await game.stdout.readline() == b"ready\n"
        assert server.num_bots == 7
        game.send_signal(signal.SIGKILL)
        await game.wait()
        await until(lambda: server.num_bots == 0)

    serving(bundles, check)


def test_a_policy_that_fails_fails_its_own_stream(bundles: list[Bundle], caplog: pytest.LogCaptureFixture) -> None:
    """In one batch, the bots that the policy can play are played; the other stream gets a plain INTERNAL."""
    good, bad = observe(np.random.default_rng(0), 3), observe(np.random.default_rng(1), 1)
    bad["frame"][0, 0, 0] = 250

    async def play_good(server: Server, ticks: int) -> list[int]:
        async with AsyncClient(server.address) as client, await client.play("rusher") as stream:
            for bot in range(3):
                stream.spawn(bot, bot)
            return [each for _ in range(ticks) for each in (await stream.tick(range(3), good))["move"].tolist()]

    async def play_bad(server: Server) -> None:
        async with AsyncClient(server.address) as client, await client.play("rusher") as stream:
            stream.spawn(0, 0)
            await stream.tick([0], bad)

    async def check(server: Server) -> None:
        alone = await play_good(server, 60)
        with caplog.at_level(logging.ERROR):
            among, *failures = await asyncio.gather(
                play_good(server, 60), *(play_bad(server) for _ in range(8)), return_exceptions=True
            )
        assert among == alone
        for failure in failures:
            assert isinstance(failure, ServingError)
            assert str(failure).endswith(
                "answered INTERNAL: The server met an internal error and ended this call; its log says why."
            )

    serving(bundles, check)
    assert "indices element out of data bounds" in caplog.text
    assert "Traceback" in caplog.text


def test_a_client_that_does_not_read_is_held_back(bundles: list[Bundle]) -> None:
    """A stream whose answers are not fetched stops being read, so it cannot fill the server's memory."""
    request = pb.PlayRequest(tick=pb.Tick(tick=1, bots=range(64), sensors=[bytes(64 * 16), bytes(64 * 6)]))
    first = pb.Tick(spawn=[pb.Spawn(bot=bot) for bot in range(64)])

    async def check(server: Server) -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            call = pb_grpc.UnderstudyStub(channel).Play()
            await call.write(pb.PlayRequest(open=pb.Open(bundle="rusher")))
            await call.write(pb.PlayRequest(tick=first))
            with pytest.raises(TimeoutError):
                await flood(call, request, 32 << 20)
            call.cancel()
            async with AsyncClient(server.address) as client, await client.play("camper") as stream:
                stream.spawn(0, 0)
                assert (await stream.tick([0], observe(np.random.default_rng(0), 1)))["move"].shape == (1,)
        await until(lambda: server.num_bots == 0)

    serving(bundles, check)


def test_stopping_lets_a_tick_finish_and_says_why(bundles: list[Bundle]) -> None:
    """A stream that plays while the server stops is told so, and new calls find no server."""

    async def check(server: Server) -> None:
        async with AsyncClient(server.address) as client:
            stream = await client.play("rusher")
            stream.spawn(0, 0)
            stopping = asyncio.create_task(server.stop(grace=5))
            with pytest.raises(ServingError, match="The server is stopping; open the stream again when it is back"):
                await play_on(stream)
            await asyncio.wait_for(stopping, 3)
            with pytest.raises(ServingError, match="There is no server at"):
                await client.describe()

    serving(bundles, check)


def test_a_port_that_is_taken_is_told(bundles: list[Bundle]) -> None:
    """Two servers never share a port by accident."""
    with serve_in_thread(bundles) as address:
        port = int(address.split(":")[1])
        with (
            pytest.raises(ServingError, match=f"Cannot listen on 127.0.0.1:{port}; choose another with --port"),
            serve_in_thread(bundles, ServerOptions(port=port)),
        ):
            pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_bots": 0}, "The option max_bots is 0; it must be at least 1"),
        ({"port": 70000}, "The port is 70000"),
        ({"host": "0.0.0.0"}, "can be reached from other machines"),
        ({"host": "example.org"}, "can be reached from other machines"),
    ],
)
def test_options_out_of_range_are_told(options: dict, message: str) -> None:
    """An option that cannot work, or is not safe, is refused before anything starts."""
    with pytest.raises(ServingError, match=message):
        ServerOptions(**options)


def test_a_bundle_that_answers_otherwise_is_not_served(tmp_path: Path, bundles: list[Bundle]) -> None:
    """The parity sample is played again when the server starts, and decides."""
    rng = np.random.default_rng(0)
    observations, noise = observe(rng, 12), rng.random((12, 6), np.float32)
    logits, actions = PolicyRuntime(bundles[0]).replay(list(observations.values()), noise)
    named = dict(zip(bundles[0].behavior.action_names, actions, strict=True))
    right = make_bundle(tmp_path / "right", parity=ParitySample(observations, noise, logits, named))
    Loading().load(right)
    wrong = make_bundle(tmp_path / "wrong", parity=ParitySample(observations, noise, logits + 1, named))
    with pytest.raises(BundleError, match="fails its parity check here"):
        Loading().load(wrong)


def test_two_bundles_of_one_name_are_refused(tmp_path: Path, bundles: list[Bundle]) -> None:
    """A name means one bundle."""
    make_bundle(tmp_path / "copy", "rusher")
    with pytest.raises(ServingError, match="are named 'rusher'"):
        load_bundles([bundles[0].folder, tmp_path / "copy"])
    with pytest.raises(ServingError, match="no bundle to serve"):
        load_bundles([])
