"""What a tick costs a game that links the C library, over and above inference."""

from __future__ import annotations

import tempfile
from pathlib import Path

import serving_line
from _c_client import build_tool, measure_ticks
from _table import Row

from serving_rows.load import Served, served
from serving_rows.settings import Settings

BOTS = 64
_PROMISE = "C client, one tick of 64 bots, round trip above inference"


def rows(settings: Settings) -> list[Row]:
    """Run the library's own latency tool beside the server, and take the server's median step from its times."""
    tool = build_tool()
    if isinstance(tool, str):
        targets = (("p50", 150), ("p99", 1000))
        return [Row(f"{_PROMISE}, {name}", None, target, "us", True, tool) for name, target in targets]
    ticks = 200 if settings.smoke else 20_000
    with tempfile.TemporaryDirectory() as folder:
        bundle = serving_line.make_bundle(Path(folder) / "gru")
        with served(bundle, "--admin") as server:
            found = measure_ticks(server.address, BOTS, ticks)
            step = inference_us(server)
    p50, p99 = found["p50_us"], found["p99_us"]
    note = f"round trip p50 {p50:.0f}, p99 {p99:.0f} us; inference in the server {step:.0f} us (p50)"
    return [
        Row(f"{_PROMISE}, p50", p50 - step, 150, "us", True, note),
        Row(f"{_PROMISE}, p99", p99 - step, 1000, "us", True, note),
    ]


def inference_us(server: Served) -> float:
    """Return the median microseconds of a step, as the server measured them."""
    import grpc

    from understudy.serving import understudy_pb2 as pb
    from understudy.serving import understudy_pb2_grpc as pb_grpc

    with grpc.insecure_channel(server.address) as channel:
        status = pb_grpc.AdminStub(channel).Status(pb.StatusRequest())
    return float(status.bundles[0].versions[0].step_p50_us)
