"""OpenTelemetry traces of every turn, for operators who collect them (extra `trace`).

Where the spans go and how many are kept is said by OpenTelemetry's own environment variables, such as
`OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_TRACES_SAMPLER`
(https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from understudy.errors import require
from understudy.serving.metrics import Counters, LateReason

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

_SERVICE = "understudy"


class TracedCounters(Counters):
    """Counters that also leave spans: `turn`, from the oldest tick's arrival, and in it `step`; and `late`.

    Args:
        tracer: Of OpenTelemetry.
        bundle: The bundle's name.
        version: Of the bundle: the start of its digest.
    """

    __slots__ = ("_attributes", "_inside", "_tracer")

    def __init__(self, tracer: Tracer, bundle: str, version: str) -> None:
        from opentelemetry.trace import set_span_in_context

        super().__init__()
        self._tracer = tracer
        self._inside = set_span_in_context
        self._attributes = {"understudy.bundle": bundle, "understudy.version": version}

    def turn(self, requests: int, rows: int, queue_s: float, step_s: float) -> None:
        """Count one batch, and trace it."""
        super().turn(requests, rows, queue_s, step_s)
        end = time.time_ns()
        stepped = end - round(step_s * 1e9)
        arrived = stepped - round(queue_s * 1e9)
        sizes = {"understudy.ticks": requests, "understudy.bots": rows}
        turn = self._tracer.start_span("turn", start_time=arrived, attributes={**self._attributes, **sizes})
        self._tracer.start_span("step", self._inside(turn), start_time=stepped).end(end)
        turn.end(end)

    def late(self, reason: LateReason, rows: int) -> None:
        """Count one tick whose bots got their fallback, and trace it."""
        super().late(reason, rows)
        sizes = {"understudy.reason": reason, "understudy.bots": rows}
        self._tracer.start_span("late", attributes={**self._attributes, **sizes}).end()


def open_tracer() -> Tracer:
    """Return a tracer whose spans go out by OTLP over gRPC, in batches, from a thread of OpenTelemetry's.

    Raises:
        MissingExtraError: If OpenTelemetry's SDK or exporter is not installed.
    """
    require("opentelemetry.sdk.trace", "trace")
    require("opentelemetry.exporter.otlp.proto.grpc.trace_exporter", "trace")
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": _SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer(__name__)
