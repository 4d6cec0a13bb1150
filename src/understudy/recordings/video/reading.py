"""Reads a video frame by frame, and knows where it stops being whole.

A video is given by somebody else, so nothing in it is trusted: only the container format that was asked for is opened
(FFmpeg would otherwise follow playlists to other files), sizes are checked before a frame is allocated, and a frame
that could not be decoded ends the video instead of being made up or left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from understudy.errors import RecordingError, require

MAX_FRAME_PIXELS = 16 * 1024 * 1024


class VideoReader:
    """Decodes the first video stream of an MP4 file, frame after frame, in memory that does not grow.

    Args:
        path: The file.

    Attributes:
        path: The file.
        height: Of each frame in pixels.
        width: Of each frame in pixels.
        num_frames: As the file's index says; nought if it does not.
        damage: Why the frames ended before the file's index says they should; None while all is well.

    Raises:
        RecordingError: If it cannot be opened at all: it is cut before its index, no MP4, or too large.
        MissingExtraError: If PyAV is not installed.
    """

    def __init__(self, path: Path) -> None:
        self._av = require("av", "video")
        self.path = path
        self._reformatter = self._av.video.reformatter.VideoReformatter()
        self.damage: str | None = None
        if not path.is_file():
            raise RecordingError(f"The video {path} is not there.")
        try:
            options = {"protocol_whitelist": "file", "max_pixels": str(MAX_FRAME_PIXELS)}
            self._container = self._av.open(str(path.absolute()), format="mp4", options=options)
        except (self._av.FFmpegError, ValueError, OSError) as error:
            raise RecordingError(
                f"The video {path} cannot be opened: {_reason(error)}. A recorder that was killed leaves such a file."
            ) from error
        self._stream = self._first_stream()
        context = self._stream.codec_context
        self.height, self.width, self.num_frames = context.height, context.width, self._stream.frames

    def _first_stream(self) -> Any:
        """The video stream, set up to refuse what it cannot decode rather than to guess it."""
        streams = self._container.streams.video
        if not streams:
            raise RecordingError(f"{self.path} holds no video.")
        stream = streams[0]
        context = stream.codec_context
        if context is None or not 0 < context.height * context.width <= MAX_FRAME_PIXELS:
            size = f"{context.width} × {context.height} pixels large" if context else "of an unknown codec"
            raise RecordingError(f"The video {self.path} says it is {size}; up to {MAX_FRAME_PIXELS:,} are decoded.")
        context.options = {"max_pixels": str(MAX_FRAME_PIXELS), "err_detect": "explode"}
        stream.thread_type = "AUTO"
        return stream

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield each frame: RGB, uint8, shape (height, width, 3). Where they end too early, `damage` says why."""
        try:
            for frame in self._frames():
                yield _pixels(self._reformatter.reformat(frame, format="rgb24"))
        except (self._av.FFmpegError, ValueError, TypeError, OSError, MemoryError) as error:
            self.damage = f"the video cannot be decoded further: {_reason(error)}"

    def _frames(self) -> Iterator[Any]:
        """Decode in order; of a video that is cut, up to the last frame that nothing missing can come before."""
        expected: list[int] = []
        count, last_dts = 0, 0
        for packet in self._container.demux(self._stream):
            if packet.is_corrupt:
                self.damage = "the video is cut inside a frame"
            if packet.is_corrupt or packet.dts is None:
                break
            count, last_dts = count + 1, packet.dts
            if not packet.is_discard:
                heapq.heappush(expected, packet.pts)
            for frame in packet.decode():
                if not self._is_next(frame, expected):
                    return
                yield frame
        if not self.damage and count < self.num_frames:
            self.damage = f"the video is cut: {count} of its {self.num_frames} frames are there"
        for frame in self._stream.codec_context.decode(None):
            # Frames come in the order of decoding (dts), and none is shown (pts) before it is decoded.
            if (self.damage and frame.pts > last_dts) or not self._is_next(frame, expected):
                return
            yield frame

    def _is_next(self, frame: Any, expected: list[int]) -> bool:
        """Whether it is the very next frame: the decoder leaves out, without a word, those it could not make."""
        if not expected or heapq.heappop(expected) != frame.pts:
            self.damage = self.damage or "a frame of the video cannot be decoded"
        elif frame.is_corrupt:
            self.damage = self.damage or "a frame of the video is damaged"
        elif (frame.height, frame.width) != (self.height, self.width):
            self.damage = self.damage or "the video changes its size"
        else:
            return True
        return False

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _pixels(frame: Any) -> np.ndarray:
    """The pixels of an RGB frame where they lie: a copy of each would cost as much as shrinking it."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(frame.height, plane.line_size)
    return rows[:, : 3 * frame.width].reshape(frame.height, frame.width, 3)


def _reason(error: BaseException) -> str:
    """FFmpeg's own words, without the path and the number around them."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")
