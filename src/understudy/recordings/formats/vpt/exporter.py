"""Writes recordings of Minecraft as VPT logs: a video, a line of JSON for each of its frames, and an options file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, cast

import cv2
import numpy as np
from pydantic import Field

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import EXACT, ExportOptions, Progress, Settings
from understudy.recordings.formats.vpt.behavior import CURSOR_EXTRA
from understudy.recordings.formats.vpt.files import OPTIONS_SUFFIX
from understudy.recordings.formats.vpt.metadata import KEY, Export, require_known
from understudy.recordings.formats.vpt.writing import LineMaker, Step
from understudy.recordings.reader import Episode, Recordings
from understudy.recordings.video import VideoWriter
from understudy.spec import BehaviorSpec, Observation

_CHUNK = 64


class VptExportSettings(Settings):
    """Settings of the exporter."""

    size: str = Field(
        "frame",
        pattern=r"^(frame|\d{1,4}x\d{1,4})$",
        description="Size of the video as WIDTHxHEIGHT, such as 640x360, which VPT's labelling script asks for; "
        "'frame' is that of the recording.",
    )
    crf: int = Field(18, ge=0, le=51, description="Quality of the video from 0 (lossless) to 51 (worst).")


class VptExporter:
    """Exports recordings of the behaviour that `VptImporter` reads, or of some of its sensors and parts."""

    name: ClassVar[str] = "vpt"
    title: ClassVar[str] = "VPT and BASALT contractor data: Minecraft (.mp4 + .jsonl)"
    Settings: ClassVar[type[Settings]] = VptExportSettings
    keeps: ClassVar[Mapping[str, str]] = {
        **EXACT,
        "observations": "lossy video",
        "final observation": "lossy video",
        "events": "all but typed text",
    }

    def check(self, behavior: BehaviorSpec, options: ExportOptions) -> None:
        """Raise `RecordingError` unless it is Minecraft's behaviour, or a part of it with `frame`."""
        try:
            require_known(behavior.to_dict())
            if "frame" not in behavior.sensor_names:
                raise ValueError("there is no sensor 'frame' for the video")
        except ValueError as error:
            raise RecordingError(
                f"VPT logs cannot hold the behaviour '{behavior.name}': {error}. They hold Minecraft's frame, position "
                "and view, and its camera, buttons and hotbar; drop or rename the others first, or export as lerobot."
            ) from error
        height, width = _video_size(behavior, cast(VptExportSettings, options.settings))
        if height % 2 or width % 2:
            raise RecordingError(f"H.264 has no frames of {width} × {height} pixels; use --set size=640x360.")

    def write(self, recordings: Recordings, out: Path, options: ExportOptions, progress: Progress) -> Sequence[Path]:
        """Write three files for each episode: `NAME.mp4`, `NAME.jsonl` and `NAME-options.json`."""
        settings = cast(VptExportSettings, options.settings)
        total, done, written = sum(each.num_steps for each in recordings), 0, []
        names: Counter[str] = Counter()
        for episode in recordings:
            names[episode.name] += 1
            again = f"-{names[episode.name]}" if names[episode.name] > 1 else ""
            writer = _EpisodeFiles(episode, out / f"{episode.name}{again}", settings)
            for steps in writer.write():
                done += steps
                progress(f"exporting {len(recordings)} recordings", done, total)
            written += writer.paths
        return written


def _video_size(behavior: BehaviorSpec, settings: VptExportSettings) -> tuple[int, int]:
    if settings.size == "frame":
        height, width, _ = behavior.sensor("frame").space.shape
        return height, width
    width, height = (int(side) for side in settings.size.split("x"))
    return height, width


class _EpisodeFiles:
    """The three files of one episode."""

    def __init__(self, episode: Episode, stem: Path, settings: VptExportSettings) -> None:
        self._episode, self._settings = episode, settings
        self._size = _video_size(episode.behavior, settings)
        suffixes = (".mp4", ".jsonl", OPTIONS_SUFFIX)
        self._ticks, self._times, self._rewards = episode.tick, episode.time_ns, episode.reward
        self._events, self._cursors = episode.events, _cursors(episode)
        self.paths = [stem.with_name(f"{stem.name}{suffix}") for suffix in suffixes]

    def write(self) -> Iterator[int]:
        """Write them, yielding how many steps each turn wrote."""
        video, lines, options = self.paths
        fps = self._episode.behavior.decision_hz
        final = self._episode.final_observation()
        maker = LineMaker()
        with VideoWriter(video, *self._size, fps, crf=self._settings.crf) as writer, lines.open("w") as file:
            for start in range(0, self._episode.num_steps, _CHUNK):
                rows = slice(start, min(start + _CHUNK, self._episode.num_steps))
                for frame in self._episode.observation("frame", rows):
                    writer.write(self._resized(frame))
                file.writelines(f"{json.dumps(maker.line(step))}\n" for step in self._steps(rows))
                yield rows.stop - rows.start
            if final is not None:
                writer.write(self._resized(final["frame"]))
        about = Export.of(self._episode, None if final is None else _pose(final)).to_dict()
        options.write_text(json.dumps({KEY: about}, indent=1) + "\n")

    def _resized(self, frame: np.ndarray) -> np.ndarray:
        # Enlarged pixels stay what they were, so that shrinking finds them again.
        larger = self._size[0] >= frame.shape[0] and self._size[1] >= frame.shape[1]
        how = cv2.INTER_NEAREST if larger else cv2.INTER_AREA
        return frame if frame.shape[:2] == self._size else cv2.resize(frame, self._size[::-1], interpolation=how)

    def _steps(self, rows: slice) -> Iterator[Step]:
        episode = self._episode
        behavior = episode.behavior
        sensors = {name: episode.observation(name, rows) for name in behavior.sensor_names if name != "frame"}
        actions = {name: episode.action(name, rows) for name in behavior.action_names}
        for row, step in enumerate(range(rows.start, rows.stop)):
            yield Step(
                pose=_pose({name: values[row] for name, values in sensors.items()}),
                action={name: values[row] for name, values in actions.items()},
                cursor=(float(self._cursors[step][0]), float(self._cursors[step][1])),
                tick=int(self._ticks[step]),
                time_ns=int(self._times[step]),
                reward=float(self._rewards[step]),
                events=self._events[step],
            )


def _cursors(episode: Episode) -> np.ndarray:
    """Where the cursor was, if the log that was imported said so; else the window's corner."""
    found = {name: tuple(space.shape) for name, space in episode.layout.extras.items()}
    if found.get("cursor") == CURSOR_EXTRA["cursor"].shape:
        return episode.extra("cursor")
    return np.zeros((episode.num_steps, 2), np.float32)


def _pose(seen: Observation) -> tuple[float, ...]:
    """x, y, z, pitch, yaw; noughts where they were not recorded."""
    position, view = seen.get("position", np.zeros(3)), seen.get("view", np.zeros(2))
    return (*(float(each) for each in position), *(float(each) for each in view))
