"""64 GRU-256 bots a tick through the server, against a loop over the same graph without one."""

from __future__ import annotations

import serving_line
from _table import Row

from serving_rows.settings import Settings

TARGET = 0.8


def rows(settings: Settings) -> list[Row]:
    """Measure with each client, with a few ticks in flight and with one at a time."""
    serving_line.REPEATS, serving_line.TICKS = settings.repeats, settings.ticks
    return serving_line.rows(TARGET)
