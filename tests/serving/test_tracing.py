"""OpenTelemetry: every turn leaves spans, and they arrive at a collector."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent import futures
from pathlib import Path

import arena
import grpc
import numpy as np
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from understudy.serving.client import Client
from understudy.serving.options import ServerOptions
from understudy.serving.run import serve_in_thread
from understudy.serving.versions import Loading


def test_a_turn_leaves_a_span_with_the_step_inside_it(tmp_path: Path) -> None:
    """A tick of three bots is one `turn` with their number, and one `step` that lies within it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    bundle = arena.make_bundle(tmp_path / "bundle")
    options = ServerOptions(port=0, loading=Loading(tracer=provider.get_tracer("test")))
    with serve_in_thread([bundle], options) as address:
        tick(address, 3)
    step, turn = exporter.get_finished_spans()
    assert (step.name, turn.name) == ("step", "turn")
    assert dict(turn.attributes or {}) == {
        "understudy.bundle": "rusher",
        "understudy.version": bundle.digest[:12],
        "understudy.ticks": 1,
        "understudy.bots": 3,
    }
    assert step.parent is not None
    assert step.parent.span_id == turn.context.span_id
    assert (turn.start_time or 0) <= (step.start_time or 0) < (step.end_time or 0) <= (turn.end_time or 0)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what arrives, as an OpenTelemetry collector would."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.services: set[str] = set()

    def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: object) -> object:  # noqa: ARG002
        """Take spans in."""
        for resource in request.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.names += [span.name for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


def test_a_collector_receives_the_spans_of_a_server(tmp_path: Path) -> None:
    """`understudy serve --trace` sends its spans by OTLP to where the environment says, the last as it stops."""
    arena.make_bundle(tmp_path / "bundle")
    collector, server = Collector(), grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    command = [sys.executable, "-m", "understudy.cli.main", "serve", str(tmp_path / "bundle"), "--port", "0", "--trace"]
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        address = next(word for line in process.stdout for word in line.split() if word.startswith("127.0.0.1:"))
        tick(address.rstrip(".,"), 2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        server.stop(None)
    assert collector.services == {"understudy"}
    assert sorted(collector.names) == ["step", "turn"]


def tick(address: str, bots: int) -> None:
    """Let some bots decide once."""
    with Client(address) as client, client.play("rusher") as stream:
        for bot in range(bots):
            stream.spawn(bot, bot)
        stream.tick(range(bots), arena.observe(np.random.default_rng(0), bots))
