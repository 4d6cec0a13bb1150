"""Videos: read frame by frame with care, written as H.264 or GIF, and clips of recordings with the inputs drawn in."""

from __future__ import annotations

from understudy.recordings.video.reading import VideoReader
from understudy.recordings.video.writing import VideoWriter

__all__ = ["VideoReader", "VideoWriter"]
