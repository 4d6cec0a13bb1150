"""A small convolutional policy on pictures of 64 x 64: through the server against bare, and there in bf16."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from _table import Row

from serving_rows.graphs import save_pixels
from serving_rows.load import join, random_observations, run, served
from serving_rows.settings import Settings
from understudy.agents.backends import has_bf16
from understudy.agents.bundle import Bundle, write_bundle
from understudy.agents.runtime import PolicyRuntime
from understudy.agents.variants import Variant

BOTS, IN_FLIGHT = 16, 3
_PROMISE = f"{BOTS} pixel bots a tick through the server against bare ONNX Runtime"
_BF16 = "the same with OpenVINO in bf16 behind the server"


def rows(settings: Settings) -> list[Row]:
    """Measure bare and served in turn; bf16 on the same graph."""
    settings = replace(settings, ticks=max(4, settings.ticks // 6))
    with tempfile.TemporaryDirectory() as folder:
        bundle = with_bf16(save_pixels(Path(folder) / "pixels"))
        step, tick = measure(bundle, "fp32", settings)
        plain = Row(_PROMISE, step / tick, 0.85, note=f"{BOTS / step:,.0f} decisions/s bare, {BOTS / tick:,.0f} served")
        if not has_bf16():
            return [plain, Row(_BF16, None, 3.0, note="this processor has no bfloat16, or OpenVINO is not installed")]
        step, tick = measure(bundle, "bf16", settings)
    note = f"{BOTS / step:,.0f} decisions/s bare in float32, {BOTS / tick:,.0f} served in bf16; {processor_bf16()}"
    return [plain, Row(_BF16, step / tick, 3.0, note=note)]


def with_bf16(bundle: Bundle) -> Bundle:
    """Return the bundle with a variant in bf16: its sampling has no matrix product, so that the graph is the same."""
    variant = Variant(
        "policy.bf16.onnx",
        "bf16",
        "openvino",
        {"tolerance": 1.0},
        {"equal_actions": 1.0},
        step_us=1.0,
        fp32_step_us=2.0,
    )
    card = {key: value for key, value in vars(bundle.card).items() if key != "sha256"}
    graph = bundle.policy_path.read_bytes()
    return write_bundle(bundle.folder, graph, None, {variant.file: graph}, **card | {"variants": {"bf16": variant}})


def measure(bundle: Bundle, precision: str, settings: Settings) -> tuple[float, float]:
    """Return the median seconds of a bare step in float32, and of a served tick in `precision`."""
    observations = random_observations(bundle, BOTS)
    with served(bundle, "--precision", precision) as server:
        bare, ticks = run(partial(_alternate, PolicyRuntime(bundle), server.address, observations, settings))
    return statistics.median(bare), statistics.median(ticks)


async def _alternate(
    runtime: PolicyRuntime, address: str, observations: list[dict[str, np.ndarray]], settings: Settings
) -> tuple[list[float], list[float]]:
    from understudy.serving.async_client import AsyncClient

    bundle, bare, ticks = runtime.bundle, [], []
    state = np.zeros((BOTS, bundle.state_size), np.float32)
    noise = np.random.default_rng(0).random((BOTS, bundle.noise_size), np.float32)
    async with AsyncClient(address) as client:
        player = await join(client, BOTS, observations)
        for repeat in range(settings.repeats + 1):
            began = time.perf_counter()
            for tick in range(settings.ticks):
                _, state = runtime.step([observations[tick % len(observations)]["frame"]], state, noise)
            steps = (time.perf_counter() - began) / settings.ticks
            seconds = await player.flood(settings.ticks, IN_FLIGHT)
            if repeat:  # The first one warms up.
                bare.append(steps)
                ticks.append(seconds)
    return bare, ticks


def processor_bf16() -> str:
    """Say which instructions for bfloat16 the processor has."""
    flags = Path("/proc/cpuinfo").read_text()
    return "the processor has AMX" if "amx_bf16" in flags else "the processor has AVX512-BF16 but no AMX: at most 2 x"
