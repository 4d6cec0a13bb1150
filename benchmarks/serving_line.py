"""What a server adds to bare inference: 64 GRU bots decide through gRPC, and in a loop over the same graph.

Two processes on loopback, one thread of ONNX Runtime each. Measured with the C client, where it can be built, and with
the Python one; with a few ticks in flight, as a game does that acts on an answer some frames later; and with each tick
waiting for the last answer, where every microsecond of the wire and of the client counts in full.
"""

from __future__ import annotations

import asyncio
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from _c_client import build_tool, measure_ticks
from _table import Row, report
from gymnasium import spaces
from onnx import ModelProto, numpy_helper, parser

from understudy.agents.bundle import Bundle, write_bundle
from understudy.agents.runtime import PolicyRuntime
from understudy.serving.async_client import AsyncPlayStream
from understudy.serving.tuning import poll_directly
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

BOTS, INPUTS, HIDDEN = 64, 64, 256
HEADS = {"move": 3, "strafe": 3, "turn": 21, "fire": 2, "use": 2, "weapon": 8}
REPEATS, TICKS = 31, 60
IN_FLIGHT = 4
C_TICKS = 1500  # a second or so, since each measurement is a process of its own that has to get going

GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
policy (float[B,64] observation_rays, float[B,256] state, float[B,6] noise) => (OUTPUTS) {
  xr = MatMul(observation_rays, w_xr)   hr = MatMul(state, w_hr)   r_in = Add(xr, hr)   reset = Sigmoid(r_in)
  xz = MatMul(observation_rays, w_xz)   hz = MatMul(state, w_hz)   z_in = Add(xz, hz)   update = Sigmoid(z_in)
  xn = MatMul(observation_rays, w_xn)   hn = MatMul(state, w_hn)   kept = Mul(reset, hn)
  n_in = Add(xn, kept)   new = Tanh(n_in)   change = Sub(state, new)   old = Mul(update, change)
  next_state = Add(new, old)
  logits = MatMul(next_state, w_out)
  HEADS
}
"""
HEAD = """
  logits_{0} = Slice(logits, at_{1}, at_{2}, one)   noise_{0} = Slice(noise, at_noise_{0}, at_noise_end_{0}, one)
  p_{0} = Softmax<axis = 1>(logits_{0})   below_{0} = CumSum(p_{0}, one)   past_{0} = Less(below_{0}, noise_{0})
  steps_{0} = Cast<to = 7>(past_{0})   action_{0} = ReduceSum<keepdims = 0>(steps_{0}, one)
"""


def rows(target: float = 0.6) -> list[Row]:
    """Measure the promise, with each client."""
    poll_directly()
    with tempfile.TemporaryDirectory() as folder:
        bundle = make_bundle(Path(folder) / "gru")
        with served(bundle) as address:
            times = measure(PolicyRuntime(bundle), address)
    promise = "Server decisions per second, 64 GRU-256 bots in one stream, against a bare onnxruntime loop"
    step = times.pop("bare")
    made = []
    for how, tick in times.items():
        note = (
            f"{BOTS / step:,.0f} decisions/s bare, {BOTS / tick:,.0f} served; medians of {REPEATS} interleaved repeats"
        )
        print(f"{how}: {note}")
        made.append(Row(f"{promise}; {how}", step / tick, target, note=note))
    return made


def measure(runtime: PolicyRuntime, address: str) -> dict[str, float]:
    """Return the median seconds of a bare step, and those a tick takes, by how it is asked for."""
    import uvloop

    rng = np.random.default_rng(0)
    rays = rng.normal(size=(10, BOTS, INPUTS)).astype(np.float32)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_alternate(runtime, address, rays, rng.random((BOTS, len(HEADS)), np.float32)))
    return {how: statistics.median(times[1:]) for how, times in found.items()}  # The first repeat warms up.


async def _alternate(
    runtime: PolicyRuntime, address: str, rays: np.ndarray, noise: np.ndarray
) -> dict[str, list[float]]:
    from understudy.serving.async_client import AsyncClient

    state = np.zeros((BOTS, HIDDEN), np.float32)
    found: dict[str, list[float]] = defaultdict(list)
    async with AsyncClient(address) as client:
        for _ in range(REPEATS + 1):
            bare = np.empty(TICKS)
            for tick in range(TICKS):
                began = time.perf_counter()
                _, state = runtime.step([rays[tick % 10]], state, noise)
                bare[tick] = time.perf_counter() - began
            found["bare"].append(float(np.median(bare)))
            async with await client.play() as stream:
                for bot in range(BOTS):
                    stream.spawn(bot, bot)
                await stream.tick(range(BOTS), {"rays": rays[0]})
                found[f"Python client, {IN_FLIGHT} ticks in flight"].append(await _stream(stream, rays, IN_FLIGHT))
                found["Python client, each tick waits for the last"].append(await _stream(stream, rays, 1))
            if isinstance(build_tool(), Path):
                for in_flight in (IN_FLIGHT, 1):
                    asked = measure_ticks(address, BOTS, C_TICKS, in_flight)
                    how = f"{in_flight} ticks in flight" if in_flight > 1 else "each tick waits for the last"
                    found[f"C client, {how}"].append(BOTS / asked["decisions_per_s"])
    return found


async def _stream(stream: AsyncPlayStream, rays: np.ndarray, in_flight: int) -> float:
    """Return the mean seconds a tick takes while so many are under way."""
    for tick in range(in_flight):
        await stream.send(range(BOTS), {"rays": rays[tick % 10]})
    began = time.perf_counter()
    for tick in range(TICKS):
        await stream.receive()
        await stream.send(range(BOTS), {"rays": rays[tick % 10]})
    seconds = (time.perf_counter() - began) / TICKS
    for _ in range(in_flight):
        await stream.receive()
    return seconds


@contextmanager
def served(bundle: Bundle) -> Iterator[str]:
    """Serve `bundle` in a process of its own; gives the address."""
    command = [sys.executable, "-m", "understudy.cli.main", "serve", str(bundle.folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.communicate()


def make_bundle(folder: Path) -> Bundle:
    """Write a GRU of 256 units with heads as large as Doom's, its weights random."""
    sensor = SensorSpec("rays", spaces.Box(-np.inf, np.inf, (INPUTS,), np.float32))
    actions = tuple(ActionSpec(name, spaces.Discrete(size)) for name, size in HEADS.items())
    return write_bundle(
        folder,
        make_graph().SerializeToString(),
        None,
        name="gru",
        behavior=BehaviorSpec("doom", (sensor,), actions, 17.5),
        state_size=HIDDEN,
        noise_size=len(HEADS),
        logits_size=sum(HEADS.values()),
        provenance={},
        certificate={},
    )


def make_graph() -> ModelProto:
    """Return the graph; names get their dots afterwards, which the text form of ONNX does not allow."""
    ends = np.cumsum([0, *HEADS.values()]).tolist()
    outputs = ", ".join(
        [f"int64[B] action_{name}" for name in HEADS] + ["float[B,256] next_state", "float[B,39] logits"]
    )
    heads = "".join(HEAD.format(name, *ends[index : index + 2]) for index, name in enumerate(HEADS))
    model = parser.parse_model(GRAPH.replace("OUTPUTS", outputs).replace("HEADS", heads))
    rng = np.random.default_rng(0)
    sizes = {
        f"w_{gate}": (INPUTS if gate[0] == "x" else HIDDEN, HIDDEN) for gate in ("xr", "hr", "xz", "hz", "xn", "hn")
    }
    for name, size in (sizes | {"w_out": (HIDDEN, ends[-1])}).items():
        _add(model, name, rng.normal(0, math.sqrt(1 / size[0]), size).astype(np.float32))
    _add(model, "one", np.array([1], np.int64))
    for end in ends:
        _add(model, f"at_{end}", np.array([end], np.int64))
    for index, name in enumerate(HEADS):
        _add(model, f"at_noise_{name}", np.array([index], np.int64))
        _add(model, f"at_noise_end_{name}", np.array([index + 1], np.int64))
    for each in (*model.graph.input, *model.graph.output):
        each.name = _dotted(each.name)
    for node in model.graph.node:
        node.input[:] = map(_dotted, node.input)
        node.output[:] = map(_dotted, node.output)
    return model


def _add(model: ModelProto, name: str, value: np.ndarray) -> None:
    model.graph.initializer.append(numpy_helper.from_array(value, name))


def _dotted(name: str) -> str:
    return name.replace("observation_", "observation.").replace("action_", "action.")


if __name__ == "__main__":
    report("serving_line", rows())
