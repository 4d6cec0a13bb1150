"""The Python client of a server: what it serves, and a stream of ticks.

with Client("127.0.0.1:50051") as client, client.play("rusher") as stream:
    for bot in range(64):
        stream.spawn(bot, seed=bot)
    actions = stream.tick(range(64), {"rays": rays})  # rays: float32 (64, 31, 9)
"""

from __future__ import annotations

import queue
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np

from understudy.errors import ServingError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.refusals import to_error
from understudy.serving.stream import CHANNEL_OPTIONS, ServedInfo, StreamState, open_request
from understudy.spec import BehaviorSpec


class Client:
    """A connection to a server.

    Args:
        address: `host:port`.
        timeout: Seconds that `describe` may take.
    """

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        self.address = address
        self._timeout = timeout
        self._channel = grpc.insecure_channel(address, CHANNEL_OPTIONS)
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
            response = self._stub.Describe(pb.DescribeRequest(), timeout=self._timeout)
        except grpc.RpcError as failure:
            raise to_error(failure, self.address) from None
        return [ServedInfo(each) for each in response.bundles]

    def play(self, bundle: str = "", behavior: BehaviorSpec | None = None) -> PlayStream:
        """Open a stream of ticks.

        Args:
            bundle: By name; may be empty if the server plays just one.
            behavior: The game's spec, for the server to compare with the bundle's.

        Raises:
            SpecMismatchError: If the bundle cannot play a game with that spec.
            ServingError: If there is no server, or it plays no such bundle.
        """
        return PlayStream(self._stub, self.address, open_request(bundle, behavior))

    def close(self) -> None:
        """End the connection and its streams. Calling it twice does no harm."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PlayStream:
    """The bots that one client plays; they end with the stream. Made by `Client.play`.

    Attributes:
        info: The bundle that plays: its name, digest and behaviour.
    """

    def __init__(self, stub: Any, address: str, opening: pb.PlayRequest) -> None:
        self._address = address
        self._requests: queue.SimpleQueue[pb.PlayRequest | None] = queue.SimpleQueue()
        self._call = stub.Play(iter(self._requests.get, None))
        self._failure: UnderstudyError | None = None
        self._state = StreamState(ServedInfo(self._exchange(opening).opened))
        self.info = self._state.info

    def spawn(self, bot: int, seed: int) -> None:
        """Start `bot` (the caller's own number) afresh with the next tick, its noise from `seed`."""
        self._state.spawn(bot, seed)

    def despawn(self, bot: int) -> None:
        """End `bot` with the next tick; raises `ServingError` if it does not live."""
        self._state.despawn(bot)

    def tick(self, bots: Sequence[int], observations: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Let some bots decide once.

        Args:
            bots: Their numbers, each living and at most once.
            observations: One array per sensor, of shape (len(bots), *sensor shape).

        Returns:
            One read-only array per action part, of shape (len(bots), *part shape).

        Raises:
            ObservationError: If an array is missing, misshapen or not finite. Found before it is sent: the stream
                goes on.
            ServingError: If the server refused the tick or is gone. The stream is then over, and its bots with it.
        """
        response = self._exchange(self._state.request(bots, observations))
        return self._state.actions(response)

    def close(self) -> None:
        """End the stream and its bots. Calling it twice does no harm."""
        self._requests.put(None)
        self._call.cancel()
        self._failure = self._failure or ServingError("This stream is closed; open another with client.play().")

    def _exchange(self, request: pb.PlayRequest) -> pb.PlayResponse:
        if self._failure is not None:
            raise self._failure
        self._requests.put(request)
        try:
            response: pb.PlayResponse = next(self._call)
        except grpc.RpcError as failure:
            self._requests.put(None)
            self._failure = to_error(failure, self._address)
            raise self._failure from None
        return response

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
