"""The web port as one ASGI application: the gate, the token check, and `connectrpc` around the four methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.server import ConnectASGIApplication, Endpoint

from understudy.serving.security import Tokens, UnauthenticatedError
from understudy.serving.web import web_pb2 as pb
from understudy.serving.web.codecs import BinaryCodec, JsonCodec
from understudy.serving.web.gate import App, Gate
from understudy.serving.web.options import WebOptions
from understudy.serving.web.service import KIND_TRAILER, WebService

SERVICE = pb.DESCRIPTOR.services_by_name["Web"]


class WebApplication(ConnectASGIApplication[WebService]):
    """The methods of `understudy.v1.Web` over HTTP.

    Args:
        service: That answers.
        options: Sizes and tokens.
    """

    def __init__(self, service: WebService, options: WebOptions) -> None:
        tokens = options.security.tokens
        super().__init__(
            service=service,
            endpoints=_endpoints,
            interceptors=() if tokens is None else (TokenCheck(tokens),),
            read_max_bytes=options.max_message_bytes,
            compressions=(),  # A tick is small and in a hurry, and what cannot be unpacked cannot be a bomb.
            codecs=(BinaryCodec(), JsonCodec()),
        )

    @property
    def path(self) -> str:
        """Where the methods are."""
        return f"/{SERVICE.full_name}"


class TokenCheck:
    """Refuses a call without a token before its body is read.

    Args:
        tokens: To let in.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def on_start(self, ctx: Any) -> None:
        """Raise `ConnectError` if the call brings no token of this server."""
        try:
            self._tokens.holder(ctx.request_headers.get("authorization"))
        except UnauthenticatedError as error:
            ctx.response_trailers[KIND_TRAILER] = type(error).__name__
            raise ConnectError(Code.UNAUTHENTICATED, str(error)) from None

    async def on_end(self, token: None, ctx: Any, error: Exception | None) -> None:
        """Nothing to do."""


def build(service: WebService, options: WebOptions) -> App:
    """Return the whole application."""
    return Gate(WebApplication(service, options), options.origins, options.request_s)


def _endpoints(service: WebService) -> Mapping[str, Any]:
    functions = {
        "Describe": service.describe,
        "Open": service.open,
        "Tick": service.tick,
        "Close": service.close,
    }
    return {f"/{SERVICE.full_name}/{name}": _endpoint(name, function) for name, function in functions.items()}


def _endpoint(name: str, function: Any) -> Any:
    method = SERVICE.methods_by_name[name]
    info = MethodInfo(
        name=name,
        service_name=SERVICE.full_name,
        input=getattr(pb, method.input_type.name),
        output=getattr(pb, method.output_type.name),
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.UNARY,
    )
    return Endpoint.unary(method=info, function=function)
