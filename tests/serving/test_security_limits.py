"""How often a client may ask."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.errors import ServingError
from understudy.serving import limits
from understudy.serving.limits import MAX_PEERS, OpenLimit, RateLimitError, RateLimits, TickLimit, TokenBucket, host_of


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time, seconds."""
        return self.now


@given(
    rate=st.floats(0.1, 1000),
    burst=st.floats(0, 100),
    waits=st.lists(st.floats(0, 2), max_size=200),
)
def test_a_bucket_never_lets_through_more_than_its_rate(rate: float, burst: float, waits: list[float]) -> None:
    """In any stretch of time, no more calls pass than the burst and the rate times its length."""
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr(limits, "time", clock)
        bucket = TokenBucket(rate, burst)
        passed = []
        for wait in waits:
            clock.now += wait
            if bucket.take():
                passed.append(clock.now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            allowed = max(burst, 1) + rate * (passed[last] - passed[first])
            assert last - first + 1 <= allowed + 1e-6


def test_a_bucket_lets_through_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that keeps to the rate is never refused."""
    clock = Clock()
    monkeypatch.setattr(limits, "time", clock)
    bucket = TokenBucket(10, 1)
    for _ in range(1000):
        clock.now += 0.1001
        assert bucket.take()


def test_infinity_is_no_limit() -> None:
    """Nothing is refused where nothing is limited."""
    ticks, openings = TickLimit(RateLimits()), OpenLimit(RateLimits())
    for _ in range(10_000):
        ticks.count()
        openings.count("ipv4:10.0.0.1:5")


def test_each_peer_has_its_own_openings() -> None:
    """One that opens too often does not lock out another; its ports are all one."""
    openings = OpenLimit(RateLimits(opens_per_s=0.2))
    for port in range(2):
        openings.count(f"ipv4:10.0.0.1:{port}")
    with pytest.raises(RateLimitError, match=r"10\.0\.0\.1 opened more than 0\.2 streams a second"):
        openings.count("ipv4:10.0.0.1:9999")
    openings.count("ipv4:10.0.0.2:1")


def test_peers_are_not_remembered_without_end() -> None:
    """An attacker with many addresses fills no memory."""
    openings = OpenLimit(RateLimits(opens_per_s=1))
    for peer in range(MAX_PEERS + 100):
        openings.count(f"peer-{peer}:1")
    assert len(openings._buckets) == MAX_PEERS


@pytest.mark.parametrize(
    ("peer", "host"),
    [
        ("ipv4:10.0.0.1:5000", "10.0.0.1"),
        ("ipv6:%5B::1%5D:5000", "%5B::1%5D"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("unix:/run/bots", "unix"),
        ("unknown", "unknown"),
    ],
)
def test_a_peer_is_its_host(peer: str, host: str) -> None:
    """As gRPC and HTTP name it, without the port."""
    assert host_of(peer) == host


@pytest.mark.parametrize("rate", [0, -1, math.nan])
def test_a_rate_is_above_zero(rate: float) -> None:
    """Anything else is refused at once."""
    with pytest.raises(ServingError, match="must be above 0"):
        RateLimits(ticks_per_s=rate)
