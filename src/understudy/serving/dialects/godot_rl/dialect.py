"""The port that Godot games connect to."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket

from understudy.errors import ServingError, UnderstudyError
from understudy.serving.dialects.godot_rl.game import Game, GameEndedError
from understudy.serving.dialects.godot_rl.options import GodotRlOptions
from understudy.serving.registry import Registry

DEFAULT_PORT = 11008
"""Where the plug-in connects unless the game is started with `--port=`."""
_log = logging.getLogger(__name__)


class GodotRl:
    """Plays Godot RL games: each connection is one game, and none can harm another.

    Args:
        options: Limits and the seed.
    """

    def __init__(self, options: GodotRlOptions | None = None) -> None:
        self._options = options or GodotRlOptions()
        self._server: asyncio.Server | None = None
        self._games: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    @property
    def num_games(self) -> int:
        """How many games are connected."""
        return len(self._games)

    async def start(self, registry: Registry, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> int:
        """Listen for games.

        Args:
            registry: The bundles to play with.
            host: A loopback address: the protocol has no passwords, and the plug-in connects to 127.0.0.1 only.
            port: To listen on; 0 picks a free one.

        Returns:
            The port.

        Raises:
            ServingError: If the host is not of this machine alone, or the port cannot be had.
        """
        if host != "localhost" and not _is_loopback(host):
            raise ServingError(
                f"Godot RL's protocol has no passwords, so it is not served on {host}; listen on 127.0.0.1, the only "
                "address its plug-in connects to."
            )
        self._registry = registry
        try:
            self._server = await asyncio.start_server(self._accept, host, port)
        except OSError as error:
            raise ServingError(
                f"Cannot listen for Godot games on {host}:{port} ({error.strerror}); choose another port (0: a free "
                "one) and start the game with --port=PORT."
            ) from error
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, grace: float = 1.0) -> None:
        """Take no more games, close each after its next step, and cut off what takes longer than `grace` seconds."""
        if self._server is None:
            return
        self._server.close()
        self._stopping.set()
        if self._games:
            _, late = await asyncio.wait(self._games, timeout=grace)
            for each in late:
                each.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = "{}:{}".format(*(writer.get_extra_info("peername") or ("unknown", 0)))
        self._games.add(task)
        try:
            await self._play(reader, writer, peer)
        except UnderstudyError as error:
            _log.warning("Closed the Godot game at %s: %s", peer, error)
        except (GameEndedError, ConnectionError):
            _log.info("The Godot game at %s ended.", peer)
        except asyncio.CancelledError:
            _log.info("Left the Godot game at %s.", peer)
        except Exception as error:
            _log.error("Closed the Godot game at %s after a fault of ours: %s: %s", peer, type(error).__name__, error)
        finally:
            self._games.discard(task)
            writer.close()

    async def _play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        if len(self._games) > self._options.max_games:
            raise ServingError(f"{self._options.max_games} games are connected, which is the limit.")
        # A game whose machine lost power must not hold its bots for ever.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await Game(reader, writer, self._registry, self._options, self._stopping).play(peer)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
