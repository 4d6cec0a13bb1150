"""Handlers of gRPC calls that end every mistake with one sentence, a message that cannot be read among them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from understudy.errors import ServingError, UnderstudyError
from understudy.serving.refusals import to_refusal

_LOG = logging.getLogger(__name__)
_INTERNAL = "The server met an internal error and ended this call; its log says why."


def unary(answer: Callable[[Any], Awaitable[Message]], request_type: type[Message]) -> grpc.RpcMethodHandler:
    """Return the handler of a call with one request and one answer.

    Args:
        answer: From the request to the answer.
        request_type: Of the request.
    """

    def parse(data: bytes) -> Message | None:
        try:
            return request_type.FromString(data)
        except DecodeError:  # gRPC itself would log a traceback and answer UNKNOWN
            return None

    async def handle(request: Message | None, context: grpc.aio.ServicerContext) -> Message:
        async def run(_: grpc.aio.ServicerContext) -> Message:
            if request is None:
                raise DecodeError
            return await answer(request)

        response: Message = await answering_errors(context, run, request_type)
        return response

    return grpc.unary_unary_rpc_method_handler(handle, parse, lambda message: message.SerializeToString())


async def answering_errors(
    context: grpc.aio.ServicerContext, answer: Callable[[Any], Awaitable[Any]], request_type: type[Message]
) -> Any:
    """Return what `answer(context)` returns; end the call with one sentence if it raises."""
    try:
        return await answer(context)
    except DecodeError:
        name = request_type.DESCRIPTOR.name
        refusal = to_refusal(ServingError(f"That message is no {name}; generate the client from understudy.proto."))
    except UnderstudyError as error:
        refusal = to_refusal(error)
    except Exception:
        _LOG.exception("A call of %s ended in an internal error", context.peer())
        return await context.abort(grpc.StatusCode.INTERNAL, _INTERNAL)
    return await context.abort(refusal.code, refusal.details, refusal.trailing_metadata)
