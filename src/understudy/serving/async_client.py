"""The same client for asyncio, for games and gateways that run on an event loop.

async with AsyncClient("127.0.0.1:50051") as client, await client.play("rusher") as stream:
    stream.spawn(0, seed=7)
    actions = await stream.tick([0], {"rays": rays})
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import numpy as np

from understudy.errors import ServingError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.credentials import ClientTls, call_metadata, open_aio_channel
from understudy.serving.fallback import Fallback
from understudy.serving.refusals import to_error
from understudy.serving.stream import CHANNEL_OPTIONS, CLOSE_S, ServedInfo, StreamState, open_request
from understudy.spec import Action, BehaviorSpec

T = TypeVar("T")


class AsyncClient:
    """A connection to a server. Make it inside the event loop that uses it.

    Args:
        address: `host:port`.
        timeout: Seconds that `describe` may take.
        tls: How to know the server, and to show who this client is; None: no encryption.
        token: That the server asks for.
    """

    def __init__(
        self, address: str, timeout: float = 10.0, *, tls: ClientTls | None = None, token: str | None = None
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._channel = open_aio_channel(address, CHANNEL_OPTIONS, tls)
        self._metadata = call_metadata(token)
        self._to_error = partial(to_error, address=address)
        self._stub: Any = pb_grpc.UnderstudyStub(self._channel)  # type: ignore[no-untyped-call]

    async def describe(self) -> list[ServedInfo]:
        """Return the bundles that the server plays; raises `ServingError` if there is no server."""
        try:
            response = await self._stub.Describe(pb.DescribeRequest(), timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as failure:
            raise self._to_error(failure) from None
        return [ServedInfo(each) for each in response.bundles]

    async def play(
        self,
        bundle: str = "",
        behavior: BehaviorSpec | None = None,
        *,
        budget_s: float | None = None,
        fallback: Fallback = Fallback.REPEAT,
        resume: str = "",
    ) -> AsyncPlayStream:
        """Open a stream of ticks; see `Client.play`."""
        opening = open_request(bundle, behavior, budget_s, fallback, resume)
        stream = AsyncPlayStream(self._stub.Play(metadata=self._metadata), self._to_error)
        await stream.open(opening)
        return stream

    async def close(self) -> None:
        """End the connection and its streams. Calling it twice does no harm."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncPlayStream(StreamState):
    """The bots that one client plays; they end with the stream. Made by `AsyncClient.play`."""

    def __init__(self, call: Any, to_error: Callable[[grpc.RpcError], UnderstudyError]) -> None:
        super().__init__()
        self._call = call
        self._to_error = to_error
        self._failure: UnderstudyError | None = None

    async def open(self, opening: pb.PlayRequest) -> None:
        """Send the first request; `AsyncClient.play` does."""
        self._opened((await self._exchange(opening)).opened)

    async def tick(
        self,
        bots: Sequence[int],
        observations: Mapping[str, np.ndarray],
        save: Sequence[int] = (),
        played: Mapping[int, Action] | None = None,
    ) -> dict[str, np.ndarray]:
        """Let some bots decide once; see `PlayStream.tick`."""
        await self.send(bots, observations, save, played)
        return await self.receive()

    async def send(
        self,
        bots: Sequence[int],
        observations: Mapping[str, np.ndarray],
        save: Sequence[int] = (),
        played: Mapping[int, Action] | None = None,
    ) -> None:
        """Ask for some bots' decisions without waiting; `receive` gives them, in the order they were asked for.

        A game that acts on an answer one frame later keeps the server busy while it simulates. A bot may be in several
        ticks at once: its decisions are made in order.
        """
        await self._guarded(self._write(self._request(bots, observations, save, played)))

    async def receive(self) -> dict[str, np.ndarray]:
        """Wait for the oldest tick that was sent and not yet received.

        Raises:
            ServingError: If there is none, or the server ended the stream.
        """
        if not self.num_in_flight:
            raise ServingError("There is no tick to receive; send one first.")
        return self._actions(await self._guarded(self._read()))

    async def close(self) -> None:
        """End the stream and its bots. Calling it twice does no harm."""
        self._failure = self._failure or ServingError("This stream is closed; open another with client.play().")
        if not self._call.done():
            with contextlib.suppress(TimeoutError, asyncio.InvalidStateError, grpc.aio.AioRpcError):
                await asyncio.wait_for(self._say_goodbye(), CLOSE_S)
        self._call.cancel()

    async def _say_goodbye(self) -> None:
        try:
            await self._call.done_writing()
            while await self._call.read() is not grpc.aio.EOF:
                pass  # answers to ticks that nobody waits for
        except asyncio.CancelledError:
            if not self._call.done():  # else a tick of this stream was cancelled, and that ended the call
                raise

    async def _exchange(self, request: pb.PlayRequest) -> pb.PlayResponse:
        await self._guarded(self._write(request))
        return await self._guarded(self._read())

    async def _guarded(self, exchange: Coroutine[Any, Any, T]) -> T:
        if self._failure is not None:
            exchange.close()
            raise self._failure
        try:
            return await exchange
        except grpc.aio.AioRpcError as failure:
            self._failure = self._to_error(failure)
            raise self._failure from None
        except asyncio.CancelledError:
            # gRPC ends a call together with an exchange that is cancelled.
            gone = ServingError("A tick of this stream was given up, which ended it; open another.")
            self._failure = self._failure or gone
            raise

    async def _write(self, request: pb.PlayRequest) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):  # The call has ended; `_read` says why.
            await self._call.write(request)

    async def _read(self) -> pb.PlayResponse:
        response = await self._call.read()
        if response is grpc.aio.EOF:
            raise grpc.aio.AioRpcError(
                await self._call.code(),
                await self._call.initial_metadata(),
                await self._call.trailing_metadata(),
                details=await self._call.details(),
            )
        return response

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
