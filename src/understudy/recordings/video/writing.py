"""Writes videos: H.264 in an MP4, which every player and browser shows, or a GIF, which every page shows."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from understudy.errors import RecordingError, require

_RATE_DENOMINATOR = 1000


class VideoWriter:
    """Writes RGB frames to a file as they come; a context manager.

    Args:
        out: Ends in `.mp4` (H.264) or `.gif`; replaced if it is there. An open file, for bytes, becomes an MP4.
        height: Of each frame in pixels; even for H.264.
        width: Of each frame in pixels; even for H.264.
        fps: Frames a second.
        crf: Quality of H.264 from 0 (lossless) to 51 (worst); 18 is hard to tell from the original.
        palette: For a GIF, frames whose colours stand for all: it has 256 of them for the whole video.

    Raises:
        RecordingError: If the suffix is neither, the size is odd, or the file cannot be written.
        MissingExtraError: If PyAV is not installed.
    """

    def __init__(
        self,
        out: Path | BinaryIO,
        height: int,
        width: int,
        fps: float,
        *,
        crf: int = 18,
        palette: Iterable[np.ndarray] = (),
    ) -> None:
        self._av = require("av", "video")
        self._size = (height, width)
        self._count = 0
        kind = out.suffix.lower() if isinstance(out, Path) else ".mp4"
        if kind not in (".mp4", ".gif"):
            raise RecordingError(f"{out} should end in .mp4 or .gif, to say what is to be written.")
        if kind == ".mp4" and (height % 2 or width % 2):
            raise RecordingError(f"H.264 needs an even width and height; {width} × {height} pixels are not.")
        self._rate = Fraction(max(1, round(fps * _RATE_DENOMINATOR)), _RATE_DENOMINATOR)
        self._graph = _Palette(self._av, height, width, self._rate, palette) if kind == ".gif" else None
        try:
            target = str(out.absolute()) if isinstance(out, Path) else out
            self._container = self._av.open(target, "w", format=kind[1:])
        except (self._av.FFmpegError, OSError) as error:
            raise RecordingError(f"{out} cannot be written: {error.strerror}.") from error
        self._stream = self._add_stream(crf)

    def _add_stream(self, crf: int) -> Any:
        if self._graph:
            stream = self._container.add_stream("gif", rate=self._rate)
            stream.pix_fmt = "pal8"
        else:
            options = {"crf": str(crf), "preset": "veryfast"}
            stream = self._container.add_stream("libx264", rate=self._rate, options=options)
            stream.pix_fmt = "yuv420p"
        stream.height, stream.width = self._size
        return stream

    def write(self, frame: np.ndarray) -> None:
        """Add a frame: RGB, uint8, shape (height, width, 3)."""
        if frame.shape != (*self._size, 3) or frame.dtype != np.uint8:
            raise RecordingError(f"A frame of {self._size} RGB pixels was expected, got {frame.dtype} {frame.shape}.")
        video_frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        video_frame.pts, video_frame.time_base = self._count, 1 / self._rate
        self._count += 1
        self._container.mux(self._stream.encode(self._graph.apply(video_frame) if self._graph else video_frame))

    def close(self) -> None:
        """Write what the encoder still holds, and the file's index."""
        if self._count:
            self._container.mux(self._stream.encode(None))
        self._container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Palette:
    """Maps frames to the 256 colours that fit some samples best (FFmpeg's palettegen and paletteuse)."""

    def __init__(self, av: Any, height: int, width: int, rate: Fraction, samples: Iterable[np.ndarray]) -> None:
        source = {"width": width, "height": height, "format": "rgb24", "time_base": 1 / rate}
        graph = av.filter.Graph()
        picture = graph.add_buffer(**source)
        palette = graph.add_buffer(width=16, height=16, format="rgb32", time_base=1 / rate)
        use = graph.add("paletteuse", "dither=none:diff_mode=rectangle")
        picture.link_to(use)
        palette.link_to(use, 0, 1)
        use.link_to(graph.add("buffersink"))
        graph.configure()
        colours = _best_colours(av, source, samples)
        colours.pts, colours.time_base = 0, 1 / rate
        palette.push(colours)
        palette.push(None)
        self._picture, self._graph = picture, graph

    def apply(self, frame: Any) -> Any:
        """Return a frame in the palette's colours."""
        self._picture.push(frame)
        mapped = self._graph.pull()
        mapped.pts, mapped.time_base = frame.pts, frame.time_base
        return mapped


def _best_colours(av: Any, source: dict[str, Any], samples: Iterable[np.ndarray]) -> Any:
    graph = av.filter.Graph()
    graph.link_nodes(graph.add_buffer(**source), graph.add("palettegen"), graph.add("buffersink")).configure()
    for index, sample in enumerate(samples):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(sample), format="rgb24")
        frame.pts, frame.time_base = index, source["time_base"]
        graph.push(frame)
    graph.push(None)
    return graph.pull()
