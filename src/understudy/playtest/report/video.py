"""Short videos of runs for the report, with what the player asked for written under the picture."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from understudy.playtest.report.words import action_words
from understudy.playtest.run.game import picture_sensor
from understudy.playtest.run.pictures import open_episode
from understudy.playtest.run.trace import Trace
from understudy.playtest.spec import VideoSpec
from understudy.recordings import Episode
from understudy.recordings.video import VideoWriter

_STRIP = 40
_INK, _PAPER = (235, 235, 235), (24, 26, 30)
_QUALITY = 27
_AFTER_S = 1.0


@dataclass(frozen=True)
class Clip:
    """A video: an MP4 file of H.264, a JPEG to show before it plays, and its size in pixels."""

    mp4: bytes
    poster: bytes
    width: int
    height: int


def film(trace: Trace, options: VideoSpec, until: int | None = None) -> Clip | None:
    """Return a video of a run's first seconds, or of its last before a decision; None if it has no pictures.

    Args:
        trace: Of the run.
        options: How long and how wide it may be.
        until: The decision that the video should end just after; its middle is then shown before it plays.
    """
    episode = open_episode(trace)
    sensor = picture_sensor(episode.behavior) if episode else None
    if episode is None or sensor is None:
        return None
    fps = options.fps or episode.behavior.decision_hz
    longest = math.ceil(options.seconds * fps)
    stop = min(episode.num_steps, len(trace.actions))
    # A little of what follows shows that the player is still stuck, or where the fall goes on.
    stop = min(stop, longest if until is None else until + 1 + math.ceil(_AFTER_S * fps))
    start = 0 if until is None else max(0, stop - longest)
    if stop <= start:
        return None
    shown = start + (stop - start) // 3 if until is None else min(until, stop - 1)
    frames = (_compose(trace, episode, sensor, tick, options.width) for tick in range(start, stop))
    return _encode(frames, fps, shown - start)


def _compose(trace: Trace, episode: Episode, sensor: str, tick: int, width: int) -> np.ndarray[Any, Any]:
    """A frame with even sides: the picture, enlarged or shrunk to `width`, and the strip with the action."""
    picture = episode.observation(sensor, slice(tick, tick + 1))[0]
    picture = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    height = round(picture.shape[0] * width / picture.shape[1]) // 2 * 2
    # Enlarged pixels stay sharp, as the game drew them.
    how = cv2.INTER_NEAREST if width > picture.shape[1] else cv2.INTER_AREA
    picture = cv2.resize(picture, (width // 2 * 2, height), interpolation=how)
    strip = np.full((_STRIP, picture.shape[1], 3), _PAPER, np.uint8)
    _write(strip, f"{tick / episode.behavior.decision_hz:5.1f} s", 10)
    _write(strip, action_words(episode.behavior, trace.actions[tick]), 84)
    return np.vstack([picture, strip])


def _write(strip: np.ndarray[Any, Any], text: str, left: int) -> None:
    cv2.putText(strip, text, (left, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)


def _encode(frames: Iterable[np.ndarray[Any, Any]], fps: float, shown: int) -> Clip:
    """Encode frame by frame: a long video of large pictures never lies in memory whole."""
    file, writer, poster, size = io.BytesIO(), None, b"", (0, 0)
    with ExitStack() as stack:
        for index, frame in enumerate(frames):
            if writer is None:
                size = frame.shape[0], frame.shape[1]
                writer = stack.enter_context(VideoWriter(file, *size, fps, crf=_QUALITY))
            if index == shown:
                poster = _jpeg(frame)
            writer.write(frame)
    return Clip(file.getvalue(), poster, size[1], size[0])


def _jpeg(frame: np.ndarray[Any, Any]) -> bytes:
    _, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    return bytes(data)
