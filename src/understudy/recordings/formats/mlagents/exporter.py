"""Writes recordings as a .demo file that ML-Agents' own loader reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from gymnasium import spaces
from pydantic import Field

from understudy.errors import RecordingError, require
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.reader import Recordings
from understudy.spec import BehaviorSpec


class MlagentsExportSettings(Settings):
    """How the file is written."""

    channels_first: bool = Field(
        True, description="give a picture's shape as (channels, height, width), as package 3 does; false for older ones"
    )


class MlagentsExporter:
    """Writes one file, named after the behaviour, that holds all episodes.

    Numbers are float32 there; a `Box` is scaled to -1 to 1, as ML-Agents' policies want it. Every episode ends with a
    pair that is done, where a reward that is not known is 0, and an observation that is not known repeats the one
    before. What the format has no place for is in fields that other readers skip.
    """

    name: ClassVar[str] = "mlagents"
    title: ClassVar[str] = "Unity ML-Agents demonstrations (.demo)"
    Settings: ClassVar[type[Settings]] = MlagentsExportSettings
    keeps: ClassVar[Mapping[str, str]] = {
        **EXACT,
        "observations": "float32",
        "actions": "float32",
        "final observation": "float32",
    }

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:  # noqa: ARG002 - the protocol's
        """Raise `RecordingError` if a sensor is empty or has too many dimensions, or an agent has too many actions."""
        require("google.protobuf", "logs")
        from understudy.recordings.formats.mlagents.actions import MAX_ACTIONS, ActionCodec
        from understudy.recordings.formats.mlagents.observations import MAX_RANK

        for sensor in behavior.sensors:
            if not np.prod(sensor.space.shape) or len(sensor.space.shape) > MAX_RANK:
                raise RecordingError(
                    f"Sensor '{sensor.name}' has the shape {sensor.space.shape}; a .demo holds 1 to {MAX_RANK} "
                    "dimensions with something in them. Export without it."
                )
        codec = ActionCodec(behavior.actions)
        for part in behavior.actions:
            size = part.num_labels if not isinstance(part.space, spaces.Discrete) else 1
            if max(codec.num_continuous, len(codec.branches)) > MAX_ACTIONS and size > 1:
                raise RecordingError(f"Action part '{part.name}' makes more than {MAX_ACTIONS:,} actions of one agent.")

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write all episodes to one file; raises `RecordingError` if an integer is too large for a float32."""
        from understudy.recordings.formats.mlagents.names import file_name
        from understudy.recordings.formats.mlagents.writing import DemoWriter

        settings = options.settings
        channels_first = settings.channels_first if isinstance(settings, MlagentsExportSettings) else True
        path = out / f"{file_name(recordings.behavior.name, 'demonstration')}.demo"
        total, done = sum(each.num_steps for each in recordings), 0
        with DemoWriter(path, recordings.behavior, channels_first=channels_first) as writer:
            for agent, episode in enumerate(recordings):
                for steps in writer.write(episode, agent):
                    done += steps
                    progress(episode.name, done, total)
        return [path]
