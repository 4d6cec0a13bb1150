"""A web port in a thread, and the plainest of clients: one POST of JSON a call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import uvloop

from understudy.agents.bundle import Bundle
from understudy.serving.registry import Limits, Registry
from understudy.serving.web.options import WebOptions
from understudy.serving.web.port import WebPort

PREFIX = "/understudy.v1.Web/"


class Running:
    """A web port that runs, seen from another thread.

    Attributes:
        url: Where it is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, registry: Registry, web: WebPort, url: str) -> None:
        self._loop = loop
        self._registry = registry
        self._web = web
        self.url = url

    @property
    def num_bots(self) -> int:
        """How many bots live in the server."""
        return self._ask(lambda: self._registry.num_bots)

    @property
    def num_sessions(self) -> int:
        """How many sessions are open."""
        return self._ask(lambda: self._web.num_sessions)

    def _ask(self, question: Any) -> Any:
        async def ask() -> Any:
            return question()

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(10)


@contextmanager
def serve_web(
    bundles: Sequence[Bundle],
    options: WebOptions | None = None,
    max_bots: int = 100,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
) -> Iterator[Running]:
    """Serve `bundles` on a web port of this machine while the block runs; on uvloop, as the server itself does."""
    options = options or WebOptions()
    started: Future[Running] = Future()
    stop = asyncio.Event()

    async def main() -> None:
        registry = Registry(bundles, Limits(max_bots=max_bots))
        web = WebPort(options)
        try:
            port = await web.start(registry, "127.0.0.1", 0)
        except Exception as error:
            started.set_exception(error)
            return
        scheme = "https" if options.security.tls else "http"
        started.set_result(Running(asyncio.get_running_loop(), registry, web, f"{scheme}://127.0.0.1:{port}"))
        await stop.wait()
        await web.stop()
        await registry.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        running = started.result(30)
        yield running
    finally:
        if started.exception() is None:
            running._loop.call_soon_threadsafe(stop.set)
        thread.join()


class WebClient:
    """Calls methods as a page does.

    Args:
        url: Of the port.
        **options: Of `httpx.Client`.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._http = httpx.Client(base_url=url, **{"timeout": 30, "verify": False} | options)

    def post(self, method: str, form: Any, **headers: str) -> httpx.Response:
        """Return the whole answer."""
        return self._http.post(PREFIX + method, json=form, headers=headers)

    def call(self, method: str, **form: Any) -> dict[str, Any]:
        """Return the answer's form; fails if it is a refusal."""
        answer = self.post(method, form)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def __enter__(self) -> WebClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def as_numbers(observations: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return a batch of observations as a page sends it."""
    return {name: {"numbers": array.ravel().tolist()} for name, array in observations.items()}
