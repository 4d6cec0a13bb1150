"""The small plots that findings carry: a few hundred points at most, whatever the recording's length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from understudy.recordings.doctor.finding import Plot
from understudy.recordings.doctor.runs import Range

_POINTS = 160


def along_steps(values: np.ndarray, label: str, marked: Range | None = None, *, around: bool = True) -> Plot:
    """Plot a value of each step: around a range of steps, or over the whole recording.

    Args:
        values: Shape (steps,).
        label: What they are.
        marked: The range to shade.
        around: Show only the range and half as much on either side.
    """
    first, last = 0, len(values)
    if marked is not None and around:
        margin = max(20, (marked[1] - marked[0]) // 2)
        first, last = max(0, marked[0] - margin), min(len(values), marked[1] + margin)
    stride = max(1, (last - first) // _POINTS)
    steps = np.arange(first, last, stride)
    # The largest of each stride, so that a short peak is not lost.
    shown = [float(np.nan_to_num(values[at : at + stride]).max()) for at in steps]
    return Plot(x=tuple(map(float, steps)), y=tuple(_short(each) for each in shown), y_label=label, marked=marked)


def curve(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, x_label: str, y_label: str) -> Plot:
    """Plot a line through a few points."""
    return Plot(x=tuple(map(float, x)), y=tuple(_short(float(each)) for each in y), x_label=x_label, y_label=y_label)


def bars(words: Sequence[str], values: Sequence[float], label: str) -> Plot:
    """Plot a bar for each word."""
    x = tuple(map(float, range(len(words))))
    y = tuple(_short(float(each)) for each in values)
    return Plot(x=x, y=y, x_label="", y_label=label, bars=True, labels=tuple(words))


def _short(value: float) -> float:
    return float(f"{value:.4g}")
