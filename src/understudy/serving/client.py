"""The Python client of a server: what it serves, and a stream of ticks.

with Client("127.0.0.1:50051") as client, client.play("rusher") as stream:
    for bot in range(64):
        stream.spawn(bot, seed=bot)
    actions = stream.tick(range(64), {"rays": rays})  # rays: float32 (64, 31, 9)
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np

from understudy.errors import ServingError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.credentials import ClientTls, call_metadata, open_channel
from understudy.serving.fallback import Fallback
from understudy.serving.refusals import to_error
from understudy.serving.stream import CHANNEL_OPTIONS, CLOSE_S, ServedInfo, StreamState, open_request
from understudy.spec import Action, BehaviorSpec


class Client:
    """A connection to a server.

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
        self._channel = open_channel(address, CHANNEL_OPTIONS, tls)
        self._metadata = call_metadata(token)
        self._to_error = partial(to_error, address=address)
        self._stub: Any = pb_grpc.UnderstudyStub(self._channel)  # type: ignore[no-untyped-call]

    def wait(self, seconds: float) -> None:
        """Wait until a server listens; raises `ServingError` if none does within so many seconds."""
        try:
            grpc.channel_ready_future(self._channel).result(timeout=seconds)
        except grpc.FutureTimeoutError:
            raise ServingError(
                f"There is no server at {self.address} after {seconds:g} s; start one with: understudy serve BUNDLE"
            ) from None

    def describe(self) -> list[ServedInfo]:
        """Return the bundles that the server plays; raises `ServingError` if there is no server."""
        try:
            response = self._stub.Describe(pb.DescribeRequest(), timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise self._to_error(failure) from None
        return [ServedInfo(each) for each in response.bundles]

    def play(
        self,
        bundle: str = "",
        behavior: BehaviorSpec | None = None,
        *,
        budget_s: float | None = None,
        fallback: Fallback = Fallback.REPEAT,
        resume: str = "",
    ) -> PlayStream:
        """Open a stream of ticks.

        Args:
            bundle: By name; may be empty if the server plays just one.
            behavior: The game's spec, for the server to compare with the bundle's.
            budget_s: Seconds, from when the server reads a tick, until its answer must leave; a bot that would be later
                gets its fallback, and `late` says so. None: no hurry.
            fallback: What late bots do: their last action again, or nothing.
            resume: The `lease` of a stream that was cut off, to have its bots back.

        Raises:
            SpecMismatchError: If the bundle cannot play a game with that spec.
            ServingError: If there is no server, it plays no such bundle, or no bots wait under that lease.
        """
        opening = open_request(bundle, behavior, budget_s, fallback, resume)
        return PlayStream(partial(self._stub.Play, metadata=self._metadata), opening, self._to_error)

    def close(self) -> None:
        """End the connection and its streams. Calling it twice does no harm."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PlayStream(StreamState):
    """The bots that one client plays; they end with the stream. Made by `Client.play`."""

    def __init__(
        self,
        play: Callable[[Iterator[pb.PlayRequest]], Any],
        opening: pb.PlayRequest,
        to_error: Callable[[grpc.RpcError], UnderstudyError],
    ) -> None:
        super().__init__()
        self._to_error = to_error
        self._requests: queue.SimpleQueue[pb.PlayRequest | None] = queue.SimpleQueue()
        self._call = play(iter(self._requests.get, None))
        self._failure: UnderstudyError | None = None
        self._opened(self._exchange(opening).opened)

    def tick(
        self,
        bots: Sequence[int],
        observations: Mapping[str, np.ndarray],
        save: Sequence[int] = (),
        played: Mapping[int, Action] | None = None,
    ) -> dict[str, np.ndarray]:
        """Let some bots decide once.

        Args:
            bots: Their numbers, each living and at most once.
            observations: One array per sensor, of shape (len(bots), *sensor shape).
            save: Bots whose memory, after this, `saved` shall hold.
            played: What persons did in this tick, by bot, for the recording: they had the controls.

        Returns:
            One read-only array per action part, of shape (len(bots), *part shape).

        Raises:
            ObservationError: If an array is missing, misshapen or not finite. Found before it is sent: the stream
                goes on.
            ServingError: If the server refused the tick or is gone. The stream is then over, and its bots with it.
        """
        return self._actions(self._exchange(self._request(bots, observations, save, played)))

    def close(self) -> None:
        """End the stream and its bots. Calling it twice does no harm."""
        self._requests.put(None)
        if self._failure is None:
            self._failure = ServingError("This stream is closed; open another with client.play().")
            self._say_goodbye()
        self._call.cancel()

    def _say_goodbye(self) -> None:
        impatience = threading.Timer(CLOSE_S, self._call.cancel)
        impatience.start()
        with contextlib.suppress(grpc.RpcError):
            for _ in self._call:
                pass  # answers to ticks that nobody waits for
        impatience.cancel()

    def _exchange(self, request: pb.PlayRequest) -> pb.PlayResponse:
        if self._failure is not None:
            raise self._failure
        self._requests.put(request)
        try:
            response: pb.PlayResponse = next(self._call)
        except grpc.RpcError as failure:
            self._requests.put(None)
            self._failure = self._to_error(failure)
            raise self._failure from None
        return response

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
