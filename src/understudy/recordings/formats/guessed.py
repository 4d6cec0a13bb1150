"""A behaviour for logs that name no spaces: kinds and shapes are the data's, limits are theirs or asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.formats.gymspaces import GymSettings
from understudy.spec import ActionSpec, SensorSpec

_MAX_CHOICES = 1 << 20
_MAX_NUMBERS = 4096
# Within it the policies of offline reinforcement learning answer.
_USUAL_LIMIT = 1.0


def guessed_sensor(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], settings: GymSettings) -> SensorSpec:
    """Return a sensor of any values of a dtype; raises `RecordingError` if it is of no numbers."""
    if dtype.kind not in "biuf":
        raise RecordingError(f"'{name}' holds {dtype}, which no sensor can.")
    if dtype.kind == "f":
        wide = dtype.itemsize > 4 and not settings.keep_float64
        dtype, low, high = np.dtype(np.float32) if wide else dtype, -np.inf, np.inf
    else:
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    kind = dtype.newbyteorder("=").type
    bounds = [np.full(shape, each, kind) for each in (low, high)]
    return SensorSpec(name, spaces.Box(bounds[0], bounds[1], shape, kind))


def guessed_parts(
    dtype: np.dtype[Any], low: np.ndarray, high: np.ndarray, settings: GymSettings, where: str
) -> Iterator[ActionSpec]:
    """Yield the parts of an action: a choice for each integer, or one row of numbers.

    Args:
        dtype: Of the actions.
        low: The smallest of each number in the data, shape (width,).
        high: The largest.
        settings: May name the limit.
        where: For messages.

    Raises:
        RecordingError: If choices do not count from 0, or numbers leave [-1, 1] and no setting says how far they go.
    """
    if not 0 < len(low) <= _MAX_NUMBERS or not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise RecordingError(f"{where} holds no action that can be read.")
    if dtype.kind in "iub":
        yield from _choices(low, high, where)
        return
    found = float(np.abs([low, high]).max())
    if settings.action_limit is None and found > _USUAL_LIMIT:
        raise RecordingError(
            f"{where}: an action is {found:.4g}, and the log names no limit; say how far they go: --set action_limit=…"
        )
    limit = settings.action_limit or _USUAL_LIMIT
    yield ActionSpec("action", spaces.Box(-limit, limit, low.shape, np.float32))


def _choices(low: np.ndarray, high: np.ndarray, where: str) -> Iterator[ActionSpec]:
    """As many choices as the data show."""
    if low.min() < 0 or high.max() >= _MAX_CHOICES:
        raise RecordingError(f"{where}: choices go from {low.min():g} to {high.max():g}; they should count from 0.")
    for index, last in enumerate(high):
        yield ActionSpec("action" if len(high) == 1 else f"action_{index}", spaces.Discrete(int(last) + 1))


class Range:
    """The smallest and largest of each number of all actions, taken slice by slice; what is not finite is left out."""

    def __init__(self, width: int) -> None:
        self.low, self.high = np.full(width, np.inf), np.full(width, -np.inf)

    def take(self, rows: np.ndarray) -> None:
        """Add actions, shape (n, width)."""
        numbers = rows.astype(np.float64)
        numbers = numbers[np.isfinite(numbers).all(axis=1)]
        self.low = np.minimum(self.low, numbers.min(0, initial=np.inf))
        self.high = np.maximum(self.high, numbers.max(0, initial=-np.inf))
