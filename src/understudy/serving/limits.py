"""How often one client may ask: a token bucket for each stream, and one for each peer that opens streams."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from dataclasses import dataclass

from understudy.errors import ServingError

MAX_PEERS = 4096
"""Whose openings are remembered; beyond, the one that was quiet for longest is forgotten."""


class RateLimitError(ServingError):
    """Raised when a client asks more often than the server allows."""


@dataclass(frozen=True)
class RateLimits:
    """How often one client may ask; infinity is no limit.

    Attributes:
        ticks_per_s: In one stream or session, on average; a second's worth may come at once.
        opens_per_s: Streams and sessions that one peer opens, on average; ten seconds' worth may come at once.

    Raises:
        ServingError: If a number is not positive.
    """

    ticks_per_s: float = math.inf
    opens_per_s: float = math.inf

    def __post_init__(self) -> None:
        for name in ("ticks_per_s", "opens_per_s"):
            if not getattr(self, name) > 0:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be above 0.")


class TokenBucket:
    """Lets through `rate` calls a second, and up to `burst` of them at once.

    Args:
        rate: Calls a second; infinity is no limit.
        burst: Calls at once, at least 1.
    """

    __slots__ = ("_burst", "_filled", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._left = self._burst
        self._filled = time.monotonic()

    def take(self) -> bool:
        """Whether one more call may pass now; it then counts."""
        if self._rate == math.inf:
            return True
        now = time.monotonic()
        self._left = min(self._left + (now - self._filled) * self._rate, self._burst)
        self._filled = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class TickLimit:
    """Of one stream or session.

    Args:
        limits: Of the server.
    """

    __slots__ = ("_bucket", "_rate")

    def __init__(self, limits: RateLimits) -> None:
        self._rate = limits.ticks_per_s
        self._bucket = TokenBucket(limits.ticks_per_s, limits.ticks_per_s)

    def count(self) -> None:
        """Count a tick; raises `RateLimitError` if it comes too soon."""
        if not self._bucket.take():
            raise RateLimitError(
                f"More than {self._rate:g} ticks a second in one stream, which is what this server allows; put more "
                "bots in each tick."
            )


class _Buckets:
    """A token bucket for each name; the one that was quiet for longest is forgotten when there are too many."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, name: str) -> bool:
        bucket = self._buckets.pop(name, None) or TokenBucket(self._rate, self._burst)
        self._buckets[name] = bucket
        if len(self._buckets) > MAX_PEERS:
            self._buckets.popitem(last=False)
        return bucket.take()

    def __len__(self) -> int:
        return len(self._buckets)


class ConnectionLimit:
    """Of the dialects whose ticks are calls of their own, each by its connection.

    Args:
        limits: Of the server.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._rate = limits.ticks_per_s
        self._buckets = _Buckets(limits.ticks_per_s, limits.ticks_per_s)

    def count(self, peer: str) -> None:
        """Count a tick of `peer`, host and port; raises `RateLimitError` if it comes too soon."""
        if self._rate < math.inf and not self._buckets.take(peer):
            raise RateLimitError(
                f"More than {self._rate:g} requests a second over one connection, which is what this server allows; "
                "put more bots in each."
            )


class OpenLimit:
    """Of all peers, each by its own host.

    Args:
        limits: Of the server.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._rate = limits.opens_per_s
        self._buckets = _Buckets(limits.opens_per_s, 10 * limits.opens_per_s)

    def count(self, peer: str) -> None:
        """Count an opening of `peer`, as gRPC or HTTP names it; raises `RateLimitError` if it comes too soon."""
        host = host_of(peer)
        if not self._buckets.take(host):
            raise RateLimitError(
                f"{host} opened more than {self._rate:g} streams a second, which is what this server allows; keep one "
                "open and put its bots in it."
            )


def host_of(peer: str) -> str:
    """Return a peer's name without its port: of `ipv4:10.0.0.1:5000`, `10.0.0.1`."""
    name = peer.removeprefix("ipv4:").removeprefix("ipv6:")
    return name.rpartition(":")[0] or name
