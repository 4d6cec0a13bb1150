"""The counters for Prometheus: read when it asks, so that playing bots pay nothing for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from understudy import __version__
from understudy.errors import ServingError, require
from understudy.serving.deployment import Deployment
from understudy.serving.metrics import BATCH_BOUNDS, TIME_BOUNDS_S, Counters, Histogram
from understudy.serving.registry import Registry
from understudy.serving.security import Tls
from understudy.serving.versions import Version

VERSION_DIGITS = 12
"""Of a bundle's digest, as the label `version`."""

_BY_VERSION = ("bundle", "version")


class MetricsPort:
    """Serves `/metrics` over HTTP in a thread of its own, until stopped. It asks for no token.

    Args:
        tls: The server's certificate; with a client authority, only its clients may read.

    Attributes:
        port: Where it listens, once it is started.
    """

    def __init__(self, tls: Tls | None = None) -> None:
        self.port = 0
        self._tls = tls

    async def start(self, registry: Registry, host: str, port: int) -> int:
        """Listen, and return the port.

        Args:
            registry: Whose counters are read.
            host: To listen on. Whether it may be public is the caller's to check (`Security.require_for`).
            port: To listen on; 0 picks a free one.

        Raises:
            MissingExtraError: If prometheus-client is not installed.
            ServingError: If the port cannot be had.
        """
        client = require("prometheus_client", "metrics")
        collected = client.CollectorRegistry()
        collected.register(ServingCollector(registry))
        client.ProcessCollector(registry=collected)
        try:
            self._server, self._thread = client.start_http_server(port, host, collected, **_tls_options(self._tls))
        except OSError as error:
            raise ServingError(
                f"Cannot listen on {host}:{port} for metrics ({error.strerror}); choose another with --metrics-port "
                "(0: a free one)."
            ) from error
        self.port = int(self._server.server_port)
        return self.port

    async def stop(self) -> None:
        """Stop listening."""
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()
        await asyncio.to_thread(self._thread.join)


def _tls_options(tls: Tls | None) -> dict[str, Any]:
    if tls is None:
        return {}
    files = {"certfile": str(tls.certificate), "keyfile": str(tls.key)}
    if tls.client_ca is None:
        return files
    return {**files, "client_cafile": str(tls.client_ca), "client_auth_required": True}


class ServingCollector:
    """What `prometheus_client` calls a collector: it reads the registry's counters from Prometheus's thread.

    Args:
        registry: Whose counters are read.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Any]:
        """Yield every metric."""
        core: Any = require("prometheus_client.core", "metrics")
        info = core.GaugeMetricFamily("understudy_info", "The server's version.", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from self._live(core)
        versions = [
            ((each.name, version.bundle.digest[:VERSION_DIGITS]), version.counters)
            for each in self._registry.deployments
            for version in _versions(each)
        ]
        yield from _counts(core, versions)
        yield from _histograms(core, versions)

    def _live(self, core: Any) -> Iterator[Any]:
        bots = core.GaugeMetricFamily("understudy_bots", "Bots that live.", labels=["bundle"])
        share = core.GaugeMetricFamily("understudy_version_share", "Of the bots, 0 to 1.", labels=_BY_VERSION)
        for each in self._registry.deployments:
            bots.add_metric([each.name], each.slots.num_taken)
            for version in _versions(each):
                labels = (each.name, version.bundle.digest[:VERSION_DIGITS])
                share.add_metric(labels, each.versions.share_of(version))
        streams = core.GaugeMetricFamily("understudy_streams", "Streams and sessions.", labels=["bundle", "dialect"])
        counted = Counter((each.deployment.name, each.dialect) for each in self._registry.sessions)
        for pair, count in counted.items():
            streams.add_metric(pair, count)
        yield from (bots, share, streams)


def _versions(deployment: Deployment) -> list[Version]:
    """Return those that are loaded; the event loop may take one back while this thread looks."""
    return [each for each in deployment.versions.all if each is not None]


_Labelled: TypeAlias = "Sequence[tuple[tuple[str, str], Counters]]"
_Read: TypeAlias = Callable[[Counters], Any]

_COUNTS: tuple[tuple[str, str, _Read], ...] = (
    ("ticks", "Ticks that the policy answered.", lambda each: each.ticks),
    ("decisions", "Decisions of single bots.", lambda each: each.decisions),
    ("batches", "Batches that the policy computed.", lambda each: each.turns),
    ("failures", "Batches in which the policy failed.", lambda each: each.failures),
)
_COUNTS_BY_REASON: tuple[tuple[str, str, _Read], ...] = (
    ("missed_deadlines", "Ticks answered by fallbacks, and why.", lambda each: each.late_ticks),
    ("fallbacks", "Bots that got a fallback, and why.", lambda each: each.fallbacks),
)
_HISTOGRAMS: tuple[tuple[str, str, Sequence[float], _Read], ...] = (
    ("batch_size", "Bots in a batch.", BATCH_BOUNDS, lambda each: each.batch),
    ("queue_seconds", "How long the oldest tick of a batch waited.", TIME_BOUNDS_S, lambda each: each.queue),
    ("inference_seconds", "How long a batch took.", TIME_BOUNDS_S, lambda each: each.step),
)


def _counts(core: Any, versions: _Labelled) -> Iterator[Any]:
    for name, text, read in _COUNTS:
        family = core.CounterMetricFamily(f"understudy_{name}", text, labels=_BY_VERSION)
        for labels, counters in versions:
            family.add_metric(labels, read(counters))
        yield family
    for name, text, read in _COUNTS_BY_REASON:
        family = core.CounterMetricFamily(f"understudy_{name}", text, labels=(*_BY_VERSION, "reason"))
        for labels, counters in versions:
            for reason, count in read(counters).items():
                family.add_metric((*labels, reason), count)
        yield family


def _histograms(core: Any, versions: _Labelled) -> Iterator[Any]:
    for name, text, bounds, read in _HISTOGRAMS:
        family = core.HistogramMetricFamily(f"understudy_{name}", text, labels=_BY_VERSION)
        for labels, counters in versions:
            histogram: Histogram = read(counters)
            family.add_metric(labels, _cumulated(histogram, bounds), histogram.total)
        yield family


def _cumulated(histogram: Histogram, bounds: Sequence[float]) -> list[tuple[str, float]]:
    """Return each bucket's upper bound and how many values lie below, as Prometheus wants them."""
    counts, below = list(histogram.counts), 0
    buckets = []
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets
