"""How many bots of the published tactical-shooter size one core serves at 16 decisions a second."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from _table import Row

from serving_rows.graphs import in_int8, save_shooter
from serving_rows.load import Served, join, random_observations, run, served
from serving_rows.settings import Settings
from understudy.agents.bundle import Bundle

HZ, TICK_S = 16.0, 1 / 16.0
PAPER_MS = 9.59
MOST = 2048


def rows(settings: Settings) -> list[Row]:
    """Pin the server to the last core, the client to the others, and look for the most bots that are always in time."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return [Row(_PROMISE, None, 300, unit="bots", note="needs a core for the server and one for the client")]
    with tempfile.TemporaryDirectory() as folder:
        bundle = save_shooter(Path(folder) / "fp32")
        found = {}
        for name, each in (("fp32", bundle), ("int8", in_int8(bundle, Path(folder) / "int8"))):
            os.sched_setaffinity(0, set(cores[:-1]))
            try:
                with served(each, core=cores[-1]) as server:
                    found[name] = run(partial(most_bots, server, each, settings))
            finally:
                os.sched_setaffinity(0, set(cores))
    note = (
        f"{bundle.card.provenance['parameters']:,} parameters, server on one core; float32: {found['fp32'][0]} bots; "
        f"p99 {found['int8'][1] * 1e3:.1f} ms at the number given, over {settings.window_s:g} s. The paper's "
        f"{PAPER_MS} ms a decision is {int(TICK_S * 1e3 / PAPER_MS)} bots"
    )
    return [Row(_PROMISE, found["int8"][0], 300, unit="bots", note=note)]


_PROMISE = "LSTM of 14.9 M parameters in int8, 16 decisions/s: bots on one core with p99 under one tick"


async def most_bots(server: Served, bundle: Bundle, settings: Settings) -> tuple[int, float]:
    """Return the most bots whose ticks are in time at the 99th percentile, and that percentile in seconds.

    Doubled until too many, then halved in between to within a sixteenth.
    """
    good, bad, p99 = 0, MOST + 1, 0.0
    bots = 8
    while bad - good > max(1, good // 16) and bots <= MOST:
        seconds = await late_p99(server, bundle, bots, settings)
        if seconds < TICK_S:
            good, p99 = bots, seconds
        else:
            bad = bots
        bots = good * 2 if bad > MOST else (good + bad) // 2
    return good, p99


async def late_p99(server: Served, bundle: Bundle, bots: int, settings: Settings) -> float:
    """Return the 99th percentile of a tick's seconds, from when it was due to when its answer was there."""
    from understudy.serving.async_client import AsyncClient

    async with AsyncClient(server.address) as client:
        player = await join(client, bots, random_observations(bundle, bots, 4))
        await player.pace(HZ, min(1.0, settings.window_s))
        seconds = await player.pace(HZ, settings.window_s)
        await player.stream.close()
    return float(np.percentile(seconds, 99))
