"""The server: bundles, services and ports, from start to a graceful stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.admin import AdminServicer
from understudy.serving.dialects import mlagents
from understudy.serving.dialects.godot_rl import GodotRl, GodotRlOptions
from understudy.serving.dialects.mlagents import mlagents_pb2
from understudy.serving.dialects.oip import oip_pb2
from understudy.serving.dialects.oip import service as oip
from understudy.serving.dialects.oip.options import OipOptions
from understudy.serving.options import ServerOptions
from understudy.serving.prometheus import MetricsPort
from understudy.serving.registry import Limits, Registry
from understudy.serving.servicer import SERVICE, UnderstudyServicer
from understudy.serving.tuning import WINDOW_OPTIONS
from understudy.serving.watch import FolderWatch
from understudy.serving.web.options import WebOptions
from understudy.serving.web.port import WebPort

_SERVING = health_pb2.HealthCheckResponse.SERVING


class SidePort(Protocol):
    """A port beside gRPC's, with a protocol of its own."""

    async def start(self, registry: Registry, host: str, port: int) -> int:
        """Listen, and return the port."""
        ...

    async def stop(self) -> None:
        """Stop listening and end what is open."""
        ...


class Server:
    """Serves bundles until stopped.

    Args:
        bundles: To serve, under their names.
        options: How.

    Attributes:
        address: Of gRPC, once it is started.
        side_addresses: Of the other ports, by name, once they are started.

    Raises:
        BundleError: If a graph cannot be loaded or fails its parity check.
    """

    def __init__(self, bundles: Sequence[Bundle], options: ServerOptions | None = None) -> None:
        self.options = options or ServerOptions()
        self.address = ""
        self.side_addresses: dict[str, str] = {}
        limits = Limits(self.options.max_bots, self.options.grace_s)
        self.registry = Registry(bundles, limits, self.options.loading)
        self._servicer = UnderstudyServicer(self.registry, self.options.rates, self.options.recordings)
        self._health = health.aio.HealthServicer()
        self._watch: asyncio.Task[None] | None = None
        self._side_ports: list[SidePort] = []

    @property
    def num_bots(self) -> int:
        """How many bots live, over all streams and bundles."""
        return self.registry.num_bots

    async def start(self) -> str:
        """Listen, and return the address, `host:port`.

        Raises:
            ServingError: If a port cannot be had.
            MissingExtraError: If one needs a library that is not installed.
        """
        try:
            await self._start_side_ports()
            self._server = self._build()
            self.address = f"{self.options.where}:{self._bind()}"
        except Exception:
            await self._close()
            raise
        await self._server.start()
        for name in ("", SERVICE):
            await self._health.set(name, _SERVING)
        if self.options.watch_s:
            self._watch = asyncio.create_task(FolderWatch(self.registry, self.options.watch_s).run())
        return self.address

    async def stop(self, grace: float = 1.0) -> None:
        """Refuse new calls and ticks, let each stream finish its tick, cancel what is left after `grace` seconds."""
        if self._watch is not None:
            self._watch.cancel()
        await self._health.enter_graceful_shutdown()
        self._servicer.begin_stop()
        await self._server.stop(grace)
        await self._close()

    async def _close(self) -> None:
        for each in self._side_ports:
            await each.stop()
        await self.registry.close()

    async def _start_side_ports(self) -> None:
        for name, port in self.options.side_ports.items():
            side = _side_port(name, self.options)
            # Godot RL has neither encryption nor tokens, so its games run on this machine.
            host, where = ("127.0.0.1",) * 2 if name == "godot" else (self.options.host, self.options.where)
            bound = await side.start(self.registry, host, port)
            self._side_ports.append(side)
            self.side_addresses[name] = f"{where}:{bound}"

    def _bind(self) -> int:
        where = f"{self.options.where}:{self.options.port}"
        try:
            return self.options.security.add_port(self._server, where)
        except RuntimeError as error:
            raise ServingError(f"Cannot listen on {where}; choose another with --port (0: a free one).") from error

    def _build(self) -> grpc.aio.Server:
        server = grpc.aio.server(
            maximum_concurrent_rpcs=self.options.max_streams,
            interceptors=self.options.security.interceptors(),
            options=[
                ("grpc.max_receive_message_length", self.options.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # Else a second server would take half of the first one's clients.
                *WINDOW_OPTIONS,
            ],
        )
        services = [health.SERVICE_NAME, reflection.SERVICE_NAME, self._servicer.add_to(server)]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        services.append(mlagents.add_to(server, self.registry, seed=self.options.seed))
        services.append(oip.add_to(server, self.registry, OipOptions(rates=self.options.rates)))
        if self.options.admin:
            services.append(AdminServicer(self.registry, self.options.bundles_root).add_to(server))
        reflection.enable_server_reflection(services, server, _reflected())
        return server


def _reflected() -> DescriptorPool:
    """Return the descriptors of every service: those of the Open Inference Protocol are not in the default pool."""
    pool = DescriptorPool()
    for module in (pb, mlagents_pb2, oip_pb2, health_pb2, reflection_pb2):
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    return pool


def _side_port(name: str, options: ServerOptions) -> SidePort:
    match name:
        case "web":
            return WebPort(WebOptions(options.web_origins, limits=options.rates, security=options.security))
        case "godot":
            return GodotRl(GodotRlOptions(seed=options.seed))
        case "metrics":
            return MetricsPort(options.security.tls)
    raise ServingError(f"There is no port named '{name}'; there are web, godot and metrics.")
