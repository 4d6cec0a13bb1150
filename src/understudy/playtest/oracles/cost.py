"""Oracles of what the game costs: time and memory."""

from __future__ import annotations

import math
from collections import deque
from itertools import combinations
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from understudy.playtest.options import Natural, Positive
from understudy.playtest.oracles.oracle import OracleOptions, Quiet
from understudy.playtest.run.moment import Ending, Moment, Position, Sighting
from understudy.spec import BehaviorSpec

_LEAST_STEPS = 10
_SECONDS_A_MINUTE = 60
_MOST_SAMPLES = 96
_SURE = 0.1
"""A slope is believed if no more than this share of all pairs of samples say less."""


class FrameTimeSpec(OracleOptions):
    """The game is slow: half the steps of a stretch take longer than the budget.

    Attributes:
        budget_ms: Milliseconds.
        info: A number of `info` that holds the milliseconds; by default the wall-clock time of a step.
        seconds: Of game time that a stretch lasts; never under ten decisions.
        warmup: Decisions at the start of a run that do not count.
    """

    kind: Literal["frame_time"] = "frame_time"
    budget_ms: Positive = 33.0
    info: str = ""
    seconds: Positive = 1.0
    warmup: Natural = 10


class FrameTime(Quiet):
    """Half the steps of a stretch took longer than the budget. One slow stretch is one sighting."""

    kind = "frame_time"
    Options = FrameTimeSpec

    def __init__(self, options: FrameTimeSpec | None = None) -> None:
        self.options = options or FrameTimeSpec()
        self._window: deque[float] = deque()
        self._num_slow, self._was_slow = 0, False

    def reset(self, behavior: BehaviorSpec) -> None:
        """Forget the last run."""
        self._window = deque(maxlen=max(_LEAST_STEPS, math.ceil(self.options.seconds * behavior.decision_hz)))
        self._num_slow, self._was_slow = 0, False

    def observe(self, moment: Moment) -> Sighting | None:
        """Report the moment half of the last steps were too slow."""
        spent = self._milliseconds(moment)
        if spent is None or moment.tick <= self.options.warmup:
            return None
        budget, full = self.options.budget_ms, len(self._window) == self._window.maxlen
        self._num_slow += (spent > budget) - (full and self._window[0] > budget)
        self._window.append(spent)
        slow = len(self._window) == self._window.maxlen and 2 * self._num_slow > len(self._window)
        was_slow, self._was_slow = self._was_slow, slow
        if not slow or was_slow:
            return None
        message = f"Half the steps take {np.median(self._window):.0f} ms or more; the budget is {budget:g} ms."
        key = "" if moment.position else "slow"
        return Sighting(self.kind, message, moment.tick, moment.position, key=key)

    def _milliseconds(self, moment: Moment) -> float | None:
        if not self.options.info:
            return 1000 * moment.step_seconds
        value = moment.info.get(self.options.info)
        return value if isinstance(value, float) else None


class MemorySpec(OracleOptions):
    """The game holds more and more memory.

    Attributes:
        mb_per_minute: MiB by which it may grow in a minute of game time.
        min_mb: MiB by which it must have grown in all.
        warmup: The share of a run's start that does not count.
        min_samples: How often it must have been measured after that.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"memory"})

    kind: Literal["memory"] = "memory"
    mb_per_minute: Positive = 10.0
    min_mb: Positive = 20.0
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.25
    min_samples: Annotated[int, Field(ge=8)] = 16


class Memory(Quiet):
    """The game held more and more memory over the whole run, beyond what a start or a cache explains.

    The growth is a robust slope (Theil-Sen) over the samples after the warm-up. It must hold for the first and for the
    second half of them too, so that one step up, or a cache that fills and then stays, is none. Decided at the end.
    """

    kind = "memory"
    Options = MemorySpec

    def __init__(self, options: MemorySpec | None = None) -> None:
        self.options = options or MemorySpec()
        self._hz = 1.0
        self.reset(None)

    def reset(self, behavior: BehaviorSpec | None) -> None:
        """Forget the last run."""
        self._hz = behavior.decision_hz if behavior else self._hz
        self._samples: list[tuple[int, float]] = []
        self._position: Position | None = None

    def observe(self, moment: Moment) -> Sighting | None:
        """Keep a sample."""
        self._position = moment.position or self._position
        if moment.memory_mb is not None:
            self._samples.append((moment.tick, moment.memory_mb))
        return None

    def end(self, ending: Ending) -> Sighting | None:
        """Report a growth that held for the whole run."""
        late = [each for each in self._samples if each[0] >= self.options.warmup * ending.tick]
        if len(late) < self.options.min_samples:
            return None
        ticks, held = np.array(late).T
        minutes = ticks / self._hz / _SECONDS_A_MINUTE
        half = len(late) // 2
        growth = min(surely_grows(minutes[part], held[part]) for part in (slice(None), slice(half), slice(half, None)))
        gained = float(np.median(held[-3:]) - np.median(held[:3]))
        if growth < self.options.mb_per_minute or gained < self.options.min_mb:
            return None
        message = (
            f"The game's memory grows by {gained:.0f} MiB in {minutes[-1] - minutes[0]:.1f} min of play, all the way."
        )
        return Sighting(self.kind, message, ending.tick, self._position, key="growth")


def surely_grows(times: np.ndarray, values: np.ndarray) -> float:
    """Return the slope that nine of ten pairs of samples reach.

    Args:
        times: Ascending, shape (samples,).
        values: Likewise; more than a hundred or so are thinned out evenly first.

    Source: Sen 1968, "Estimates of the regression coefficient based on Kendall's tau", with a low quantile in place of
        the median.
    """
    kept = np.unique(np.linspace(0, len(times) - 1, min(len(times), _MOST_SAMPLES)).round().astype(int))
    # Neighbours differ by noise alone; pairs at least a quarter of the way apart tell a trend.
    apart = max(1, len(kept) // 4)
    slopes = [
        (values[j] - values[i]) / (times[j] - times[i])
        for (a, i), (b, j) in combinations(enumerate(kept), 2)
        if b - a >= apart and times[j] > times[i]
    ]
    return float(np.quantile(slopes, _SURE)) if slopes else 0.0
