"""What stands before the web port: which pages may call, what can be read at all, and how slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from understudy.serving.security import is_loopback

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFLIGHT = (
    (b"access-control-allow-methods", b"POST"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, connect-protocol-version, connect-timeout-ms, grpc-timeout, x-grpc-web, "
        b"x-user-agent",
    ),
    (b"access-control-max-age", b"7200"),
)
EXPOSED = (b"access-control-expose-headers", b"grpc-status, grpc-message, understudy-error, trailer-understudy-error")
_PLAIN_GRPC = b"application/grpc"


class Gate:
    """An ASGI application around another: lets in this machine's pages, those it was told of, and what is no page.

    A browser names the page's origin in every call across origins. Refusing the others, rather than only hiding the
    answer from them, also stops a page whose own name was made to point at this machine.

    Args:
        app: The methods.
        origins: Of pages that may call, beside those of this machine.
        request_s: Seconds a request may take to arrive.
    """

    def __init__(self, app: App, origins: tuple[str, ...], request_s: float) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._request_s = request_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and not self._may_call(origin):
            await _answer(send, 403, f"Pages of {origin[:200]} may not call this server; allow them with --web-origin.")
        elif not all(name.isascii() and value.isascii() for name, value in scope["headers"]):
            await _answer(send, 400, "Header lines are plain ASCII text.")
        elif headers.get(b"content-type", b"").split(b";")[0].split(b"+")[0] == _PLAIN_GRPC:
            await _answer(send, 415, "This is the web port, which speaks Connect and gRPC-Web; gRPC has its own port.")
        elif origin and scope["method"] == "OPTIONS":
            await _answer(send, 204, "", *_cors(origin), *PREFLIGHT)
        else:
            await self._app(scope, _in_time(receive, self._request_s), _whole(send, origin))

    def _may_call(self, origin: str) -> bool:
        if origin in self._origins:
            return True
        try:
            return is_loopback(urlsplit(origin).hostname or "")
        except ValueError:
            return False


def _cors(origin: str) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"Origin"), EXPOSED)


def _in_time(receive: Receive, seconds: float) -> Receive:
    """Let the body arrive until so many seconds from now."""
    deadline = asyncio.get_running_loop().time() + seconds

    async def receiving() -> Message:
        try:
            async with asyncio.timeout_at(deadline):
                return await receive()
        except TimeoutError:
            raise ConnectError(
                Code.DEADLINE_EXCEEDED, f"The request took more than {seconds:g} s to arrive; send it whole."
            ) from None

    return receiving


def _whole(send: Send, origin: str) -> Send:
    """Send an answer with its length rather than in chunks, which not every engine's HTTP client can read."""
    start: Message = {}
    body: list[bytes] = []

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body.append(message.get("body", b""))
        if not message.get("more_body", False):
            await _send_all(send, start, b"".join(body), _cors(origin) if origin else ())

    return sending


async def _send_all(send: Send, start: Message, body: bytes, extra: Iterable[tuple[bytes, bytes]]) -> None:
    headers = [*start["headers"], (b"content-length", str(len(body)).encode()), *extra]
    await send({**start, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer(send: Send, status: int, sentence: str, *headers: tuple[bytes, bytes]) -> None:
    kind = ((b"content-type", b"text/plain; charset=utf-8"),) if sentence else ()
    await _send_all(
        send, {"type": "http.response.start", "status": status, "headers": kind}, sentence.encode(), headers
    )
