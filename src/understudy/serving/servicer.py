"""The gRPC service: `Describe`, and `Play` with one session per stream."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator
from pathlib import Path

import grpc

from understudy import __version__
from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.fallback import Fallback
from understudy.serving.handlers import answering_errors, unary
from understudy.serving.limits import OpenLimit, RateLimits, TickLimit
from understudy.serving.opening import require_playable
from understudy.serving.play import Doorkeeper, TickStream
from understudy.serving.registry import Registry, new_lease
from understudy.serving.session import Session

GOODBYE_S = 0.02
"""A stream that is cut off may read as one that ended; that it was cancelled is known a moment later."""

_LOG = logging.getLogger(__name__)

SERVICE = pb.DESCRIPTOR.services_by_name["Understudy"].full_name


class UnderstudyServicer:
    """Answers clients.

    `play` reads and writes through the context: in grpc.aio that costs less than an asynchronous generator.

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

    def add_to(self, server: grpc.aio.Server) -> str:
        """Let `server` answer; returns the service's full name, for reflection."""
        play = grpc.stream_stream_rpc_method_handler(
            self.play, pb.PlayRequest.FromString, pb.PlayResponse.SerializeToString
        )
        methods = {"Describe": unary(self.describe, pb.DescribeRequest), "Play": play}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        return SERVICE

    async def describe(self, _: pb.DescribeRequest) -> pb.DescribeResponse:
        """Return which bundles are served."""
        bundles = [each.to_message() for each in self._registry.deployments]
        return pb.DescribeResponse(server_version=__version__, bundles=bundles)

    async def play(self, _: AsyncIterator[pb.PlayRequest], context: grpc.aio.ServicerContext) -> None:
        """Play one stream to its end; a mistake ends it with one sentence."""
        await answering_errors(context, self._play, pb.PlayRequest)

    async def _play(self, context: grpc.aio.ServicerContext) -> None:
        request = await context.read()
        if request is grpc.aio.EOF:
            return
        session, opened = self._open(request, context.peer())
        broken_off = True
        try:
            await context.write(pb.PlayResponse(opened=opened))
            await self._tick_stream(context, session).run()
            await asyncio.sleep(GOODBYE_S)
            broken_off = context.cancelled()
        except grpc.aio.InternalError:
            _LOG.debug("%s is gone: an answer could not be written", context.peer())
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
        session.budget_s = opening.budget_us / 1e6 if opening.budget_us else math.inf
        session.fallback = Fallback.NOTHING if opening.fallback else Fallback.REPEAT
        return session, pb.Opened(
            bundle=deployment.to_message(),
            lease=new_lease(),
            grace_s=self._registry.limits.grace_s,
            bots=session.living,
            ticks=session.ticks,
        )
