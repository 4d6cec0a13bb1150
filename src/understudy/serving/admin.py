"""The Admin service: what the server is doing, and other versions of its bundles while it runs."""

from __future__ import annotations

import time
from pathlib import Path

import grpc

from understudy.errors import ServingError
from understudy.serving import understudy_pb2 as pb
from understudy.serving.deployment import Deployment
from understudy.serving.handlers import unary
from understudy.serving.registry import Registry
from understudy.serving.session import Session
from understudy.serving.versions import Version

SERVICE = pb.DESCRIPTOR.services_by_name["Admin"].full_name


class AdminServicer:
    """Answers operators.

    Args:
        registry: The bundles.
        root: The only folder that bundles may be loaded from; None allows no loading.
    """

    def __init__(self, registry: Registry, root: Path | None) -> None:
        self._registry = registry
        self._root = root.resolve() if root is not None else None

    def add_to(self, server: grpc.aio.Server) -> str:
        """Let `server` answer; returns the service's full name, for reflection."""
        methods = {
            "Status": unary(self.status, pb.StatusRequest),
            "Load": unary(self.load, pb.LoadRequest),
            "Settle": unary(self.settle, pb.SettleRequest),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        return SERVICE

    async def status(self, _: pb.StatusRequest) -> pb.StatusResponse:
        """Return the bundles with their versions, and every session with its bots."""
        return pb.StatusResponse(
            bundles=[_bundle_status(each) for each in self._registry.deployments],
            streams=[self._stream_status(each) for each in self._registry.sessions],
        )

    async def load(self, request: pb.LoadRequest) -> pb.LoadResponse:
        """Load another version of a bundle and let it play."""
        deployment, bundle, loaded = await self._registry.load(self._inside(request.folder), request.share)
        return pb.LoadResponse(
            name=deployment.name, digest=bundle.digest, bots_carried=loaded.carried, bots_reset=loaded.reset
        )

    async def settle(self, request: pb.SettleRequest) -> pb.SettleResponse:
        """Give every bot to the newer version, or back to the older one."""
        version = self._registry.choose(request.bundle).settle(promote=request.promote)
        return pb.SettleResponse(digest=version.bundle.digest)

    def _inside(self, folder: str) -> Path:
        if self._root is None:
            raise ServingError("This server loads no further bundles; start it with --bundles-root FOLDER to allow it.")
        path = self._root if "\0" in folder else (self._root / folder).resolve()
        if not path.is_relative_to(self._root) or path == self._root:
            raise ServingError(f"The bundle '{folder}' is not inside {self._root}, where this server loads from.")
        return path

    def _stream_status(self, session: Session) -> pb.StreamStatus:
        return pb.StreamStatus(
            peer=session.peer,
            bundle=session.deployment.name,
            bots=len(session.living),
            ticks=session.ticks,
            late=session.late_ticks,
            age_s=time.monotonic() - session.began,
            connected=not self._registry.is_parked(session),
        )


def _bundle_status(deployment: Deployment) -> pb.BundleStatus:
    versions = deployment.versions
    return pb.BundleStatus(
        name=deployment.name, versions=[_version_status(each, versions.share_of(each)) for each in versions.all]
    )


def _version_status(version: Version, share: float) -> pb.VersionStatus:
    counters, quantiles = version.counters, version.counters.step_quantiles()
    return pb.VersionStatus(
        digest=version.bundle.digest,
        folder=str(version.bundle.folder),
        share=share,
        ticks=counters.ticks,
        decisions=counters.decisions,
        failures=counters.failures,
        step_p50_us=quantiles.p50_s * 1e6,
        step_p99_us=quantiles.p99_s * 1e6,
    )
