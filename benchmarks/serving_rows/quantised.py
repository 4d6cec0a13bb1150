"""The same trained policy in int8 and in float32: two servers, one client that asks them in turn."""

from __future__ import annotations

import statistics
from functools import partial

import numpy as np
from _table import Row, interleaved

from serving_rows.load import join, random_observations, run, served
from serving_rows.settings import Settings
from serving_rows.trained import trained_bundle
from understudy.agents.bundle import Bundle
from understudy.agents.runtime import PolicyRuntime

BOTS, IN_FLIGHT = 64, 3
_INT8 = ("--precision", "int8", "--min-agreement", "0")  # How often they agree is a row of its own.


def rows(settings: Settings) -> list[Row]:
    """Measure the ratio through the server, and give the bare one and the agreement as the bundle's card has them."""
    bundle = trained_bundle()
    variant = bundle.card.variants["int8"]
    with served(bundle, "--precision", "fp32") as slow, served(bundle, *_INT8) as fast:
        times = run(partial(_alternate, slow.address, fast.address, random_observations(bundle, BOTS), settings))
    fp32, int8 = (statistics.median(each) for each in times)
    bare = bare_steps(bundle, settings)
    note = (
        f"{BOTS / fp32:,.0f} decisions/s in float32, {BOTS / int8:,.0f} in int8, {IN_FLIGHT} ticks in flight; bare "
        f"steps {bare[0] * 1e6:.0f} and {bare[1] * 1e6:.0f} us"
    )
    agreed = f"on {variant.agreement['decisions']} decisions held out from training"
    return [
        Row("int8 against float32 through the server, 64 trained GRU-256 bots", fp32 / int8, 1.8, note=note),
        Row("int8 against float32 without a server, 64 trained GRU-256 bots", bare[0] / bare[1], 2.5, note=note),
        Row("decisions of int8 that are float32's", 100 * variant.equal_actions, 99.0, unit="%", note=agreed),
    ]


def bare_steps(bundle: Bundle, settings: Settings) -> tuple[float, float]:
    """Return the median seconds of a step in float32 and in int8, in this process."""
    rng, rays = np.random.default_rng(0), random_observations(bundle, BOTS, 1)[0]["rays"]
    state = np.tanh(rng.normal(size=(BOTS, bundle.state_size))).astype(np.float32)
    noise = rng.random((BOTS, bundle.noise_size), np.float32)

    def play(runtime: PolicyRuntime) -> None:
        for _ in range(settings.ticks):
            runtime.step([rays], state, noise)

    slow, fast = PolicyRuntime(bundle), PolicyRuntime(bundle, variant="int8")
    one, other = interleaved(lambda: play(slow), lambda: play(fast), settings.repeats)
    return one / settings.ticks, other / settings.ticks


async def _alternate(slow: str, fast: str, observations: list[dict[str, np.ndarray]], settings: Settings):
    from understudy.serving.async_client import AsyncClient

    times: tuple[list[float], list[float]] = ([], [])
    async with AsyncClient(slow) as first, AsyncClient(fast) as second:
        players = [await join(each, BOTS, observations) for each in (first, second)]
        for repeat in range(settings.repeats + 1):
            for player, found in zip(players, times, strict=True):
                seconds = await player.flood(settings.ticks, IN_FLIGHT)
                if repeat:  # The first one warms up.
                    found.append(seconds)
    return times
