"""Small plots as shapes that the template turns into SVG."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.recordings.doctor.finding import Plot

WIDTH, HEIGHT = 340, 112
_LEFT, _TOP, _BOTTOM = 44, 18, 92
_GAP = 0.25
_WIDEST = 56


@dataclass(frozen=True)
class Bar:
    """A bar, in the picture's units."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Drawn:
    """A plot in the picture's units, with the words around it."""

    path: str
    bars: tuple[Bar, ...]
    marked: tuple[float, float] | None
    low: str
    high: str
    first: str
    last: str
    x_label: str
    y_label: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    top: int = _TOP
    bottom: int = _BOTTOM

    @property
    def label(self) -> str:
        """What the plot shows, for those who do not see it."""
        return f"{self.y_label} between {self.low} and {self.high}"

    @property
    def letters(self) -> int:
        """How many letters fit below a bar."""
        return max(3, int((self.width - self.left) / max(1, len(self.bars)) / 6.5))


def draw(plot: Plot) -> Drawn:
    """Lay a plot out."""
    low, high = min(0.0, *plot.y, 0.0), max(plot.y, default=1.0)
    high = high if high > low else low + 1
    first, last = (plot.x[0], plot.x[-1]) if plot.x else (0.0, 1.0)
    span = max(last - first, 1e-9)

    def at_x(value: float) -> float:
        return round(_LEFT + (min(max(value, first), last) - first) / span * (WIDTH - _LEFT), 1)

    def at_y(value: float) -> float:
        return round(_BOTTOM - (value - low) / (high - low) * (_BOTTOM - _TOP), 1)

    path = "M" + "L".join(f"{at_x(x)},{at_y(y)}" for x, y in zip(plot.x, plot.y, strict=True)) if plot.x else ""
    marked = None
    if plot.marked:
        left = at_x(plot.marked[0])
        marked = left, round(max(2.0, at_x(plot.marked[1]) - left), 1)
    return Drawn(
        path="" if plot.bars else path,
        bars=_bars(plot, high) if plot.bars else (),
        marked=marked,
        low=_brief(low),
        high=_brief(high),
        first=f"{first:g}",
        last=f"{last:g}",
        x_label=plot.x_label,
        y_label=plot.y_label,
    )


def _brief(value: float) -> str:
    """A number in the few letters that fit beside the plot."""
    for size, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < 1e3 * size:
            return f"{value / size:.3g}{word}"
    return f"{value:.3g}"


def _bars(plot: Plot, high: float) -> tuple[Bar, ...]:
    slot = (WIDTH - _LEFT) / max(1, len(plot.y))
    labels = plot.labels or tuple(f"{x:g}" for x in plot.x)
    bars = []
    for index, (value, label) in enumerate(zip(plot.y, labels, strict=True)):
        height = max(0.0, value) / high * (_BOTTOM - _TOP)
        width = min(slot * (1 - _GAP), _WIDEST)
        x = _LEFT + slot * (index + 0.5) - width / 2
        bars.append(Bar(round(x, 1), round(_BOTTOM - height, 1), round(width, 1), round(height, 1), label))
    return tuple(bars)
