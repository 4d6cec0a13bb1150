"""The gRPC service: `Describe`, and `Play` with one session per stream."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from understudy import __version__
from understudy.errors import ServingError, UnderstudyError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.fallback import Fallback
from understudy.serving.limits import OpenLimit, RateLimits, TickLimit
from understudy.serving.opening import require_playable
from understudy.serving.play import Doorkeeper, TickStream
from understudy.serving.refusals import to_refusal
from understudy.serving.registry import Registry, new_lease
from understudy.serving.session import Session

_LOG = logging.getLogger(__name__)
_INTERNAL = "The server met an internal error and ended this call; its log says why."


class UnderstudyServicer(pb_grpc.UnderstudyServicer):
    """Answers clients.

    `Play` reads and writes through the context: in grpc.aio that costs less than an asynchronous generator.

    Args:
        registry: The bundles.
        rates: How often one client may ask.
        recordings: The folder for recordings, or None to make none.
    """

    def __init__(self, registry: Registry, rates: RateLimits | None = None, recordings: Path | None = None) -> None:
        self._registry = registry
        self._rates = rates or RateLimits()
        self._opens = OpenLimit(self._rates)
        self._recordings = recordings
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
        bundles = [each.to_message() for each in self._registry.deployments]
        return pb.DescribeResponse(server_version=__version__, bundles=bundles)

    async def Play(  # noqa: N802
        self,
        requests: AsyncIterator[pb.PlayRequest],  # noqa: ARG002
        context: grpc.aio.ServicerContext,
    ) -> None:
        """Play one stream to its end; a mistake ends it with one sentence."""
        await answering_errors(context, self._play)

    async def _play(self, context: grpc.aio.ServicerContext) -> None:
        request = await context.read()
        if request is grpc.aio.EOF:
            return
        session, opened = self._open(request, context.peer())
        broken_off = True
        try:
            await context.write(pb.PlayResponse(opened=opened))
            await self._tick_stream(context, session).run()
            broken_off = False
        except Exception:  # a mistake, or a policy that failed: not a client that went away
            broken_off = False
            raise
        finally:
            if broken_off:
                self._registry.park(session, opened.lease)
            else:
                session.close()

    def _tick_stream(self, context: grpc.aio.ServicerContext, session: Session) -> TickStream:
        doorkeeper = Doorkeeper(TickLimit(self._rates), lambda: self._registry.alone, lambda: self._stopping)
        return TickStream(context, session, doorkeeper, self._recordings)

    def _open(self, request: pb.PlayRequest, peer: str) -> tuple[Session, pb.Opened]:
        if request.WhichOneof("kind") != "open":
            raise ServingError("A stream must begin with an open request, which names a bundle; ticks come after it.")
        self._opens.count(peer)
        opening = request.open
        deployment = self._registry.choose(opening.bundle)
        require_playable(deployment.bundle, opening.spec_json)
        if opening.resume:
            session = self._registry.resume(opening.resume, opening.bundle, peer)
        else:
            session = self._registry.open(opening.bundle, peer=peer)
        if opening.budget_us:
            session.budget_s = opening.budget_us / 1e6
        session.fallback = Fallback.NOTHING if opening.fallback else Fallback.REPEAT
        return session, pb.Opened(
            bundle=deployment.to_message(),
            lease=new_lease(),
            grace_s=self._registry.limits.grace_s,
            bots=session.living,
            ticks=session.ticks,
        )


async def answering_errors(context: grpc.aio.ServicerContext, answer: Callable[[Any], Awaitable[Any]]) -> Any:
    """Return what `answer(context)` returns; end the call with one sentence if it raises."""
    try:
        return await answer(context)
    except DecodeError:
        refusal = to_refusal(ServingError("That message is no PlayRequest; generate the client from understudy.proto."))
    except UnderstudyError as error:
        refusal = to_refusal(error)
    except Exception:
        _LOG.exception("A call of %s ended in an internal error", context.peer())
        return await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
    return await context.abort(refusal.code, refusal.details, refusal.trailing_metadata)
