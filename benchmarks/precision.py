"""What a GRU's form, its precision and its threads cost, without a server (make bench-precision; docs/adr/0006).

The GRU as matrix products against ONNX Runtime's fused operator; int8 against float32; one thread against two, beside a
neighbour that keeps a core busy; OpenVINO's bf16 against ONNX Runtime on pixels.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _table import Row, interleaved, report
from gymnasium import spaces
from serving_rows.graphs import GraphBuilder, in_int8, save, save_pixels
from serving_rows.load import random_observations
from serving_rows.pixels import with_bf16

from understudy.agents.backends import has_bf16
from understudy.agents.bundle import Bundle
from understudy.agents.runtime import PolicyRuntime
from understudy.spec import SensorSpec

SIZE, REPEATS, CALLS = 256, 31, 20


def rows() -> list[Row]:
    """Measure every comparison on 64 bots, each pair in turn."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        products, operator = save_gru(folder / "products"), save_gru(folder / "operator", fused=True)
        integers = in_int8(products, folder / "int8")
        one, fused, int8 = (PolicyRuntime(each) for each in (products, operator, integers))
        pairs = [
            ("GRU-256 as products against the fused operator, float32", fused, one, 0.9),
            ("GRU-256 as products in int8 against the fused operator", fused, int8, 2.0),
            ("GRU-256 as products, int8 against float32", one, int8, 2.0),
        ]
        found = [compare(*each) for each in pairs]
        with neighbour():
            two = PolicyRuntime(products, threads=2)
            found.append(compare("GRU-256, one thread against two, beside a busy neighbour", two, one, 1.0))
        if has_bf16():
            pixels = with_bf16(save_pixels(folder / "pixels"))
            runtimes = PolicyRuntime(pixels), PolicyRuntime(pixels, variant="bf16")
            found.append(compare("pixels, OpenVINO in bf16 against ONNX Runtime in float32", *runtimes, 1.2, calls=1))
        return found


def compare(promise: str, slow: PolicyRuntime, fast: PolicyRuntime, target: float, calls: int = CALLS) -> Row:
    """Return the ratio of the median times of a step of 64 bots."""
    observations = random_observations(slow.bundle, 64, 1)[0]
    sensors = [observations[name] for name in slow.bundle.behavior.sensor_names]
    rng = np.random.default_rng(0)
    state = np.tanh(rng.normal(size=(64, slow.bundle.state_size))).astype(np.float32)
    noise = rng.random((64, slow.bundle.noise_size), np.float32)

    def play(runtime: PolicyRuntime) -> None:
        for _ in range(calls):
            runtime.step(sensors, state, noise)

    one, other = (each / calls for each in interleaved(lambda: play(slow), lambda: play(fast), REPEATS))
    return Row(promise, one / other, target, note=f"{one * 1e6:.0f} and {other * 1e6:.0f} us a step of 64 bots")


def save_gru(folder: Path, *, fused: bool = False) -> Bundle:
    """Write a GRU on 256 numbers with heads as large as Doom's."""
    sensor = SensorSpec("rays", spaces.Box(0, 1, (SIZE,), np.float32))

    def build(graph: GraphBuilder) -> None:
        graph.heads((fused_gru(graph) if fused else graph.gru("observation.rays", SIZE, SIZE)), SIZE)

    return save(folder, "gru", [sensor], SIZE, 30.0, build)


def fused_gru(graph: GraphBuilder) -> str:
    """Add the same unit as ONNX's own operator."""
    rng = np.random.default_rng(0)
    inputs, state = (rng.normal(0, SIZE**-0.5, (1, 3 * SIZE, SIZE)).astype(np.float32) for _ in range(2))
    first = graph.constant(np.array([0], np.int64))
    x, before = (graph("Unsqueeze", name, first) for name in ("observation.rays", "state"))
    bias = graph.constant(np.zeros((1, 6 * SIZE), np.float32))
    weights = [graph.constant(inputs), graph.constant(state), bias]
    steps = graph("GRU", x, *weights, "", before, hidden_size=SIZE, linear_before_reset=1)
    return graph("Squeeze", steps, graph.constant(np.array([0, 1], np.int64)), out="next_state")


@contextmanager
def neighbour() -> Iterator[None]:
    """Keep one core busy."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


if __name__ == "__main__":
    report("precision", rows())
