"""The pictures that screen messages point at: frames of a video beside the log, files, or pictures in the text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import cv2
import numpy as np

from understudy.errors import RecordingError, require
from understudy.recordings.formats.guards import MAX_PIXELS, decode_picture, inside

_MAX_PICTURE = 64 * 1024 * 1024
# A frame's time is rounded to the video's time base.
_ROUNDING_NS = 2_000_000


class Screen:
    """Gives the pictures of a log, in the order of their times.

    Args:
        folder: The log's; nothing outside of it is read.
        size: (width, height) to reduce to.
    """

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self._folder, self._size = folder, size
        self._uri, self._video = "", _Video.empty()
        self._last: tuple[tuple[str, int | None], np.ndarray] | None = None

    def picture(self, uri: str, place_ns: int | None) -> np.ndarray:
        """Return a picture, uint8, shape (height, width, 3).

        Raises:
            RecordingError: If it is not there, lies outside of the folder, or is damaged.
        """
        if self._last is None or self._last[0] != (uri, place_ns):
            image = self._load(uri, place_ns)
            self._last = (uri, place_ns), _resized(image, self._size)
        return self._last[1]

    def close(self) -> None:
        """Close the video."""
        self._video.close()

    def _load(self, uri: str, place_ns: int | None) -> np.ndarray:
        if uri.startswith("data:"):
            return decode_picture(_embedded(uri), "a picture in the log")
        path = media_path(self._folder, uri)
        if place_ns is None:
            return _picture_file(path)
        if self._uri != uri or place_ns < self._video.place_ns:
            self._video.close()
            self._uri, self._video = uri, _Video(path)
        return self._video.frame(place_ns)


def media_path(folder: Path, uri: str) -> Path:
    """Return the file that a log names, if it lies in the log's folder; raises `RecordingError`."""
    if "://" in uri and not uri.startswith("file://"):
        raise RecordingError(f"the pictures are at {uri.split('://')[0]}://…, and nothing is fetched from a network")
    name = unquote(uri.removeprefix("file://")) if uri.startswith("file://") else uri
    path = inside(folder, name.replace("\\", "/"))
    if not path.is_file():
        raise RecordingError(f"the pictures are in '{Path(name).name}', which is not beside the log")
    return path


def _embedded(uri: str) -> bytes:
    kind, _, text = uri.partition(",")
    if not kind.endswith(";base64") or len(text) > _MAX_PICTURE:
        raise RecordingError("a picture in the log is not base64, or is too large")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RecordingError("a picture in the log is not base64") from error


def _picture_file(path: Path) -> np.ndarray:
    if path.stat().st_size > _MAX_PICTURE:
        raise RecordingError(f"{path.name} is larger than {_MAX_PICTURE:,} bytes")
    return decode_picture(path.read_bytes(), path.name)


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


class _Video:
    """Decodes a video forwards."""

    def __init__(self, path: Path) -> None:
        av = require("av", "owamcap")
        self._name, self._errors = path.name, (av.error.FFmpegError, ValueError, EOFError, OSError, IndexError)
        try:
            self._container: Any = av.open(str(path), options={"protocol_whitelist": "file"})
            stream = self._container.streams.video[0]
        except self._errors as error:
            raise RecordingError(f"{path.name} is not a video, or is damaged in its beginning") from error
        codec = stream.codec_context
        if codec is None:
            raise RecordingError(f"{path.name} has a codec that is not known, or is damaged in its beginning")
        if codec.width * codec.height > MAX_PIXELS:
            raise RecordingError(f"{path.name} has pictures of more than {MAX_PIXELS:,} pixels")
        self._half_frame_ns = round(0.6e9 / float(stream.average_rate or 20))
        self._frames = self._decoded(stream)
        self._now: Any = None
        self._next: Any = next(self._frames, None)
        self.place_ns = 0

    @classmethod
    def empty(cls) -> _Video:
        """A video that nothing was opened for."""
        video = object.__new__(cls)
        video._container, video.place_ns = None, 0
        return video

    def frame(self, place_ns: int) -> np.ndarray:
        """Return the frame shown at a time of the video, uint8, shape (height, width, 3)."""
        while self._next is not None and (self._now is None or _time_ns(self._next) <= place_ns + _ROUNDING_NS):
            self._now, self._next = self._next, next(self._frames, None)
        # The log names frames that there are, so one well after the last was cut off.
        if self._now is None or (self._next is None and place_ns > _time_ns(self._now) + self._half_frame_ns):
            raise RecordingError(f"{self._name} stops before the log does, or is damaged there")
        self.place_ns = place_ns
        try:
            return self._now.to_ndarray(format="rgb24")
        except self._errors as error:
            raise RecordingError(f"{self._name} is damaged at {place_ns / 1e9:.2f} s") from error

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _decoded(self, stream: Any) -> Iterator[Any]:
        try:
            for packet in self._container.demux(stream):
                # A decoder would make up the rest of a frame that was cut.
                if packet.is_corrupt:
                    return
                for frame in packet.decode():
                    if frame.width * frame.height <= MAX_PIXELS and frame.time is not None:
                        yield frame
        except self._errors:
            return


def _time_ns(frame: Any) -> int:
    return round(frame.time * 1e9)
