"""The gRPC service: `Describe`, and `Play` with one `Session` per stream."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from understudy import __version__
from understudy.errors import ServingError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.opening import require_playable
from understudy.serving.refusals import StoppingError, to_refusal
from understudy.serving.served import ServedBundle, choose
from understudy.serving.session import Session

_LOG = logging.getLogger(__name__)
_INTERNAL = "The server met an internal error and ended this call; its log says why."


class UnderstudyServicer(pb_grpc.UnderstudyServicer):
    """Answers clients.

    `Play` reads and writes through the context: in grpc.aio that costs less than an asynchronous generator.

    Args:
        served: The bundles by name.
        max_bots: How many bots may live at once in one stream.
    """

    def __init__(self, served: Mapping[str, ServedBundle], max_bots: int) -> None:
        self._served = served
        self._max_bots = max_bots
        self._num_streams = 0
        self._stopping = False

    def begin_stop(self) -> None:
        """Refuse each stream's next tick."""
        self._stopping = True

    async def Describe(  # noqa: N802
        self,
        request: pb.DescribeRequest,  # noqa: ARG002
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> pb.DescribeResponse:
        """Return which bundles are served."""
        return pb.DescribeResponse(
            server_version=__version__, bundles=[each.to_message() for each in self._served.values()]
        )

    async def Play(  # noqa: N802
        self,
        requests: AsyncIterator[pb.PlayRequest],  # noqa: ARG002
        context: grpc.aio.ServicerContext,
    ) -> None:
        """Play one stream to its end; a mistake ends it with one sentence."""
        await _answering_errors(context, self._play)

    async def _play(self, context: grpc.aio.ServicerContext) -> None:
        request = await context.read()
        if request is grpc.aio.EOF:
            return
        session, opened = self._open(request)
        self._num_streams += 1
        try:
            await context.write(opened)
            while (request := await context.read()) is not grpc.aio.EOF:
                if self._stopping:
                    # Only now, as the answer to a request: a grpc.aio client that writes to a call that has ended may
                    # see INTERNAL instead of our sentence (grpc/grpc#36066).
                    raise StoppingError("The server is stopping; open the stream again when it is back.")
                await context.write(await session.answer(request, alone=self._num_streams == 1))
                session.settle()
        finally:
            self._num_streams -= 1
            session.close()

    def _open(self, request: pb.PlayRequest) -> tuple[Session, pb.PlayResponse]:
        if request.WhichOneof("kind") != "open":
            raise ServingError("A stream must begin with an open request, which names a bundle; ticks come after it.")
        served = choose(self._served, request.open.bundle)
        require_playable(served.bundle, request.open.spec_json)
        return Session(served, self._max_bots), pb.PlayResponse(opened=served.to_message())


async def _answering_errors(context: grpc.aio.ServicerContext, play: Callable[[Any], Awaitable[None]]) -> None:
    try:
        await play(context)
    except DecodeError:
        refusal = to_refusal(ServingError("That message is no PlayRequest; generate the client from understudy.proto."))
    except UnderstudyError as error:
        refusal = to_refusal(error)
    except Exception:
        _LOG.exception("A stream of %s ended in an internal error", context.peer())
        await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
    else:
        return
    await context.abort(refusal.code, refusal.details, refusal.trailing_metadata)
