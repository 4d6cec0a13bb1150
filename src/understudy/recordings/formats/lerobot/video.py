"""The pictures of an episode, in a video that may hold many episodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from understudy.errors import RecordingError, require
from understudy.recordings.formats.guards import MAX_PIXELS

ENCODERS = {"h264": "libx264", "av1": "libsvtav1"}
_KEY_EVERY = 2  # frames: what LeRobot writes, so that any picture is at most two decodings away
_DENOMINATOR = 1_000_000
_OFF = 0.55  # of a frame: times are rounded
_PRESETS = {"h264": {"preset": "veryfast", "bf": "0"}, "av1": {"preset": "10"}}


class VideoFrames:
    """The pictures of one episode, one for each step, in order.

    Args:
        path: The MP4.
        start_s: The second at which the episode begins in it.
        fps: Steps a second.
        shape: (height, width, channels) that they must have.

    Raises:
        RecordingError: If it is no MP4, holds no video, or one of another size.
    """

    def __init__(self, path: Path, start_s: float, fps: float, shape: tuple[int, ...]) -> None:
        av = require("av", "video")
        self._path, self._start_s, self._fps, self._shape = path, start_s, fps, shape
        self._errors = (av.FFmpegError, ValueError, TypeError, OSError, IndexError, OverflowError, MemoryError)
        if not path.is_file():
            raise RecordingError(f"{path} is not there")
        try:
            # The format is named, for FFmpeg would else take a playlist that leads to other files.
            options = {"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
            self._container = av.open(str(path.absolute()), format="mp4", options=options)
            self._stream = self._container.streams.video[0]
        except self._errors as error:
            raise RecordingError(f"{path} is not an MP4 video ({_short(error)})") from error
        try:
            if self._stream.codec_context is None:
                raise RecordingError(f"{path} is of a codec that cannot be decoded here")
            self._require_size(self._stream.height, self._stream.width)
        except RecordingError:
            self._container.close()
            raise
        # Refuse what cannot be decoded, rather than guess it.
        self._stream.codec_context.options = {"max_pixels": str(MAX_PIXELS), "err_detect": "explode"}
        self._stream.thread_type = "AUTO"
        self._frames = self._decode()
        self._current: Any = None
        self._upcoming: Any = None

    def read(self, first: int, count: int) -> tuple[np.ndarray, str]:
        """Return the pictures of steps `first` to `first + count`.

        Returns:
            uint8, shape (n, height, width, channels), n less than `count` where the video is damaged or ends, and then
            a sentence that says so.
        """
        frames = np.empty((count, *self._shape), np.uint8)
        for at in range(count):
            try:
                frame = self._nearest(self._start_s + (first + at) / self._fps)
                if frame is None:
                    return frames[:at], f"{self._path.name} has no picture for step {first + at}"
                if frame.is_corrupt:
                    return frames[:at], f"{self._path.name} is damaged at step {first + at}"
                self._require_size(frame.height, frame.width)
                grey = self._shape[2] == 1
                frames[at] = frame.to_ndarray(format="gray" if grey else "rgb24").reshape(self._shape)
            except (*self._errors, RecordingError) as error:
                return frames[:at], f"{self._path.name} is damaged at step {first + at} ({_short(error)})"
        return frames, ""

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decode(self) -> Iterator[Any]:
        # Half a frame early: times are rounded, and a seek that lands late cannot go back.
        target = max(0.0, self._start_s - 0.5 / self._fps)
        if target and self._stream.time_base:
            self._container.seek(int(target / self._stream.time_base), stream=self._stream)
        for frame in self._container.decode(self._stream):
            if frame.time is not None:
                yield frame

    def _nearest(self, time_s: float) -> Any:
        """The frame nearest to a time, never before that of the last call; None if it is another step's."""
        if self._current is None:
            self._current, self._upcoming = next(self._frames, None), next(self._frames, None)
        while self._upcoming is not None and abs(self._upcoming.time - time_s) <= abs(self._current.time - time_s):
            self._current, self._upcoming = self._upcoming, next(self._frames, None)
        found = self._current
        # A decoder leaves out, without a word, what it could not make; the neighbours are a whole frame off.
        return found if found is not None and abs(found.time - time_s) <= _OFF / self._fps else None

    def _require_size(self, height: int, width: int) -> None:
        if height * width > MAX_PIXELS or (height, width) != self._shape[:2]:
            raise RecordingError(
                f"{self._path} is of {width} × {height} pixels; {self._shape[1]} × {self._shape[0]} were announced"
            )


class VideoWriter:
    """Encodes the pictures of many episodes into one MP4.

    Args:
        path: To write.
        fps: Frames a second.
        shape: (height, width, 1 or 3) of each.
        codec: `"h264"` or `"av1"`.
        crf: Constant rate factor: lower is better and larger.

    Attributes:
        num_frames: Pictures taken so far.
        size: Bytes of those that are encoded, which lag behind by some frames.
    """

    def __init__(self, path: Path, fps: float, shape: tuple[int, ...], codec: str, crf: int) -> None:
        av = require("av", "video")
        self._av, self.num_frames, self.size = av, 0, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        options = {"crf": str(crf), "g": str(_KEY_EVERY), **_PRESETS[codec]}
        rate = Fraction(fps).limit_denominator(_DENOMINATOR)
        self._stream = self._container.add_stream(ENCODERS[codec], rate=rate, options=options)
        self._stream.height, self._stream.width = shape[:2]
        self._stream.pix_fmt = pixel_format(shape)

    def write(self, frames: np.ndarray) -> None:
        """Append pictures, uint8, shape (n, height, width, 1 or 3)."""
        for frame in frames:
            image = np.repeat(frame, 3, axis=2) if frame.shape[2] == 1 else frame
            picture = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            picture.pts = self.num_frames
            picture.time_base = 1 / self._stream.codec_context.framerate
            packets = self._stream.encode(picture)
            self.size += sum(packet.size for packet in packets)
            self._container.mux(packets)
            self.num_frames += 1

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what the encoder still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()


def pixel_format(shape: Sequence[int]) -> str:
    """How pixels are kept: colour at half the resolution is what every player takes, but it needs even sides."""
    return "yuv420p" if shape[0] % 2 == 0 and shape[1] % 2 == 0 else "yuv444p"


def _short(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
