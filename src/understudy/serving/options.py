"""How to serve: everything an operator decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from understudy.errors import ServingError
from understudy.serving.limits import RateLimits
from understudy.serving.security import Security
from understudy.serving.versions import Loading

SIDE_PORTS = ("web", "godot", "metrics")
"""The ports beside gRPC's that a server may have."""


@dataclass(frozen=True)
class ServerOptions:
    """How to serve.

    Attributes:
        host: To listen on; loopback unless told otherwise.
        port: To listen on; 0 picks a free one.
        side_ports: Further ports by name, among `SIDE_PORTS`; 0 picks a free one.
        loading: Threads and precision of the bundles.
        max_bots: Living bots in one stream.
        max_streams: Calls at once, over all clients.
        max_message_bytes: Of one request.
        rates: How often one client may ask.
        grace_s: Seconds that the bots of a stream that broke off wait for their client; 0 frees them at once.
        recordings: The folder where play that clients want recorded is written; None refuses them.
        watch_s: Seconds between two looks at the bundles' folders, for new versions; 0 never looks.
        admin: Whether to answer the Admin service.
        bundles_root: The only folder the Admin service may load bundles from.
        seed: Of bots whose games send none: those of the ML-Agents and Godot RL dialects.
        web_origins: Web pages that may call the web port, beside those of this machine.
        security: TLS and tokens.
        insecure_public: Whether `host` may be one that other machines can reach, without TLS or tokens.

    Raises:
        ServingError: If a number is out of range, or the host is public without leave.
    """

    host: str = "127.0.0.1"
    port: int = 50051
    side_ports: Mapping[str, int] = field(default_factory=dict)
    loading: Loading = field(default_factory=Loading)
    max_bots: int = 4096
    max_streams: int = 1024
    max_message_bytes: int = 64 << 20
    rates: RateLimits = field(default_factory=RateLimits)
    grace_s: float = 5.0
    recordings: Path | None = None
    watch_s: float = 0.0
    admin: bool = False
    bundles_root: Path | None = None
    seed: int = 0
    web_origins: tuple[str, ...] = ()
    security: Security = field(default_factory=Security)
    insecure_public: bool = False

    def __post_init__(self) -> None:
        if self.loading.threads < 1:
            raise ServingError(f"A batch cannot have {self.loading.threads} threads; it must be at least 1.")
        for name in ("max_bots", "max_streams", "max_message_bytes"):
            if getattr(self, name) < 1:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("grace_s", "watch_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be seconds, 0 or more.")
        for name, port in {"": self.port, **self.side_ports}.items():
            if not 0 <= port <= 65535:
                what = f"{name} port" if name else "port"
                raise ServingError(f"The {what} is {port}; it must be from 0 (any free one) to 65535.")
        self.security.require_for(self.host, insecure_public=self.insecure_public)

    @property
    def where(self) -> str:
        """The host as addresses write it."""
        return f"[{self.host}]" if ":" in self.host else self.host
