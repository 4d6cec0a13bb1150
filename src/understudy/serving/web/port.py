"""The web port from start to stop: uvicorn inside the server's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from understudy.errors import ServingError, require
from understudy.serving.registry import Registry
from understudy.serving.web.options import WebOptions

if TYPE_CHECKING:
    from understudy.serving.web.service import WebService

SWEEPS = 4
"""How often in `idle_s` the idle sessions are looked for."""


class WebPort:
    """Serves `understudy.v1.Web` on one port, until stopped.

    Args:
        options: How.

    Attributes:
        port: Where it listens, once it is started.
    """

    def __init__(self, options: WebOptions | None = None) -> None:
        self.options = options or WebOptions()
        self.port = 0

    @property
    def num_sessions(self) -> int:
        """How many sessions are open."""
        return len(self._service.sessions)

    async def start(self, registry: Registry, host: str, port: int) -> int:
        """Listen, and return the port.

        Args:
            registry: What is served.
            host: To listen on. Whether it may be public is the caller's to check (`Security.require_for`).
            port: To listen on; 0 picks a free one.

        Raises:
            MissingExtraError: If connectrpc or uvicorn is not installed.
            ServingError: If the port cannot be had.
        """
        require("connectrpc", "web")
        require("uvicorn", "web")
        # Imported here because the libraries are optional.
        from understudy.serving.web.application import build
        from understudy.serving.web.service import WebService

        self._service: WebService = WebService(registry, self.options)
        listener = _bind(host, port)
        self._server = _make_server(build(self._service, self.options), self.options)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(0.01)
        self._sweeping = asyncio.create_task(self._sweep())
        self.port = int(listener.getsockname()[1])
        return self.port

    async def stop(self) -> None:
        """Refuse new calls, let each finish for a second, then end every session."""
        self._sweeping.cancel()
        self._server.should_exit = True
        await self._serving
        self._service.sessions.close_all()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.options.idle_s / SWEEPS)
            self._service.sessions.close_idle()


def _bind(host: str, port: int) -> socket.socket:
    # TCP by its number: asyncio sends small answers at once (TCP_NODELAY) only through sockets that say so.
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ServingError(
            f"Cannot listen on {host}:{port} for the web ({error.strerror}); choose another with --web-port (0: a free "
            "one)."
        ) from error
    return listener


def _make_server(app: Any, options: WebOptions) -> Any:
    import uvicorn

    class QuietServer(uvicorn.Server):
        """Leaves signals to whoever runs the event loop."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    tls = options.security.tls
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # Else a client could say that it is another one.
        server_header=False,
        limit_concurrency=options.max_connections,
        timeout_keep_alive=math.ceil(options.idle_s),
        timeout_graceful_shutdown=1,
        ssl_context_factory=None if tls is None else lambda *_: tls.context(),
    )
    return QuietServer(config)
