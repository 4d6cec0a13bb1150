"""What one client asks for in one tick, and what it is answered; apart from any protocol."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from understudy.serving.saved import SavedBot


class Late(enum.IntEnum):
    """Whether, and why, a tick was answered with fallbacks; the numbers are the wire's."""

    NO = 0
    BUDGET = 1
    OVERLOAD = 2


class Births(NamedTuple):
    """The bots that start afresh, or go on where a saved bot stopped.

    Attributes:
        slots: int64, shape (born,), each once.
        seeds: Of their noise streams, uint64, shape (born,).
        styles: float32, shape (born, style_size).
        saved: By slot, what some of them remember.
    """

    slots: np.ndarray
    seeds: np.ndarray
    styles: np.ndarray
    saved: dict[int, SavedBot]


class Restyles(NamedTuple):
    """Other styles for living bots.

    Attributes:
        slots: int64, shape (bots,).
        styles: float32, shape (bots, style_size).
    """

    slots: np.ndarray
    styles: np.ndarray


class Request(NamedTuple):
    """What one stream asks for in one tick.

    Attributes:
        owner: Whose ticks must be decided one after the other.
        slots: The slots that decide, int64, shape (bots,), each once.
        sensors: One array per sensor, in order, of shape (bots, *sensor shape).
        births: Done before anything decides.
        restyles: Done after that.
        save: Slots whose memory the answer holds, as it is after the decision.
        received: When the tick was read, by `time.perf_counter`.
        deadline: Until when its answer must be there, by the same clock.
    """

    owner: object
    slots: np.ndarray
    sensors: Sequence[np.ndarray]
    births: Births | None = None
    restyles: Restyles | None = None
    save: Sequence[int] = ()
    received: float = 0.0
    deadline: float = math.inf


class Decided(NamedTuple):
    """The answer to a request.

    Attributes:
        actions: One array per action part, in order, of shape (bots, *part shape); None if it is late.
        late: Whether the bots get their fallback instead.
        saved: In the order of the request's `save`.
    """

    actions: Sequence[np.ndarray] | None
    late: Late = Late.NO
    saved: Sequence[SavedBot] = ()
