"""The gRPC service `inference.GRPCInferenceService`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import grpc
from google.protobuf.message import DecodeError

from understudy import __version__
from understudy.errors import UnderstudyError
from understudy.serving.dialects.oip import oip_pb2 as pb
from understudy.serving.dialects.oip import oip_pb2_grpc as pb_grpc
from understudy.serving.dialects.oip.inference import Inference
from understudy.serving.dialects.oip.models import Models
from understudy.serving.dialects.oip.options import OipOptions, UnknownModelError, refuse
from understudy.serving.dialects.oip.sequences import Caller
from understudy.serving.limits import ConnectionLimit
from understudy.serving.registry import Registry
from understudy.serving.servicer import GOODBYE_S

SERVICE = pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
EXTENSIONS = ("sequence", "model_configuration", "statistics", "parameters")

MAX_IN_FLIGHT = 256
"""Requests of one stream that are being answered; beyond, the stream is no longer read."""

_LOG = logging.getLogger(__name__)
_INTERNAL = "The server met an internal error on this request; its log says why."

_NO_REQUEST = (
    "That message is no ModelInferRequest, so this stream ends; generate the client from the protocol's files."
)

AnswerT = TypeVar("AnswerT")


def add_to(server: grpc.aio.Server, registry: Registry, options: OipOptions | None = None) -> str:
    """Let a server speak the Open Inference Protocol.

    Args:
        server: That is not started yet.
        registry: Of what it plays.
        options: For clients of this dialect.

    Returns:
        The service's full name. Its descriptors live in a pool of their own, so that a process may hold `tritonclient`
        as well; see `oip_pb2.DESCRIPTOR`.
    """
    servicer = OipServicer(registry, options or OipOptions())
    pb_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    return SERVICE


class OipServicer(pb_grpc.GRPCInferenceServiceServicer):
    """Answers clients of the Open Inference Protocol and of Triton.

    Args:
        registry: Of the server.
        options: For its clients.
    """

    def __init__(self, registry: Registry, options: OipOptions) -> None:
        self._models = Models(registry, options)
        self._inference = Inference(registry, self._models, options)
        self._limit = ConnectionLimit(options.rates)

    async def ServerLive(self, request: pb.ServerLiveRequest, context: object) -> pb.ServerLiveResponse:  # noqa: ARG002, N802
        """Whoever can answer lives."""
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, request: pb.ServerReadyRequest, context: object) -> pb.ServerReadyResponse:  # noqa: ARG002, N802
        """Every bundle was loaded and checked before the port was opened."""
        return pb.ServerReadyResponse(ready=True)

    async def ModelReady(self, request: pb.ModelReadyRequest, context: object) -> pb.ModelReadyResponse:  # noqa: ARG002, N802
        """Return whether a bundle is served; one that is unknown is not ready, which is no error."""
        try:
            self._models.find(request.name, request.version)
        except UnknownModelError:
            return pb.ModelReadyResponse(ready=False)
        return pb.ModelReadyResponse(ready=True)

    async def ServerMetadata(self, request: pb.ServerMetadataRequest, context: object) -> pb.ServerMetadataResponse:  # noqa: ARG002, N802
        """Return name, version and extensions."""
        return pb.ServerMetadataResponse(name="understudy", version=__version__, extensions=EXTENSIONS)

    async def ModelMetadata(  # noqa: N802
        self, request: pb.ModelMetadataRequest, context: grpc.aio.ServicerContext
    ) -> pb.ModelMetadataResponse:
        """Return the tensors of a bundle."""
        return await _refusing(context, lambda: self._models.metadata(request.name, request.version))

    async def ModelConfig(  # noqa: N802
        self, request: pb.ModelConfigRequest, context: grpc.aio.ServicerContext
    ) -> pb.ModelConfigResponse:
        """Return the configuration of a bundle, in Triton's form."""
        config = await _refusing(context, lambda: self._models.config(request.name, request.version))
        return pb.ModelConfigResponse(config=config)

    async def ModelStatistics(  # noqa: N802
        self, request: pb.ModelStatisticsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ModelStatisticsResponse:
        """Return what was answered so far."""
        statistics = await _refusing(context, lambda: self._models.statistics(request.name, request.version))
        return pb.ModelStatisticsResponse(model_stats=statistics)

    async def RepositoryIndex(  # noqa: N802
        self,
        request: pb.RepositoryIndexRequest,  # noqa: ARG002
        context: object,  # noqa: ARG002
    ) -> pb.RepositoryIndexResponse:
        """Return every bundle."""
        return pb.RepositoryIndexResponse(models=self._models.index())

    async def ModelInfer(  # noqa: N802
        self, request: pb.ModelInferRequest, context: grpc.aio.ServicerContext
    ) -> pb.ModelInferResponse:
        """Let the bots of one request decide once."""
        try:
            return await self._answer(request, Caller(context.peer()))
        except UnderstudyError as error:
            await _abort(context, error)
        except Exception:
            _LOG.exception("A request of %s met an internal error", context.peer())
            await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
        raise AssertionError("`abort` raises.")

    async def ModelStreamInfer(  # noqa: N802
        self, requests: AsyncIterator[pb.ModelInferRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """Answer each request of a stream, in order; the bots of different sequences share a batch.

        Sequences go on after a stream that its client closed. Those of a stream that broke off end with it.
        """
        caller = Caller(context.peer())
        broken_off = True
        try:
            await self._stream(requests, context, caller)
            await asyncio.sleep(GOODBYE_S)
            broken_off = context.cancelled()
        finally:
            if broken_off:
                self._inference.sequences.end_of(caller)

    async def _answer(self, request: pb.ModelInferRequest, caller: Caller) -> pb.ModelInferResponse:
        self._limit.count(caller.peer)
        return await self._inference.answer(request, caller)

    async def _stream(
        self, requests: AsyncIterator[pb.ModelInferRequest], context: grpc.aio.ServicerContext, caller: Caller
    ) -> None:
        answers: asyncio.Queue[asyncio.Task[pb.ModelStreamInferResponse] | None] = asyncio.Queue(MAX_IN_FLIGHT)

        async def read() -> None:
            try:
                async for request in requests:
                    await answers.put(group.create_task(self._answer_in_stream(request, caller)))
            except DecodeError:
                await answers.put(group.create_task(_refused(_NO_REQUEST)))
            await answers.put(None)

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            while (answer := await answers.get()) is not None:
                await context.write(await answer)

    async def _answer_in_stream(self, request: pb.ModelInferRequest, caller: Caller) -> pb.ModelStreamInferResponse:
        try:
            return pb.ModelStreamInferResponse(infer_response=await self._answer(request, caller))
        except UnderstudyError as error:
            return await _refused(refuse(error).details, request.id)
        except Exception:
            _LOG.exception("A request in a stream of %s met an internal error", caller.peer)
            return await _refused(_INTERNAL, request.id)


async def _refused(sentence: str, request_id: str = "") -> pb.ModelStreamInferResponse:
    """Return a refusal, with the identity by which its client knows the request."""
    return pb.ModelStreamInferResponse(error_message=sentence, infer_response=pb.ModelInferResponse(id=request_id))


async def _refusing(context: grpc.aio.ServicerContext, answer: Callable[[], AnswerT]) -> AnswerT:
    try:
        return answer()
    except UnderstudyError as error:
        await _abort(context, error)
        raise


async def _abort(context: grpc.aio.ServicerContext, error: UnderstudyError) -> Awaitable[None]:
    refusal = refuse(error)
    return await context.abort(refusal.code, refusal.details, refusal.trailing_metadata)
