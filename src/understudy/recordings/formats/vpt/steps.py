"""The steps of one VPT log: frames and lines side by side, a few dozen at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from understudy.errors import RecordingError
from understudy.recordings.formats.protocol import Ending, ImportOptions, Loss, Rows
from understudy.recordings.formats.vpt.behavior import BUTTONS
from understudy.recordings.formats.vpt.cursor import draw_cursor
from understudy.recordings.formats.vpt.inputs import InputReader, Inputs
from understudy.recordings.formats.vpt.lines import Line, LineReader
from understudy.recordings.formats.vpt.metadata import Export
from understudy.recordings.video import VideoReader
from understudy.spec import BehaviorSpec

if TYPE_CHECKING:
    from understudy.recordings.formats.vpt.importer import VptSettings

_CHUNK = 64
_CHUNK_BYTES = 1 << 25
_ESC = BUTTONS.index("ESC")


class Steps:
    """Iterates over the steps of a log as `Rows`, and notes what was lost.

    Args:
        lines: The file of inputs.
        video: The frames; closed once they are read.
        behavior: What the rows are of; a part of `minecraft(...)`.
        settings: Of the importer.
        options: What the user asked for.
        gui_scale: What mouse motion is multiplied by while a GUI is open.
        export: What is known of it if Understudy exported it; its cursor is in the frames already.
        losses: Where losses are added.
    """

    def __init__(
        self,
        lines: Path,
        video: VideoReader,
        behavior: BehaviorSpec,
        settings: VptSettings,
        options: ImportOptions,
        gui_scale: float,
        export: Export | None,
        losses: list[Loss],
    ) -> None:
        self._lines, self._video, self._behavior, self._settings = lines, video, behavior, settings
        self._salvage, self._export, self._losses = options.salvage, export, losses
        self._inputs = InputReader(
            gui_scale=gui_scale, esc_as_inventory=settings.esc_as_inventory, keep_text=options.keep_text
        )
        self._size = behavior.sensor("frame").space.shape[:2]
        self._whole = True
        self._ended_by_player = False

    def __iter__(self) -> Iterator[Rows]:
        with self._video, LineReader(self._lines) as lines:
            frames = iter(self._video)
            chunk = _Chunk(self._behavior)
            for line, frame in self._pairs(lines, frames):
                inputs = self._inputs.read(line)
                self._ended_by_player = bool(inputs.buttons[_ESC]) and not line.gui
                if self._settings.drop_null and inputs.null:
                    continue
                # The newest row is held back, for the last rows carry the ending.
                if chunk.is_full:
                    yield chunk.rows(None)
                    chunk = _Chunk(self._behavior)
                chunk.add(line, inputs, self._picture(frame, line))
            ending = self._ending(frames)
            if len(chunk):
                yield chunk.rows(ending)

    def _pairs(self, lines: LineReader, frames: Iterator[np.ndarray]) -> Iterator[tuple[Line, np.ndarray]]:
        """Yield each line with its frame, and say what is left of either when the other ends."""
        video = self._video
        for line in lines:
            frame = next(frames, None)
            if frame is None:
                why = video.damage or "the video ends before the log"
                self._lose(f"{video.path}, frame {lines.count}", why, 1 + lines.count_rest())
                return
            yield line, frame
        if lines.damage:
            self._lose(str(self._lines), lines.damage, 1 + lines.count_rest())
        elif video.num_frames > lines.count + self._has_final:
            left = video.num_frames - lines.count - self._has_final
            self._lose(str(video.path), f"{left} frames after the last line have no inputs", 0)

    def _lose(self, where: str, what: str, steps: int) -> None:
        self._whole = False
        if not self._salvage and steps:
            raise RecordingError(f"{where}: {what}. Import without --strict to take what is whole before it.")
        self._losses.append(Loss(where, what, steps))

    @property
    def _has_final(self) -> bool:
        return self._export is not None and self._export.final_pose is not None

    def _picture(self, frame: np.ndarray, line: Line | None) -> np.ndarray:
        """The frame as the sensor has it. VPT: never resized by anything but bilinear interpolation, cursor first."""
        if line and line.gui and self._export is None:
            draw_cursor(frame, *line.cursor)
        if frame.shape[:2] == self._size:
            return frame
        return np.asarray(cv2.resize(frame, (self._size[1], self._size[0]), interpolation=cv2.INTER_LINEAR))

    def _ending(self, frames: Iterator[np.ndarray]) -> Ending:
        """How it ended: as the export says; else by the player, who left with ESC, or where the segment was cut."""
        if not self._whole:
            return Ending(truncated=True)
        if self._export is None:
            return Ending(terminated=self._ended_by_player, truncated=not self._ended_by_player)
        frame = next(frames, None) if self._has_final else None
        final = None
        if frame is not None and self._export.final_pose is not None:
            values: dict[str, np.ndarray] = {
                "frame": self._picture(frame, None),
                **_pose_arrays(self._export.final_pose),
            }
            final = {name: values[name] for name in self._behavior.sensor_names}
        return Ending(self._export.terminated, self._export.truncated, final)


class _Chunk:
    """Some steps as lists, until they are `Rows`."""

    def __init__(self, behavior: BehaviorSpec) -> None:
        self._behavior = behavior
        shape = behavior.sensor("frame").space.shape
        length = min(_CHUNK, max(1, _CHUNK_BYTES // math.prod(shape)))
        self._frames = np.empty((length, *shape), np.uint8)
        self._lines: list[Line] = []
        self._inputs: list[Inputs] = []

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def is_full(self) -> bool:
        """Whether no further step fits."""
        return len(self) == len(self._frames)

    def add(self, line: Line, inputs: Inputs, frame: np.ndarray) -> None:
        """Add a step."""
        self._frames[len(self)] = frame
        self._lines.append(line)
        self._inputs.append(inputs)

    def rows(self, ending: Ending | None) -> Rows:
        """Return the steps as columns."""
        lines, inputs = self._lines, self._inputs
        sensors: dict[str, np.ndarray] = {"frame": self._frames[: len(self)], **self._poses()}
        actions: dict[str, np.ndarray] = {
            "camera": np.array([each.camera for each in inputs], np.float32),
            "buttons": np.array([each.buttons for each in inputs], np.int8),
            "hotbar": np.array([each.slot for each in inputs], np.int64),
        }
        return Rows(
            {name: sensors[name] for name in self._behavior.sensor_names},
            {name: actions[name] for name in self._behavior.action_names},
            rewards=np.array([line.ours.get("reward", np.nan) for line in lines], np.float32),
            events=[each.events for each in inputs],
            ticks=_counts([line.tick for line in lines]),
            times_ns=_counts([_time_ns(line) for line in lines]),
            extras={"cursor": np.array([line.cursor for line in lines], np.float32)},
            ending=ending,
        )

    def _poses(self) -> dict[str, np.ndarray]:
        if "position" not in self._behavior.sensor_names and "view" not in self._behavior.sensor_names:
            return {}
        poses = np.array([line.pose for line in self._lines], np.float32)
        return {"position": poses[:, :3], "view": poses[:, 3:]}


def _pose_arrays(pose: tuple[float, ...]) -> dict[str, np.ndarray]:
    return {"position": np.array(pose[:3], np.float32), "view": np.array(pose[3:], np.float32)}


def _counts(values: list[int | None]) -> np.ndarray | None:
    return None if any(value is None for value in values) else np.array(values, np.int64)


def _time_ns(line: Line) -> int | None:
    return line.ours.get("time_ns", None if line.milli is None else line.milli * 1_000_000)
