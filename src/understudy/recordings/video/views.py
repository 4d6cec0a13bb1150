"""What was seen, above the inputs: a picture, a fan of rays from above, or numbers as bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import cv2
import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.layout import sensor_column
from understudy.recordings.reader import Episode
from understudy.recordings.video import drawing
from understudy.recordings.video.inputs import Bars
from understudy.spec import SensorSpec

_FRAMES_AT_ONCE = 64
_MAX_BARS = 24
_MARGIN = 16
_QUANTILE = 0.9
_TALLEST = 0.75
_RINGS = 4


class View(Protocol):
    """Shows sensors of an episode.

    Attributes:
        height: In pixels.
    """

    height: int

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw a step, counted from the clip's first, onto a canvas of the clip's width and this height."""
        ...


def view(episode: Episode, rows: range, sensor: str | None, width: int) -> View:
    """Return the view of a sensor; by default of the first picture, else the first fan of rays, else of all numbers.

    Raises:
        SpecError: If there is no such sensor.
    """
    behavior = episode.behavior
    if sensor is not None:
        return _view(episode, rows, behavior.sensor(sensor), width)
    best = [each for each in behavior.sensors if sensor_column(each).picture] or [
        each for each in behavior.sensors if is_fan(each)
    ]
    return _view(episode, rows, best[0], width) if best else NumbersView(episode, rows, behavior.sensors, width)


def _view(episode: Episode, rows: range, sensor: SensorSpec, width: int) -> View:
    if sensor_column(sensor).picture:
        return PictureView(episode, rows, sensor, width)
    if is_fan(sensor):
        return FanView(episode, rows, sensor, width)
    return NumbersView(episode, rows, (sensor,), width)


def is_fan(sensor: SensorSpec) -> bool:
    """Whether a sensor is a fan of rays that says where its rays point (`sensors.RayFan`)."""
    form: Mapping[str, Any] = sensor.computed
    return form.get("kind") == "rays" and len(form.get("angles", ())) == sensor.space.shape[0]


class PictureView:
    """A picture, as large as fits, by a whole number of times so that its pixels stay as the game drew them."""

    def __init__(self, episode: Episode, rows: range, sensor: SensorSpec, width: int) -> None:
        tall, wide, _ = sensor.space.shape
        scale = min(width / wide, max(_TALLEST * width / tall, 1 / tall))
        scale = int(scale) if scale > 1 else scale
        self._size = (max(1, round(wide * scale)), max(1, round(tall * scale)))
        self.height = self._size[1]
        self._left = (width - self._size[0]) // 2
        self._episode, self._rows, self._name = episode, rows, sensor.name
        self._how = cv2.INTER_NEAREST if scale >= 1 else cv2.INTER_AREA
        self._first, self._frames = 0, np.empty((0, *sensor.space.shape), np.uint8)

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw a step."""
        if not 0 <= step - self._first < len(self._frames):
            start = self._rows[step]
            stop = min(start + _FRAMES_AT_ONCE, self._rows.stop)
            self._first, self._frames = step, self._episode.observation(self._name, slice(start, stop))
        frame = cv2.resize(self._frames[step - self._first], self._size, interpolation=self._how)
        canvas[:, self._left : self._left + self._size[0]] = frame if frame.ndim == 3 else frame[..., None]


class FanView:
    """A fan of rays from above: the player at the bottom, what is free in grey, what was hit in its colour."""

    def __init__(self, episode: Episode, rows: range, sensor: SensorSpec, width: int) -> None:
        form: Mapping[str, Any] = sensor.computed
        self._readings = episode.observation(sensor.name, slice(rows.start, rows.stop))
        angles = np.radians(np.asarray(form["angles"], float))
        self._directions = np.stack([np.sin(angles), -np.cos(angles)], 1)
        self._types = [str(each) for each in form.get("types", ())]
        distances = self._readings[..., 0]
        self._reach = max(float(np.quantile(distances, _QUANTILE)), 1e-6) if distances.size else 1.0
        self._units = sensor.units
        behind = bool((np.abs(angles) > np.pi / 2 + 0.1).any())
        self.height = round(width * (0.75 if behind else 0.56))
        self._eye = np.array([width / 2, self.height * (0.5 if behind else 0.93)])
        self._scale = (self.height * 0.46 if behind else self.height * 0.86) / self._reach

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw a step."""
        reading = self._readings[step]
        distances = np.minimum(reading[:, :1], self._reach)
        tips = (self._eye + self._directions * distances * self._scale).round().astype(np.int32)
        eye = self._eye.round().astype(np.int32)
        cv2.fillPoly(canvas, [np.vstack([eye, tips])], drawing.PLATE, cv2.LINE_AA)
        for ring in range(1, _RINGS + 1):
            radius = round(self._reach * self._scale * ring / _RINGS)
            cv2.circle(canvas, eye.tolist(), radius, drawing.EDGE, 1, cv2.LINE_AA)
        for tip, hit in zip(tips, reading[:, 1:], strict=True):
            colour = drawing.PALETTE[int(hit.argmax()) % len(drawing.PALETTE)] if hit.any() else drawing.EDGE
            cv2.line(canvas, eye.tolist(), tip.tolist(), drawing.mixed(colour, 0.35), 1, cv2.LINE_AA)
            cv2.circle(canvas, tip.tolist(), 5 if hit.any() else 2, colour, -1, cv2.LINE_AA)
        cv2.circle(canvas, eye.tolist(), 7, drawing.INK, -1, cv2.LINE_AA)
        self._draw_legend(canvas)

    def _draw_legend(self, canvas: np.ndarray) -> None:
        x = _MARGIN
        for index, name in enumerate(self._types):
            cv2.circle(canvas, (x + 5, 22), 5, drawing.PALETTE[index % len(drawing.PALETTE)], -1, cv2.LINE_AA)
            drawing.text(canvas, name, x + 16, 27, colour=drawing.FAINT)
            x += 34 + drawing.text_width(name)
        words = f"rings every {self._reach / _RINGS:.3g} {self._units}".rstrip()
        drawing.text(canvas, words, canvas.shape[1] - _MARGIN - drawing.text_width(words), 27, colour=drawing.FAINT)


class NumbersView:
    """Sensors of numbers as bars, up to two dozen of them."""

    def __init__(self, episode: Episode, rows: range, sensors: tuple[SensorSpec, ...], width: int) -> None:
        labels: list[str] = []
        columns: list[np.ndarray] = []
        for sensor in sensors:
            values = episode.observation(sensor.name, slice(rows.start, rows.stop)).reshape(len(rows), -1)
            count = values.shape[1]
            labels += [sensor.name if count == 1 else f"{sensor.name} {index}" for index in range(count)]
            columns.append(values.astype(float))
        values = np.concatenate(columns, 1)[:, :_MAX_BARS]
        if not values.shape[1]:
            raise RecordingError(f"The sensors of {episode.path.name} are empty; there is nothing to draw.")
        bounds = np.stack([values.min(0), values.max(0)]) if len(values) else np.zeros((2, values.shape[1]))
        self._bars = Bars(labels[:_MAX_BARS], values, bounds, lit=drawing.COOL)
        self._left_out = len(labels) - values.shape[1]
        self._width = width
        self.height = self._bars.height(width) + 2 * _MARGIN + (18 if self._left_out else 0)

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw a step."""
        self._bars.draw(canvas, _MARGIN, _MARGIN, self._width - 2 * _MARGIN, step)
        if self._left_out:
            words = f"and {self._left_out} more numbers"
            drawing.text(canvas, words, _MARGIN, self.height - 12, colour=drawing.FAINT, size=12)
