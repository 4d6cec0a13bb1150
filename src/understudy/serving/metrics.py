"""What one version of a bundle has done, counted in the hot path for about a microsecond a turn.

Only additions happen while bots play. Whoever wants to know (`understudy.serving.prometheus`, the Admin service, the
watch over a canary) reads the sums.
"""

from __future__ import annotations

import math
from array import array
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

LateReason: TypeAlias = Literal["budget", "overload"]

STEPS_KEPT = 1024
"""Of the last step times; a power of two."""

BATCH_BOUNDS = tuple(2**power for power in range(11))
"""Upper bounds of the batch size histogram, rows: 1, 2, 4 … 1024; beyond is one bucket more."""

TIME_BOUNDS_S = tuple(2**power / 1e6 for power in range(4, 21))
"""Upper bounds of the time histograms, seconds: 16 µs, 32 µs … 1.05 s; beyond is one bucket more."""


class Counters:
    """Counts the turns of one version of a bundle, from its start.

    There is no lock, since no number has two writers: `turn` and `failure` are called by whoever takes the turn, `late`
    by the event loop. Any thread may read; what it reads may be one turn old.

    Attributes:
        ticks: Requests that the policy answered.
        decisions: Rows that the policy answered.
        turns: Batches.
        failures: Batches in which the policy failed.
        late_ticks: Requests answered by a fallback instead, by reason.
        fallbacks: Rows answered by a fallback instead, by reason.
    """

    __slots__ = (
        "_steps",
        "batch",
        "decisions",
        "failures",
        "fallbacks",
        "late_ticks",
        "queue",
        "step",
        "ticks",
        "turns",
    )

    def __init__(self) -> None:
        self.ticks = 0
        self.decisions = 0
        self.turns = 0
        self.failures = 0
        self.late_ticks: dict[LateReason, int] = {"budget": 0, "overload": 0}
        self.fallbacks: dict[LateReason, int] = {"budget": 0, "overload": 0}
        self.batch = Histogram(len(BATCH_BOUNDS))
        self.queue = Histogram(len(TIME_BOUNDS_S))
        self.step = Histogram(len(TIME_BOUNDS_S))
        self._steps = array("d", bytes(8 * STEPS_KEPT))

    def turn(self, requests: int, rows: int, queue_s: float, step_s: float) -> None:
        """Count one batch.

        Args:
            requests: Ticks in it.
            rows: Bots in it, over all its ticks.
            queue_s: Seconds that its oldest tick waited for the turn.
            step_s: Seconds that the batch took: reading states, inference, writing states.
        """
        self._steps[self.turns & (STEPS_KEPT - 1)] = step_s
        self.turns += 1
        self.ticks += requests
        self.decisions += rows
        self.batch.add((rows - 1).bit_length() if rows > 1 else 0, rows)
        self.queue.add(_time_bucket(queue_s), queue_s)
        self.step.add(_time_bucket(step_s), step_s)

    def late(self, reason: LateReason, rows: int) -> None:
        """Count one tick whose `rows` bots got their fallback."""
        self.late_ticks[reason] += 1
        self.fallbacks[reason] += rows

    def failure(self) -> None:
        """Count one batch in which the policy failed."""
        self.failures += 1

    def step_quantiles(self) -> StepQuantiles:
        """Return the median and the 99th percentile of the last step times; zeros before the first."""
        kept = np.array(self._steps)[: min(self.turns, STEPS_KEPT)]
        if not len(kept):
            return StepQuantiles(0.0, 0.0)
        p50, p99 = np.quantile(kept, (0.5, 0.99))
        return StepQuantiles(float(p50), float(p99))


class StepQuantiles(NamedTuple):
    """Of the last `STEPS_KEPT` turns, seconds."""

    p50_s: float
    p99_s: float


class Histogram:
    """How many values fell into each bucket, and their sum.

    Attributes:
        counts: Of each bucket alone, not cumulated; the last is for what lies beyond every bound.
        total: Sum of the values.
    """

    __slots__ = ("counts", "total")

    def __init__(self, num_bounds: int) -> None:
        self.counts = [0] * (num_bounds + 1)
        self.total = 0.0

    def add(self, bucket: int, value: float) -> None:
        """Count `value` in `bucket`; one beyond the last counts as the last."""
        counts = self.counts
        counts[bucket if bucket < len(counts) else -1] += 1
        self.total += value


def _time_bucket(seconds: float) -> int:
    """Return the first bucket of `TIME_BOUNDS_S` whose bound is at least `seconds`, or one beyond the last."""
    return max(math.ceil(seconds * 1e6) - 1, 0).bit_length() - 4 if seconds > TIME_BOUNDS_S[0] else 0
