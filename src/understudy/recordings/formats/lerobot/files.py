"""The files of an export: a Parquet file or video is filled with episodes until it is large enough, then the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from understudy.recordings.formats.lerobot.video import VideoWriter

DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """When a file is large enough, in bytes, and how many files a folder holds."""

    data_bytes: int
    video_bytes: int
    files_per_chunk: int


class Numbering:
    """Counts files: so many to a folder."""

    def __init__(self, files_per_chunk: int) -> None:
        self._files_per_chunk = files_per_chunk
        self.number = -1

    def next(self) -> None:
        """Go on to the next file."""
        self.number += 1

    @property
    def place(self) -> dict[str, int]:
        """The numbers that fill a path's template in."""
        return {"chunk_index": self.number // self._files_per_chunk, "file_index": self.number % self._files_per_chunk}


class TableFiles:
    """Parquet files of one schema.

    Args:
        out: The data set's folder.
        template: Of a file's path.
        limit: In bytes, after which the next episode opens a new file.
        files_per_chunk: How many files a folder holds.
    """

    def __init__(self, out: Path, template: str, limit: int, files_per_chunk: int) -> None:
        self._out, self._template, self._limit = out, template, limit
        self._numbering = Numbering(files_per_chunk)
        self._writer: pq.ParquetWriter | None = None
        self._file: pa.NativeFile | None = None
        self.paths: list[Path] = []

    def begin(self, schema: pa.Schema) -> dict[str, int]:
        """Make ready for an episode's rows; returns the numbers of the file that will hold them."""
        if self._file is not None and self._file.tell() >= self._limit:
            self.close()
        if self._writer is None:
            self._numbering.next()
            path = self._out / self._template.format(**self._numbering.place)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = pa.OSFile(str(path), "wb")
            self._writer = pq.ParquetWriter(self._file, schema)
            self.paths.append(path)
        return self._numbering.place

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        assert self._writer is not None
        self._writer.write_table(table)

    def close(self) -> None:
        """Finish the file that is open."""
        if self._writer is not None and self._file is not None:
            self._writer.close()
            self._file.close()
            self._writer = self._file = None

    def __enter__(self) -> TableFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class VideoFiles:
    """The videos of one feature.

    Args:
        out: The data set's folder.
        key: The feature.
        open_video: Makes the writer of a file.
        limits: How large one may get.
    """

    def __init__(self, out: Path, key: str, open_video: Callable[[Path], VideoWriter], limits: Limits) -> None:
        self._out, self.key, self._open, self._limit = out, key, open_video, limits.video_bytes
        self._numbering = Numbering(limits.files_per_chunk)
        self._video: VideoWriter | None = None
        self.paths: list[Path] = []

    def begin(self) -> tuple[dict[str, int], int]:
        """Make ready for an episode's pictures; returns the file's numbers and that of the first frame in it."""
        if self._video is not None and self._video.size >= self._limit:
            self.close()
        if self._video is None:
            self._numbering.next()
            path = self._out / VIDEO_PATH.format(video_key=self.key, **self._numbering.place)
            self._video = self._open(path)
            self.paths.append(path)
        return self._numbering.place, self._video.num_frames

    def write(self, frames: np.ndarray) -> None:
        """Append pictures."""
        assert self._video is not None
        self._video.write(frames)

    def close(self) -> None:
        """Finish the video that is open."""
        if self._video is not None:
            self._video.close()
            self._video = None
