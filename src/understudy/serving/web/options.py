"""What an operator decides about the web port. Imports no HTTP library."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy.errors import ServingError
from understudy.serving.limits import RateLimits
from understudy.serving.security import Security


@dataclass(frozen=True)
class WebOptions:
    """How to serve the web port.

    Attributes:
        origins: Web pages that may call, such as `"https://play.example.org"`, beside those of this machine.
        idle_s: Seconds after which a session that is not used ends.
        max_sessions: At once, over all clients.
        max_connections: At once; further ones are answered 503.
        max_message_bytes: Of one request.
        request_s: Seconds a request may take to arrive.
        limits: How often one client may ask.
        security: TLS and tokens.

    Raises:
        ServingError: If a number is out of range, or an origin is none.
    """

    origins: tuple[str, ...] = ()
    idle_s: float = 30.0
    max_sessions: int = 256
    max_connections: int = 1024
    max_message_bytes: int = 4 << 20
    request_s: float = 30.0
    limits: RateLimits = field(default_factory=lambda: RateLimits(ticks_per_s=1000.0, opens_per_s=10.0))
    security: Security = field(default_factory=Security)

    def __post_init__(self) -> None:
        for name in ("idle_s", "max_sessions", "max_connections", "max_message_bytes", "request_s"):
            if not getattr(self, name) > 0:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be above 0.")
        for origin in self.origins:
            scheme, _, host = origin.partition("://")
            if origin != "null" and (scheme not in ("http", "https") or not host or "/" in host or "*" in host):
                raise ServingError(
                    f"{origin!r} is no origin of web pages; write it as a browser does: https://play.example.org, with "
                    "its port if it has one and no path."
                )
