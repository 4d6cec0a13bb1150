"""Another version of a bundle put in its place under full load: no failed tick, no lost state, no long pause."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import serving_line
from _table import Row

from serving_rows.load import Player, Served, join, random_observations, run, served
from serving_rows.settings import Settings
from understudy.agents.bundle import Bundle, write_bundle
from understudy.agents.noise import uniform_noise
from understudy.agents.runtime import PolicyRuntime
from understudy.errors import UnderstudyError

BOTS = 64
SWAP_S = 2.0
"""Seconds from the request on that count as during the swap: loading, checking and warming up included."""


def rows(settings: Settings) -> list[Row]:
    """Swap a bundle for one whose graph is the same but for its name: a bot without its state would play otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = serving_line.make_bundle(Path(folder) / "one")
        twin(bundle, Path(folder) / "two")
        observations = random_observations(bundle, BOTS)
        with served(bundle, "--admin", "--bundles-root", folder) as server:
            player, actions, swaps, carried = run(partial(play, server, observations, settings))
        failed = len(player.moments) - len(actions)
        equal = replay(bundle, observations, actions)
    steady, during = divide(player, swaps)
    note = (
        f"{len(swaps)} swaps in {len(actions)} ticks of {BOTS} bots; p99 {steady * 1e6:.0f} us steady, "
        f"{during * 1e6:.0f} us in the {SWAP_S:g} s from each request on; every swap carried {min(carried)} bots"
    )
    promise = "swap of a bundle under full load"
    return [
        Row(f"{promise}: failed ticks", failed, 0, unit="ticks", at_most=True, note=note),
        Row(
            f"{promise}: decisions equal to those of a server that never swapped", 100 * equal, 100, unit="%", note=note
        ),
        Row(f"{promise}: p99 during the swap over p99 before", during / steady, 2.0, at_most=True, note=note),
    ]


def twin(bundle: Bundle, folder: Path) -> Bundle:
    """Write a bundle with another digest whose policy is the same."""
    model = onnx.load(bundle.policy_path)
    model.producer_name = "twin"
    card = {key: value for key, value in vars(bundle.card).items() if key != "sha256"}
    return write_bundle(folder, model.SerializeToString(), None, **card)


async def play(server: Served, observations: list[dict[str, np.ndarray]], settings: Settings):
    """Return the player, its actions by tick, when each swap was asked for and done, and the bots each carried."""
    import grpc

    from understudy.serving import understudy_pb2 as pb
    from understudy.serving import understudy_pb2_grpc as pb_grpc
    from understudy.serving.async_client import AsyncClient

    swaps, carried = [], []

    async def swap() -> None:
        async with grpc.aio.insecure_channel(server.address) as channel:
            admin = pb_grpc.AdminStub(channel)
            for folder in ("two", "one") * (1 if settings.smoke else 3):
                await asyncio.sleep(settings.window_s)
                swaps.append(time.perf_counter())
                carried.append((await admin.Load(pb.LoadRequest(folder=folder, share=1.0))).bots_carried)
                await asyncio.sleep(SWAP_S)

    async with AsyncClient(server.address) as client:
        player = await join(client, BOTS, observations)
        swapping, actions = asyncio.create_task(swap()), []
        with contextlib.suppress(UnderstudyError):  # A failed tick is one without actions; the stream ends with it.
            while not swapping.done():
                actions.append(await player.one())
        await swapping
    return player, actions, swaps, carried


def divide(player: Player, swaps: list[float]) -> tuple[float, float]:
    """Return the 99th percentile of the seconds of ticks outside and inside the swaps."""
    moments, seconds = np.array(player.moments), np.array(player.seconds)
    inside = np.zeros(len(moments), bool)
    for began in swaps:
        inside |= (moments >= began) & (moments < began + SWAP_S)
    settled = moments > moments[0] + 0.5
    return float(np.percentile(seconds[~inside & settled], 99)), float(np.percentile(seconds[inside], 99))


def replay(bundle: Bundle, observations: list[dict[str, np.ndarray]], actions: list[dict[str, np.ndarray]]) -> float:
    """Play the same ticks in this process and return the share of decisions that are equal."""
    runtime, seeds = PolicyRuntime(bundle), np.arange(BOTS, dtype=np.uint64)
    state, equal = np.zeros((BOTS, bundle.state_size), np.float32), []
    for tick, found in enumerate(actions):
        noise = uniform_noise(seeds, np.full(BOTS, tick, np.uint64), bundle.noise_size)
        expected, state = runtime.step([observations[tick % len(observations)]["rays"]], state, noise)
        parts = [found[name] == value for name, value in zip(bundle.behavior.action_names, expected, strict=True)]
        equal.append(np.all(parts, axis=0))
    return float(np.mean(equal))
