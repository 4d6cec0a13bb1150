"""What the report draws: histograms, curves and dots as SVG paths, in units of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from understudy.evaluation.result import Evaluation, Histogram
from understudy.evaluation.skill import SkillCurve
from understudy.evaluation.turing import TuringResult

WIDTH, HEIGHT = 360, 150
SQUARE = 260


@dataclass(frozen=True)
class Line:
    """A path, who it is of, and its colour's number."""

    name: str
    path: str
    ink: int


@dataclass(frozen=True)
class Mark:
    """Words at a place."""

    x: float
    y: float
    words: str


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        title: Above it.
        note: Below it.
        lines: From back to front; the players' is filled.
        across: Marks of the axis across.
        up: Marks of the axis up.
        width: Of the frame.
        height: Of the frame.
    """

    title: str
    note: str
    lines: Sequence[Line]
    across: Sequence[Mark]
    up: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT


def inks(found: Evaluation) -> dict[str, int]:
    """Return the number of everybody's colour: players 0, the bot 1, baselines from 2."""
    return {"players": 0, **{name: index for index, name in enumerate(found.play, 1)}}


def histogram_plot(found: Evaluation, histogram: Histogram) -> Plot:
    """Return a histogram of everybody's values, all bins as wide as each other."""
    colours = inks(found)
    top = max(float(each.max()) for each in histogram.shares.values()) or 1.0
    shown = [name for name in histogram.shares if histogram.shares[name].sum() > 0]
    # The bot in front, baselines behind it, the players' area at the back.
    order = ["players", *(name for name in shown if name not in ("players", found.bot)), found.bot]
    lines = [
        Line(name, _steps(histogram.shares[name] / top, closed=name == "players"), colours[name]) for name in order
    ]
    return Plot(
        histogram.measure.title, "", lines, _bins(histogram), [Mark(-6, 10, f"{top:.0%}"), Mark(-6, HEIGHT, "0")]
    )


def _steps(shares: np.ndarray, *, closed: bool) -> str:
    edges = np.linspace(0, WIDTH, len(shares) + 1)
    heights = HEIGHT * (1 - shares)
    pieces = [f"H{right:.1f}V{height:.1f}" for right, height in zip(edges[:-1], heights, strict=True)]
    path = f"M0 {HEIGHT}" + "".join(pieces) + f"H{WIDTH}"
    return f"{path}V{HEIGHT}Z" if closed else path


def _bins(histogram: Histogram) -> list[Mark]:
    edges, unit = histogram.edges, histogram.measure.unit
    chosen = sorted({0, len(edges) // 3, 2 * len(edges) // 3, len(edges) - 1})
    return [
        Mark(
            (index + 1) * WIDTH / (len(edges) + 1),
            HEIGHT + 18,
            f"{edges[index]:.3g}{f' {unit}' if index == chosen[-1] else ''}",
        )
        for index in chosen
    ]


def roc_plot(found: Evaluation, results: Mapping[str, TuringResult]) -> Plot:
    """Return the ROC curves; the players' own is the floor."""
    colours = inks(found)
    lines = [Line("chance", f"M0 {SQUARE}L{SQUARE} 0", -1)]
    for name in sorted(results, key=lambda name: name == found.bot):
        points = [f"{x * SQUARE:.1f} {(1 - y) * SQUARE:.1f}" for x, y in results[name].roc.T]
        lines.append(Line(f"{name}: {results[name].auc}", "M" + "L".join(points), colours[name]))
    across = [
        Mark(0, SQUARE + 18, "0"),
        Mark(SQUARE / 2, SQUARE + 18, "players taken for bots"),
        Mark(SQUARE, SQUARE + 18, "1"),
    ]
    return Plot("ROC", "", lines, across, [Mark(-6, 10, "1"), Mark(-6, SQUARE, "0")], SQUARE, SQUARE)


def skill_plot(curve: SkillCurve) -> Plot:
    """Return the rating at each position of the dial, with its interval."""
    low = min(each.rating.low for each in curve.standings)
    high = max(each.rating.high for each in curve.standings)
    span = max(high - low, 1e-9)
    xs = [dial * WIDTH for dial in curve.dials]

    def y(value: float) -> float:
        return HEIGHT * (1 - (value - low) / span)

    middle = "M" + "L".join(f"{x:.1f} {y(each.rating.mean):.1f}" for x, each in zip(xs, curve.standings, strict=True))
    bars = "".join(
        f"M{x:.1f} {y(each.rating.low):.1f}V{y(each.rating.high):.1f}"
        for x, each in zip(xs, curve.standings, strict=True)
    )
    across = [Mark(x, HEIGHT + 18, f"{dial:g}") for x, dial in zip(xs, curve.dials, strict=True)]
    lines = [Line("interval", bars, 1), Line("rating", middle, 1)]
    return Plot(
        "Rating by skill dial", "", lines, across, [Mark(-6, 10, f"{high:.0f}"), Mark(-6, HEIGHT, f"{low:.0f}")]
    )
