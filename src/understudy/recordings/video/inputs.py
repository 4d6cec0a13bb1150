"""The inputs of a recording as lit buttons, bars and sticks: a widget for each action part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import cv2
import numpy as np
from gymnasium import spaces

from understudy.recordings.video import drawing
from understudy.spec import ActionSpec

GAP = 6
LABEL_WIDTH = 76
_PAD = 84
_TRAIL = 8
_MAX_CHIPS = 14
_MAX_BARS = 16
_ACROSS = {"yaw", "x", "dx", "right", "turn", "wheel", "horizontal"}
_DOWNWARD = {"pitch", "dy", "down"}
_QUANTILE = 0.99


class Widget(Protocol):
    """Something that shows a part of the action."""

    def height(self, width: int) -> int:
        """Return how many pixels it needs when it is `width` wide."""
        ...

    def draw(self, canvas: np.ndarray, x: int, y: int, width: int, step: int) -> None:
        """Draw what was done in a step."""
        ...


class Pills:
    """Buttons, several of which may be lit.

    Args:
        title: Before them.
        labels: Of the buttons.
        lit: bool, shape (steps, buttons).
    """

    def __init__(self, title: str, labels: Sequence[str], lit: np.ndarray) -> None:
        self._title, self._labels, self._lit = title, labels, lit

    def height(self, width: int) -> int:
        """Return how many pixels it needs when it is `width` wide."""
        return max(y for _, _, y in self._places(width)) + drawing.PILL_HEIGHT

    def draw(self, canvas: np.ndarray, x: int, y: int, width: int, step: int) -> None:
        """Draw what was done in a step."""
        _title(canvas, self._title, x, y + 17)
        for (label, left, top), lit in zip(self._places(width), self._lit[step], strict=True):
            drawing.pill(canvas, label, x + left, y + top, lit=bool(lit), idle=label in drawing.IDLE_LABELS)

    def _places(self, width: int) -> Iterator[tuple[str, int, int]]:
        left, top = LABEL_WIDTH, 0
        for label in self._labels:
            wide = drawing.pill_width(label)
            if left + wide > width and left > LABEL_WIDTH:
                left, top = LABEL_WIDTH, top + drawing.PILL_HEIGHT + GAP
            yield label, left, top
            left += wide + GAP


class Bars:
    """Numbers as bars.

    Args:
        labels: Of the numbers.
        values: Shape (steps, numbers).
        bounds: Lowest and highest value that is drawn, shape (2, numbers).
        lit: The bars' colour.
    """

    _ROW = 22

    def __init__(
        self, labels: Sequence[str], values: np.ndarray, bounds: np.ndarray, *, lit: drawing.Colour = drawing.LIT
    ) -> None:
        self._labels, self._values, self._bounds, self._lit = labels, values, bounds, lit

    def height(self, width: int) -> int:  # noqa: ARG002
        """Return how many pixels it needs, however wide it is."""
        return self._ROW * len(self._labels)

    def draw(self, canvas: np.ndarray, x: int, y: int, width: int, step: int) -> None:
        """Draw the numbers of a step."""
        long = width - LABEL_WIDTH - 64
        for index, label in enumerate(self._labels):
            value, top = float(self._values[step, index]), y + self._ROW * index
            low, high = (float(each) for each in self._bounds[:, index])
            _title(canvas, label, x, top + 16)
            drawing.bar(canvas, x + LABEL_WIDTH, top + 7, long, value, low, high, lit=self._lit)
            drawing.text(canvas, _number(value), x + LABEL_WIDTH + long + 10, top + 16)


class Stick:
    """Two numbers as a stick seen from above, with the way it took.

    Args:
        title: Below it.
        values: Shape (steps, 2): across and upward.
        reach: The value at the edge.
    """

    def __init__(self, title: str, values: np.ndarray, reach: float) -> None:
        self._title, self._reach = title, reach
        self._places = np.clip(values / reach, -1, 1) * (1, -1) * (_PAD / 2 - 8)

    def height(self, width: int) -> int:  # noqa: ARG002
        """Return how many pixels it needs, however wide it is."""
        return _PAD + 20

    def draw(self, canvas: np.ndarray, x: int, y: int, width: int, step: int) -> None:
        """Draw where the stick is in a step."""
        left = x + (width - _PAD) // 2
        drawing.rounded(canvas, left, y, _PAD, _PAD, drawing.PLATE, radius=12)
        centre = np.array([left + _PAD // 2, y + _PAD // 2])
        cv2.line(canvas, (left + 6, int(centre[1])), (left + _PAD - 7, int(centre[1])), drawing.EDGE, 1)
        cv2.line(canvas, (int(centre[0]), y + 6), (int(centre[0]), y + _PAD - 7), drawing.EDGE, 1)
        trail = (centre + self._places[max(0, step - _TRAIL) : step + 1]).round().astype(np.int32)
        cv2.polylines(canvas, [trail], False, (150, 116, 50), 2, cv2.LINE_AA)
        cv2.line(canvas, centre.tolist(), trail[-1].tolist(), drawing.LIT, 2, cv2.LINE_AA)
        cv2.circle(canvas, trail[-1].tolist(), 6, drawing.LIT, -1, cv2.LINE_AA)
        words = f"{self._title} ±{self._reach:.3g}"
        drawing.text(
            canvas,
            words,
            x + (width - drawing.text_width(words, 12)) // 2,
            y + _PAD + 15,
            colour=drawing.FAINT,
            size=12,
        )


def widgets(
    parts: Sequence[ActionSpec], actions: dict[str, np.ndarray], *, max_sticks: int
) -> tuple[list[Widget], list[Stick]]:
    """Return the widgets of the action parts, and apart from them the sticks, which stand beside them.

    Args:
        parts: The action's parts.
        actions: By part name, shape (steps, *part shape): what was done in the clip.
        max_sticks: How many sticks there is room for; further pairs of numbers are bars.
    """
    switches = [part for part in parts if part.labels == ("no", "yes")]
    pads = [part for part in parts if isinstance(part.space, spaces.Box) and part.shape == (2,)][:max_sticks]
    rest = [part for part in parts if part not in (*switches, *pads)]
    found = [_widget(part, actions[part.name]) for part in rest]
    if switches:
        lit = np.stack([actions[part.name] == 1 for part in switches], 1)
        found.append(Pills("", [part.name for part in switches], lit))
    return found, [_stick(part, actions[part.name]) for part in pads]


def _widget(part: ActionSpec, values: np.ndarray) -> Widget:
    if isinstance(part.space, spaces.MultiBinary):
        return Pills(part.name, part.labels or [str(index) for index in range(part.num_labels)], values.astype(bool))
    if isinstance(part.space, spaces.Discrete):
        return _choice(part, values)
    flat = values.reshape(len(values), -1)[:, :_MAX_BARS]
    names = (
        [part.name] if flat.shape[1] == 1 else list(part.labels) or [f"{part.name} {i}" for i in range(flat.shape[1])]
    )
    reach = np.array([_reach(flat[:, index]) for index in range(flat.shape[1])])
    low = np.where(np.ravel(part.space.low)[:_MAX_BARS] < 0, -reach, 0)
    return Bars(names[:_MAX_BARS], flat, np.stack([low, reach]))


def _choice(part: ActionSpec, values: np.ndarray) -> Widget:
    """A choice as a row of pills of which one is lit; of a great many, only those that were chosen."""
    labels = list(part.labels) or [str(index) for index in range(part.num_labels)]
    shown = list(range(len(labels))) if len(labels) <= _MAX_CHIPS else np.unique(values)[:_MAX_CHIPS].tolist()
    prefix = f"{part.name}."
    return Pills(part.name, [labels[index].removeprefix(prefix) for index in shown], values[:, None] == np.array(shown))


def _stick(part: ActionSpec, values: np.ndarray) -> Stick:
    words = [label.lower() for label in part.labels] or ["x", "y"]
    across = next((index for index, word in enumerate(words) if word in _ACROSS), 0)
    upward = -1.0 if words[1 - across] in _DOWNWARD else 1.0
    both = np.stack([values[:, across], upward * values[:, 1 - across]], 1)
    return Stick(part.name, both, _reach(both))


def _reach(values: np.ndarray) -> float:
    """What nearly all numbers of the clip stay below: people seldom use the whole of a space's bounds."""
    return max(float(np.quantile(np.abs(values), _QUANTILE)), 1e-3)


def _number(value: float) -> str:
    return f"{value:+.2f}" if abs(value) < 100 else f"{value:+.4g}"


def _title(canvas: np.ndarray, words: str, x: int, y: int) -> None:
    drawing.text(canvas, drawing.shortened(words, LABEL_WIDTH - 8, 12), x, y, colour=drawing.FAINT, size=12)
