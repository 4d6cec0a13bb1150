"""64 GRU-256 bots a tick through the server, against a loop over the same graph without one."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np
import serving_line
from _table import Row

from serving_rows.settings import Settings
from understudy.agents.runtime import PolicyRuntime

TARGET = 0.8


def rows(settings: Settings) -> list[Row]:
    """Measure with three ticks in flight, as a game does that acts on an answer some frames later."""
    serving_line.REPEATS, serving_line.TICKS = settings.repeats, settings.ticks
    with tempfile.TemporaryDirectory() as folder:
        bundle = serving_line.make_bundle(Path(folder) / "gru")
        with serving_line.served(bundle) as address:
            bare, trips, streamed = serving_line.measure(PolicyRuntime(bundle), address)
    step, tick = statistics.median(bare), statistics.median(streamed)
    trip = float(np.median(np.concatenate(trips)))
    note = (
        f"{serving_line.BOTS / step:,.0f} decisions/s bare, {serving_line.BOTS / tick:,.0f} served with "
        f"{serving_line.IN_FLIGHT} ticks in flight; a tick that waits for the last takes {trip * 1e6:.0f} us, "
        f"{(trip - step) * 1e6:.0f} us of them not inference"
    )
    return [
        Row(
            "64 GRU-256 bots a tick, decisions/s through the server against bare ONNX Runtime",
            step / tick,
            TARGET,
            note=note,
        )
    ]
