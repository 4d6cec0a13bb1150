"""The geometry of the report's curves: against decisions, a line for each persona with a band around it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from understudy.playtest.coverage import Coverage, Key
from understudy.playtest.coverage.growth import Growth, grow

WIDTH, HEIGHT = 980, 260
_TICKS = 5


@dataclass(frozen=True)
class Tick:
    """A line of the grid: where, in pixels, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Line:
    """A persona's curve as SVG paths: its mean, and the band of its interval, empty if there is one run."""

    name: str
    ink: int
    path: str
    band: str


@dataclass(frozen=True)
class Plot:
    """Curves with the lines of the grid; `title` names what goes up."""

    title: str
    lines: Sequence[Line]
    across: Sequence[Tick]
    up: Sequence[Tick]
    width: int = WIDTH
    height: int = HEIGHT


def draw_growth(
    runs: Sequence[tuple[str, Sequence[Coverage]]], title: str, among: Set[Key] | None = None
) -> Plot | None:
    """Return how the coverage of each persona grows; None if nobody covered anything.

    Args:
        runs: By persona.
        title: What goes up.
        among: Count these keys only, as a share of all of them in percent.
    """
    longest = max((each.decisions for _, parts in runs for each in parts), default=0)
    grown = [(name, index, grow(parts, longest, among)) for index, (name, parts) in enumerate(runs) if parts]
    unit = 100 / len(among) if among else 1.0
    highest = max((float(each.high[-1]) * unit for _, _, each in grown), default=0.0)
    if not highest or not longest:
        return None
    right, top = round_up(longest), 100.0 if among else round_up(highest)
    place = _placing(right, top / unit)
    return Plot(
        title,
        [Line(name, ink, _path(each.steps, each.mean, place), _band(each, place)) for name, ink, each in grown],
        [Tick(share * WIDTH, f"{share * right:,.0f}") for share in _shares()],
        [Tick(HEIGHT * (1 - share), f"{share * top:,.0f}") for share in _shares()],
    )


def round_up(value: float) -> float:
    """The least of 5, 10, 15, 20, 25, 30, 40, 50, 75 and 100 times a power of ten that is not below `value`."""
    power = 10.0 ** max(0, math.floor(math.log10(max(value, 1))) - 1)
    return next(step * power for step in (5, 10, 15, 20, 25, 30, 40, 50, 75, 100) if step * power >= value)


def _placing(right: float, top: float) -> Callable[[float, float], str]:
    return lambda step, value: f"{step * WIDTH / right:.1f} {HEIGHT * (1 - value / top):.1f}"


def _path(steps: np.ndarray, values: np.ndarray, place: Callable[[float, float], str]) -> str:
    return "M" + "L".join(place(step, value) for step, value in zip(steps, values, strict=True))


def _band(growth: Growth, place: Callable[[float, float], str]) -> str:
    if np.array_equal(growth.low, growth.high):
        return ""
    there, back = _path(growth.steps, growth.high, place), _path(growth.steps[::-1], growth.low[::-1], place)
    return f"{there}L{back[1:]}Z"


def _shares() -> list[float]:
    return [index / _TICKS for index in range(_TICKS + 1)]
