"""What is counted, what it costs, and what Prometheus reads."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import threading
import time
from bisect import bisect_left
from pathlib import Path

import httpx
import numpy as np
import pytest
import trustme
from arena import observe
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from understudy.agents.bundle import Bundle
from understudy.errors import ServingError
from understudy.serving.json_log import JsonFormatter, configure_log
from understudy.serving.metrics import BATCH_BOUNDS, STEPS_KEPT, TIME_BOUNDS_S, Counters, Histogram
from understudy.serving.prometheus import MetricsPort
from understudy.serving.registry import Registry
from understudy.serving.security import Tls
from understudy.serving.session import Birth

turns = st.tuples(st.integers(1, 9), st.integers(0, 3000), st.floats(0, 3), st.floats(0, 3))


@given(taken=st.lists(turns, max_size=30))
def test_the_sums_are_those_of_the_turns(taken: list[tuple[int, int, float, float]]) -> None:
    """Whatever turns are counted, totals and histograms are what a slow count gives."""
    counters = Counters()
    for turn in taken:
        counters.turn(*turn)
    ticks, rows, queues, steps = ([turn[column] for turn in taken] for column in range(4))
    assert (counters.turns, counters.ticks, counters.decisions) == (len(taken), sum(ticks), sum(rows))
    for histogram, values, bounds in (
        (counters.batch, rows, BATCH_BOUNDS),
        (counters.queue, queues, TIME_BOUNDS_S),
        (counters.step, steps, TIME_BOUNDS_S),
    ):
        expected = [0] * (len(bounds) + 1)
        for value in values:
            expected[bisect_left(bounds, value)] += 1
        assert histogram.counts == expected
        assert histogram.total == pytest.approx(sum(values))


@pytest.mark.parametrize("bound", TIME_BOUNDS_S)
def test_a_bound_belongs_to_its_own_bucket(bound: float) -> None:
    """Prometheus's buckets hold what is at most their bound."""
    counters = Counters()
    counters.turn(1, 1, bound, np.nextafter(bound, 9))
    place = TIME_BOUNDS_S.index(bound)
    assert counters.queue.counts[place] == 1
    assert counters.step.counts[place + 1] == 1


def test_quantiles_are_of_the_last_steps() -> None:
    """Before the first there is none; old ones are forgotten."""
    counters = Counters()
    assert counters.step_quantiles() == (0.0, 0.0)
    for step in range(100):
        counters.turn(1, 1, 0.0, step / 1000)
    p50, p99 = counters.step_quantiles()
    assert (p50, p99) == (pytest.approx(0.0495), pytest.approx(0.09801))
    for _ in range(STEPS_KEPT):
        counters.turn(1, 1, 0.0, 0.5)
    assert counters.step_quantiles() == (0.5, 0.5)


def test_late_ticks_are_counted_by_reason() -> None:
    """A tick counts once, and each of its bots."""
    counters = Counters()
    counters.late("budget", 64)
    counters.late("budget", 1)
    counters.late("overload", 3)
    counters.failure()
    assert counters.late_ticks == {"budget": 2, "overload": 1}
    assert counters.fallbacks == {"budget": 65, "overload": 3}
    assert counters.failures == 1


def test_counting_a_turn_costs_less_than_five_microseconds() -> None:
    """The best of several rounds: a neighbour on the machine is not ours to pay for."""
    counters = Counters()
    rounds = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(2000):
            counters.turn(3, 64, 2e-4, 6e-4)
        rounds.append((time.perf_counter() - began) / 2000)
    assert min(rounds) < 5e-6


def test_reading_while_another_thread_counts_is_consistent() -> None:
    """A histogram's count never goes back, whoever reads it."""
    counters, done = Counters(), threading.Event()

    def count() -> None:
        while not done.is_set():
            counters.turn(1, 5, 1e-4, 1e-4)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        seen = [sum(counters.batch.counts) for _ in range(2000)]
    finally:
        done.set()
        thread.join()
    assert seen == sorted(seen)


def test_a_histogram_keeps_what_is_beyond_every_bound() -> None:
    """The last bucket has no end."""
    histogram = Histogram(2)
    histogram.add(7, 100.0)
    assert histogram.counts == [0, 0, 1]


class Scraped:
    """What Prometheus reads at one moment.

    Args:
        url: Of the metrics port.
    """

    def __init__(self, url: str) -> None:
        text = httpx.get(f"{url}/metrics", verify=False, timeout=20).text
        self._samples = [each for family in text_string_to_metric_families(text) for each in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """Return the one sample of a name and labels."""
        (value,) = (each.value for each in self._samples if (each.name, each.labels) == (f"understudy_{name}", labels))
        return value


def test_prometheus_reads_what_bots_did(bundles: list[Bundle]) -> None:
    """Ticks, decisions, histograms, live bots and streams of a session are in `/metrics`, by bundle and version."""

    async def main() -> Scraped:
        registry, port = Registry(bundles), MetricsPort()
        where = await port.start(registry, "127.0.0.1", 0)
        session = registry.open("rusher", peer="here", dialect="web")
        session.spawn([Birth(bot, bot) for bot in range(5)])
        rng = np.random.default_rng(0)
        for _ in range(3):
            await session.decide(range(5), list(observe(rng, 5).values()))
        samples = await asyncio.to_thread(Scraped, f"http://127.0.0.1:{where}")
        session.close()
        await port.stop()
        await registry.close()
        return samples

    read = asyncio.run(main())
    version = {"bundle": "rusher", "version": bundles[0].digest[:12]}
    assert read("ticks_total", **version) == 3
    assert read("decisions_total", **version) == 15
    assert read("failures_total", **version) == 0
    assert read("missed_deadlines_total", **version, reason="budget") == 0
    assert read("fallbacks_total", **version, reason="overload") == 0
    assert read("batch_size_bucket", **version, le="4") == 0
    assert read("batch_size_bucket", **version, le="8") == 3
    assert read("batch_size_sum", **version) == 15
    assert read("inference_seconds_count", **version) == 3
    assert read("inference_seconds_sum", **version) > 0
    assert read("queue_seconds_bucket", **version, le="+Inf") == 3
    assert read("bots", bundle="rusher") == 5
    assert read("bots", bundle="camper") == 0
    assert read("streams", bundle="rusher", dialect="web") == 1
    assert read("version_share", **version) == 1
    assert read("ticks_total", bundle="camper", version=bundles[1].digest[:12]) == 0


def test_a_metrics_port_that_is_taken_is_told(bundles: list[Bundle]) -> None:
    """The sentence names the port and the option."""

    async def main() -> None:
        registry, first = Registry(bundles[:1]), MetricsPort()
        port = await first.start(registry, "127.0.0.1", 0)
        try:
            with pytest.raises(ServingError, match=f"127.0.0.1:{port} for metrics .*--metrics-port"):
                await MetricsPort().start(registry, "127.0.0.1", port)
        finally:
            await first.stop()
            await registry.close()

    asyncio.run(main())


def test_metrics_can_be_behind_tls(bundles: list[Bundle], tmp_path: Path) -> None:
    """With the server's certificate they are encrypted; with a client authority, only its clients may read."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key, ca = (tmp_path / name for name in ("server.pem", "server.key", "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca)
    stranger, friend = (ssl.create_default_context() for _ in range(2))
    for context in (stranger, friend):
        authority.configure_trust(context)
    authority.issue_cert("prometheus@example.org").configure_cert(friend)

    async def read(tls: Tls, context: ssl.SSLContext) -> int:
        registry, port = Registry(bundles[:1]), MetricsPort(tls)
        url = f"https://127.0.0.1:{await port.start(registry, '127.0.0.1', 0)}/metrics"
        try:
            async with httpx.AsyncClient(verify=context) as http:
                return (await http.get(url)).status_code
        finally:
            await port.stop()
            await registry.close()

    assert asyncio.run(read(Tls(certificate, key), stranger)) == 200
    assert asyncio.run(read(Tls(certificate, key, ca), friend)) == 200
    with pytest.raises((httpx.TransportError, ssl.SSLError)):
        asyncio.run(read(Tls(certificate, key, ca), stranger))


def test_the_log_can_be_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line is an object with what was logged, its extras and its traceback."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        configure_log("json")
        log = logging.getLogger("understudy.test")
        log.info("bot %d of '%s'", 7, "rusher", extra={"bundle": "rusher", "folder": Path("x")})
        try:
            raise ValueError("wrong\nthing")
        except ValueError:
            log.exception("failed")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        root.handlers, root.level = before[0], before[1]
    first, second = lines
    assert (first["level"], first["logger"], first["message"]) == ("info", "understudy.test", "bot 7 of 'rusher'")
    assert (first["bundle"], first["folder"]) == ("rusher", "x")
    assert first["time"].endswith("+00:00")
    assert "ValueError: wrong\nthing" in second["exception"]
    assert set(first) == {"time", "level", "logger", "message", "bundle", "folder"}
    assert isinstance(JsonFormatter(), logging.Formatter)
