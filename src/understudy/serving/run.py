"""Running a server: in the foreground until a signal, or in a thread beside other work."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from understudy.agents.bundle import Bundle
from understudy.serving.options import ServerOptions
from understudy.serving.server import Server


def serve_forever(
    bundles: Sequence[Bundle],
    options: ServerOptions,
    on_start: Callable[[str, Mapping[str, str]], None] = lambda *_: None,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop gracefully.

    Args:
        bundles: To serve.
        options: How.
        on_start: Called, once clients can connect, with the address and those of the side ports by name.

    Raises:
        BundleError: If a graph cannot be loaded or fails its parity check.
        ServingError: If the port cannot be had.
    """
    server = Server(bundles, options)

    async def main() -> None:
        stop = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        on_start(await server.start(), server.side_addresses)
        await stop.wait()
        await server.stop()

    _run(main())


@contextmanager
def serve_in_thread(bundles: Sequence[Bundle], options: ServerOptions | None = None) -> Iterator[str]:
    """Serve in a thread of this process while the `with` block runs; gives the address.

    Args:
        bundles: To serve.
        options: How; by default on a free loopback port.

    Raises:
        BundleError: If a graph cannot be loaded or fails its parity check.
        ServingError: If the port cannot be had.
    """
    server = Server(bundles, options or ServerOptions(port=0))
    started: Future[asyncio.AbstractEventLoop] = Future()
    stop = asyncio.Event()

    async def main() -> None:
        try:
            await server.start()
        except Exception as error:
            started.set_exception(error)
            return
        started.set_result(asyncio.get_running_loop())
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=_run, args=(main(),), name="understudy server")
    thread.start()
    try:
        started.result()
        yield server.address
    finally:  # also after Ctrl-C while it starts, which then goes on to its end
        started.add_done_callback(lambda done: done.exception() or done.result().call_soon_threadsafe(stop.set))
        thread.join()


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop where it is installed: it halves what a call costs."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
