"""The server: bundles, health, reflection and a port, from start to a graceful stop."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving import understudy_pb2_grpc as pb_grpc
from understudy.serving.admin import AdminServicer
from understudy.serving.registry import Limits, Registry
from understudy.serving.servicer import UnderstudyServicer
from understudy.serving.tuning import WINDOW_OPTIONS
from understudy.serving.watch import FolderWatch

SERVICE = pb.DESCRIPTOR.services_by_name["Understudy"].full_name
ADMIN_SERVICE = pb.DESCRIPTOR.services_by_name["Admin"].full_name
_SERVING = health_pb2.HealthCheckResponse.SERVING


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        host: To listen on; loopback unless told otherwise.
        port: To listen on; 0 picks a free one.
        threads: Of ONNX Runtime for one batch.
        max_bots: Living bots in one stream.
        max_streams: Calls at once, over all clients.
        max_message_bytes: Of one request.
        grace_s: Seconds that the bots of a stream that broke off wait for their client; 0 frees them at once.
        recordings: The folder where play that clients want recorded is written; None refuses them.
        watch_s: Seconds between two looks at the bundles' folders, for new versions; 0 never looks.
        admin: Whether to answer the Admin service.
        bundles_root: The only folder the Admin service may load bundles from.
        public: Whether `host` may be one that other machines can reach.

    Raises:
        ServingError: If a number is out of range, or the host is public without leave.
    """

    host: str = "127.0.0.1"
    port: int = 50051
    threads: int = 1
    max_bots: int = 4096
    max_streams: int = 1024
    max_message_bytes: int = 64 << 20
    grace_s: float = 5.0
    recordings: Path | None = None
    watch_s: float = 0.0
    admin: bool = False
    bundles_root: Path | None = None
    public: bool = False

    def __post_init__(self) -> None:
        for name in ("threads", "max_bots", "max_streams", "max_message_bytes"):
            if getattr(self, name) < 1:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("grace_s", "watch_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be seconds, 0 or more.")
        if not 0 <= self.port <= 65535:
            raise ServingError(f"The port is {self.port}; it must be from 0 (any free one) to 65535.")
        if not self.public and not is_loopback(self.host):
            raise ServingError(
                f"The host {self.host} can be reached from other machines, and the server has neither passwords nor "
                "encryption: anyone there could play these bundles. Listen on 127.0.0.1, or allow it with "
                "--insecure-public."
            )


class Server:
    """Serves bundles on one port, until stopped.

    Args:
        bundles: To serve, under their names.
        options: How.

    Raises:
        BundleError: If a graph cannot be loaded or fails its parity check.
    """

    def __init__(self, bundles: Sequence[Bundle], options: ServerOptions | None = None) -> None:
        self.options = options or ServerOptions()
        self.address = ""
        limits = Limits(self.options.max_bots, self.options.threads, self.options.grace_s)
        self.registry = Registry(bundles, limits)
        self._servicer = UnderstudyServicer(self.registry, self.options.recordings)
        self._health = health.aio.HealthServicer()
        self._watch: asyncio.Task[None] | None = None

    @property
    def num_bots(self) -> int:
        """How many bots live, over all streams and bundles."""
        return self.registry.num_bots

    async def start(self) -> str:
        """Listen, and return the address, `host:port`.

        Raises:
            ServingError: If the port cannot be had.
        """
        self._server = self._build()
        host, port = self.options.host, self.options.port
        where = f"[{host}]" if ":" in host else host
        try:
            bound = self._server.add_insecure_port(f"{where}:{port}")
        except RuntimeError as error:
            await self.registry.close()
            raise ServingError(
                f"Cannot listen on {where}:{port}; choose another with --port (0: a free one)."
            ) from error
        await self._server.start()
        for name in ("", SERVICE):
            await self._health.set(name, _SERVING)
        if self.options.watch_s:
            self._watch = asyncio.create_task(FolderWatch(self.registry, self.options.watch_s).run())
        self.address = f"{where}:{bound}"
        return self.address

    async def stop(self, grace: float = 1.0) -> None:
        """Refuse new calls and ticks, let each stream finish its tick, cancel what is left after `grace` seconds."""
        if self._watch is not None:
            self._watch.cancel()
        await self._health.enter_graceful_shutdown()
        self._servicer.begin_stop()
        await self._server.stop(grace)
        await self.registry.close()

    def _build(self) -> grpc.aio.Server:
        server = grpc.aio.server(
            maximum_concurrent_rpcs=self.options.max_streams,
            options=[
                ("grpc.max_receive_message_length", self.options.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # Else a second server would take half of the first one's clients.
                *WINDOW_OPTIONS,
            ],
        )
        services = [SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME]
        pb_grpc.add_UnderstudyServicer_to_server(self._servicer, server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self.options.admin:
            admin = AdminServicer(self.registry, self.options.bundles_root)
            pb_grpc.add_AdminServicer_to_server(admin, server)  # type: ignore[no-untyped-call]
            services.append(ADMIN_SERVICE)
        reflection.enable_server_reflection(services, server)
        return server


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
