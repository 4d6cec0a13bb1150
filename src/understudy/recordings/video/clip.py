"""Clips: a part of a recording as a video, with the inputs drawn in below what was seen."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.reader import Episode
from understudy.recordings.video import drawing
from understudy.recordings.video.inputs import GAP, Stick, Widget, widgets
from understudy.recordings.video.views import view
from understudy.recordings.video.writing import VideoWriter

MIN_WIDTH, MAX_WIDTH = 320, 1920
_MARGIN = 16
_STATUS = 34
_STICK_WIDTH = 120
_MIN_INNER = 200
_TOAST_S = 1.2
_OFTEN = 1 / 3
_GIF_FPS = 20.0
_PALETTE_SAMPLES = 24


class Clip:
    """A part of an episode as pictures of one size.

    Args:
        episode: The recording.
        start_s: Where it begins, in seconds of game time.
        stop_s: Where it ends; None for the end of the episode.
        sensor: What is shown of what was seen; by default a picture, else rays, else all numbers.
        width: Of the pictures in pixels.

    Attributes:
        height: Of the pictures in pixels.
        width: Of the pictures in pixels.

    Raises:
        RecordingError: If no step of the episode is in that part, or the width is out of range.
        SpecError: If there is no such sensor.
    """

    def __init__(
        self,
        episode: Episode,
        *,
        start_s: float = 0.0,
        stop_s: float | None = None,
        sensor: str | None = None,
        width: int = 640,
    ) -> None:
        if not MIN_WIDTH <= width <= MAX_WIDTH:
            raise RecordingError(f"A clip is {MIN_WIDTH} to {MAX_WIDTH} pixels wide, not {width}.")
        self.width = width // 2 * 2
        self._episode = episode
        self._rows = _rows(episode, start_s, stop_s)
        self._view = view(episode, self._rows, sensor, self.width)
        self._panel = _Panel(episode, self._rows, self.width)
        self.height = (self._view.height + _STATUS + self._panel.height + 1) // 2 * 2
        self._status = _Status(episode, self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def picture(self, step: int) -> np.ndarray:
        """Return the picture of a step, counted from the clip's first: RGB, uint8, shape (height, width, 3)."""
        canvas = np.empty((self.height, self.width, 3), np.uint8)
        canvas[:] = drawing.PAPER
        seen = self._view.height
        self._view.draw(canvas[:seen], step)
        self._status.draw(canvas[seen : seen + _STATUS], step)
        self._panel.draw(canvas[seen + _STATUS :], step)
        return canvas


def write_clip(clip: Clip, out: Path, hz: float, progress: Callable[[str, int, int], None]) -> Path:
    """Write a clip to `out`, an `.mp4` or `.gif`; it appears only when it is whole.

    Args:
        clip: What to write.
        out: Must not be there.
        hz: Steps a second of game time; a GIF shows at most 20 of them.
        progress: Called with (what is written, pictures done, pictures in all).

    Raises:
        RecordingError: If `out` is there or has another suffix, or cannot be written.
    """
    if out.exists():
        raise RecordingError(f"{out} is there already; name a new file, nothing is overwritten.")
    gif = out.suffix.lower() == ".gif"
    every = math.ceil(hz / _GIF_FPS) if gif else 1
    steps = range(0, len(clip), every)
    # A generator, for a GIF alone needs its colours beforehand.
    palette = (clip.picture(step) for step in steps[:: math.ceil(len(steps) / _PALETTE_SAMPLES)])
    out.parent.mkdir(parents=True, exist_ok=True)
    work = out.with_name(f".{out.stem}.part{out.suffix}")
    try:
        with VideoWriter(work, clip.height, clip.width, hz / every, palette=palette) as writer:
            for done, step in enumerate(steps, 1):
                writer.write(clip.picture(step))
                progress(f"writing {out.name}", done, len(steps))
        work.rename(out)
    finally:
        work.unlink(missing_ok=True)
    return out


def _rows(episode: Episode, start_s: float, stop_s: float | None) -> range:
    hz = episode.behavior.decision_hz
    stop = episode.num_steps if stop_s is None else min(episode.num_steps, round(stop_s * hz))
    rows = range(max(0, round(start_s * hz)), stop)
    if not rows:
        asked = f"from {start_s:g} s to {'its end' if stop_s is None else f'{stop_s:g} s'}"
        raise RecordingError(f"{episode.path.name} is {episode.duration_s:.1f} s long; there is nothing {asked}.")
    return rows


class _Status:
    """The line between picture and inputs: how far, when, how much reward; and the words for what happens."""

    def __init__(self, episode: Episode, rows: range) -> None:
        self._name, self._hz, self._rows, self._num_steps = (
            episode.name,
            episode.behavior.decision_hz,
            rows,
            episode.num_steps,
        )
        reward = episode.reward
        self._return = None if np.isnan(reward).all() else np.nancumsum(reward)
        self._events = episode.events
        counts = Counter(word for words in self._events for word in set(words))
        # What is said of every other step says nothing of this one.
        self._frequent = {word for word, count in counts.items() if count > _OFTEN * episode.num_steps > 1}

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw the line."""
        row, width = self._rows[step], canvas.shape[1]
        share = (row + 1) / self._num_steps
        canvas[:3] = drawing.EDGE
        canvas[:3, : max(1, round(share * width))] = drawing.LIT
        time, whole = f"{row / self._hz:.1f} s", f"of {self._num_steps / self._hz:.1f} s"
        drawing.text(canvas, time, _MARGIN, 23, bold=True)
        left = _MARGIN + drawing.text_width(time, bold=True) + 6
        drawing.text(canvas, whole, left, 23, colour=drawing.FAINT)
        words = self._name if self._return is None else f"return {self._return[row]:.4g}"
        words = drawing.shortened(words, width // 3)
        right = width - _MARGIN - drawing.text_width(words)
        drawing.text(canvas, words, right, 23, colour=drawing.FAINT)
        self._draw_events(canvas, left + drawing.text_width(whole) + 24, right - 16, row)

    def _draw_events(self, canvas: np.ndarray, x: int, stop: int, row: int) -> None:
        """Write what has just happened, newest first, fading as it grows old."""
        long = max(1, round(_TOAST_S * self._hz))
        newest: dict[str, int] = {}
        for past in range(row, max(-1, row - long), -1):
            for word in self._events[past]:
                if word not in self._frequent:
                    newest.setdefault(word, row - past)
        for word, age in newest.items():
            if x + drawing.text_width(word, bold=True) > stop:
                break
            drawing.text(canvas, word, x, 23, colour=drawing.mixed(drawing.LIT, 1 - 0.8 * age / long), bold=True)
            x += drawing.text_width(word, bold=True) + 14


class _Panel:
    """The inputs: rows of widgets, with the sticks to their right."""

    def __init__(self, episode: Episode, rows: range, width: int) -> None:
        part = slice(rows.start, rows.stop)
        actions = {name: episode.action(name, part) for name in episode.behavior.action_names}
        self._widgets: list[Widget]
        self._sticks: list[Stick]
        room = (width - 2 * _MARGIN - _MIN_INNER) // _STICK_WIDTH
        self._widgets, self._sticks = widgets(episode.behavior.actions, actions, max_sticks=room)
        self._inner = width - 2 * _MARGIN - _STICK_WIDTH * len(self._sticks)
        heights = [each.height(self._inner) + GAP for each in self._widgets]
        beside = [each.height(_STICK_WIDTH) for each in self._sticks]
        self.height = max([sum(heights), *beside]) + _MARGIN
        self._tops = [sum(heights[:index]) for index in range(len(heights))]

    def draw(self, canvas: np.ndarray, step: int) -> None:
        """Draw the inputs of a step."""
        for widget, top in zip(self._widgets, self._tops, strict=True):
            widget.draw(canvas, _MARGIN, top, self._inner, step)
        for index, stick in enumerate(self._sticks):
            stick.draw(canvas, _MARGIN + self._inner + index * _STICK_WIDTH, 0, _STICK_WIDTH, step)
