"""Writes LeRobot data sets, version 3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError, require
from understudy.recordings.formats.lerobot.files import MEGABYTE, Limits
from understudy.recordings.formats.lerobot.writer import DatasetWriter
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.layout import sensor_column
from understudy.recordings.reader import Recordings
from understudy.spec import BehaviorSpec

_MAX_ONE_HOT = 4096
_AV1_SIDE = 64  # the least that its encoder takes
_MAX_NUMBERS = 1 << 20


class LerobotExportSettings(Settings):
    """Settings of the LeRobot exporter."""

    pictures: Literal["video", "png"] = Field("video", description="video is small and lossy, png exact.")
    codec: Literal["h264", "av1"] = Field(
        "h264", description="Of videos; av1 is smaller, and slower to write and read."
    )
    crf: int = Field(20, ge=0, le=51, description="Of videos: lower is better and larger. LeRobot's own default is 30.")
    discrete: Literal["one_hot", "index"] = Field("one_hot", description="How a choice lies in the action vector.")
    task: str = Field("", description="What the player was asked to do; by default the game and the map.")
    data_mb: float = Field(100, gt=0, description="A Parquet file is followed by the next when it is this large.")
    video_mb: float = Field(200, gt=0, description="A video likewise.")
    files_per_chunk: int = Field(1000, ge=1, description="Files in a folder.")


class LerobotExporter:
    """Exports LeRobot data sets."""

    name: ClassVar[str] = "lerobot"
    title: ClassVar[str] = "LeRobot data sets (v3)"
    Settings: ClassVar[type[Settings]] = LerobotExportSettings
    keeps: ClassVar[Mapping[str, str]] = {
        **EXACT,
        "observations": "exact; pictures are lossy video, exact with pictures=png",
    }

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:
        """Raise `RecordingError`, naming the sensor or part and what to do, where the format cannot hold it."""
        settings = _settings(options)
        for sensor in behavior.sensors:
            column = sensor_column(sensor)
            if column.picture and settings.pictures == "video" and settings.codec == "av1":
                if min(column.shape[:2]) < _AV1_SIDE:
                    raise RecordingError(
                        f"Sensor '{sensor.name}' is of {column.shape[1]} × {column.shape[0]} pixels; av1 takes at "
                        f"least {_AV1_SIDE} × {_AV1_SIDE}. Set codec=h264 or pictures=png."
                    )
            elif not column.picture and not 0 < int(np.prod(column.shape)) <= _MAX_NUMBERS:
                raise RecordingError(
                    f"Sensor '{sensor.name}' has the shape {column.shape}; a LeRobot feature holds 1 to "
                    f"{_MAX_NUMBERS:,} numbers. Leave it out with: understudy logs mask"
                )
        for part in behavior.actions:
            if (
                isinstance(part.space, spaces.Discrete)
                and settings.discrete == "one_hot"
                and part.num_labels > _MAX_ONE_HOT
            ):
                raise RecordingError(
                    f"Action part '{part.name}' has {part.num_labels:,} choices, too many for a number each; set "
                    "discrete=index."
                )

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write recordings of one behaviour to the empty folder `out`; return what was written."""
        settings = _settings(options)
        episodes = [each for each in recordings if each.num_steps]
        if not episodes:
            raise RecordingError("The recordings hold no step to export.")
        behavior = recordings.behavior
        if settings.pictures == "video" and any(sensor_column(each).picture for each in behavior.sensors):
            require("av", "video")
        limits = Limits(int(settings.data_mb * MEGABYTE), int(settings.video_mb * MEGABYTE), settings.files_per_chunk)
        total, done = sum(each.num_steps for each in episodes), 0
        with DatasetWriter(out, episodes, settings, limits) as writer:
            for episode in episodes:
                for steps in writer.add(episode):
                    done += steps
                    progress(f"Writing {episode.name}", done, total)
        return writer.paths


def _settings(options: ExportOptions) -> LerobotExportSettings:
    given = options.settings
    return given if isinstance(given, LerobotExportSettings) else LerobotExportSettings()
