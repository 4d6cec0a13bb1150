"""One episode of a data set as blocks of steps: numbers, pictures and what follows each action."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from understudy.errors import RecordingError
from understudy.recordings.formats.guards import MAX_TEXT_BYTES, decode_picture, inside
from understudy.recordings.formats.lerobot.episodes import Entry
from understudy.recordings.formats.lerobot.info import DONE, REWARD, SUCCESS, TRUNCATED, Feature, Info
from understudy.recordings.formats.lerobot.mapping import Meaning
from understudy.recordings.formats.lerobot.steps import StepTable, numbers
from understudy.recordings.formats.lerobot.video import VideoFrames
from understudy.recordings.formats.protocol import Ending, Loss, Rows
from understudy.spec import Observation, SensorSpec

TICK, TIME, EVENTS = "tick", "time_ns", "events"
_PICTURE_STEPS, _STEPS = 64, 256
_BLOCK_BYTES = 64 * 1024 * 1024
_TOLERANCE_S = 1e-4  # LeRobot's own, of a step's time


class EpisodeReader:
    """Reads an episode block by block; the newest is held back, for only then is it known whether it was the last.

    Attributes:
        where: The data set and the episode, for people.
        num_steps: Whole steps so far.
        held: The block held back.
        notes: What was odd, without being a reason to stop.
    """

    def __init__(self, info: Info, entry: Entry, meaning: Meaning, final: Observation | None = None) -> None:
        self.where = f"{info.root}, episode {entry.index}"
        self._final = final
        self.num_steps = 0
        self.held: Rows | None = None
        self.notes: list[Loss] = []
        self._info, self._entry, self._meaning = info, entry, meaning
        self._videos: dict[str, VideoFrames] = {}
        self._late_steps, self._latest_s = 0, 0.0
        self._done = self._truncated = False

    @property
    def columns(self) -> list[str]:
        """The columns to read."""
        used = {each.key for each in self._meaning.sensors.values() if each.dtype != "video"}
        used |= {each.key for each in self._meaning.slots}
        mine = (TICK, TIME, EVENTS) if self._meaning.behavior is self._info.behavior else ()
        return [*sorted(used), "timestamp", REWARD, DONE, TRUNCATED, SUCCESS, *mine]

    @property
    def rows_at_once(self) -> int:
        """Steps in a block, so that it takes some 64 MiB at most."""
        sensors = self._meaning.behavior.sensors
        size = sum(int(np.prod(each.space.shape)) * np.dtype(each.space.dtype).itemsize for each in sensors)
        most = _PICTURE_STEPS if any(each.picture for each in self._meaning.sensors.values()) else _STEPS
        return max(1, min(most, _BLOCK_BYTES // max(1, size)))

    def rows(self, table: StepTable) -> Iterator[Rows]:
        """Yield the steps; raises `RecordingError` at the first that is not whole, with those before it in `held`."""
        try:
            for key, (path, start_s) in self._entry.videos.items():
                if any(each.key == key for each in self._meaning.sensors.values()):
                    shape = self._info.features[key].shape
                    self._videos[key] = VideoFrames(path, start_s, self._info.fps, shape)
            for batch in table.episode(self._entry.index):
                block, problem = self._block(batch)
                if len(block):
                    if self.held is not None:
                        yield self.held
                    self.held = block
                    self.num_steps += len(block)
                if problem:
                    raise RecordingError(problem)
            self._require_length()
            yield self.last_rows()
        finally:
            self._note_times()
            for video in self._videos.values():
                video.close()

    def last_rows(self) -> Rows:
        """The block held back, with how the episode ended; a log that just stops was ended from outside."""
        assert self.held is not None
        terminated = self._done and not (self._truncated and self._info.behavior is None)
        whole = self.num_steps == self._entry.length
        truncated = not whole or not self._done or self._truncated
        ending = Ending(whole and terminated, truncated, self._final if whole else None)
        return replace(self.held, ending=ending)

    def _require_length(self) -> None:
        if self.num_steps != self._entry.length or self.held is None:
            raise RecordingError(
                f"{self._entry.data.name} holds {self.num_steps:,} of its steps; {self._entry.length:,} were announced"
            )

    def _block(self, batch: pa.RecordBatch) -> tuple[Rows, str]:
        """The leading whole steps of a batch, and what is wrong with the one after them."""
        columns: dict[str, np.ndarray] = {}
        count, problem = len(batch), ""
        for sensor in self._meaning.behavior.sensors:
            values, wrong = self._observation(batch, sensor)
            columns[sensor.name] = values
            if len(values) < count:
                count, problem = len(values), wrong
        actions = {}
        for slot in self._meaning.slots:
            feature = self._info.features[slot.key]
            flat = numbers(batch, feature, np.dtype(np.float64)).reshape(len(batch), -1)
            actions[slot.part.name], whole = slot.from_numbers(flat)
            if (first := _first_bad(whole)) < count:
                count, problem = first, f"'{slot.key}' is not of the action part '{slot.part.name}'"
        rows = Rows(
            {name: values[:count] for name, values in columns.items()},
            {name: values[:count] for name, values in actions.items()},
            **self._aftermath(batch.slice(0, count)),
        )
        return rows, f"{problem}, at step {self.num_steps + count}" if problem else ""

    def _observation(self, batch: pa.RecordBatch, sensor: SensorSpec) -> tuple[np.ndarray, str]:
        feature = self._meaning.sensors[sensor.name]
        if feature.picture:
            values, wrong = self._pictures(batch, feature)
            # A grey picture of ours that went through a video has three channels, all but equal.
            channels = sensor.space.shape[2]
            return values if values.shape[3] == channels else values.mean(axis=3, keepdims=True).round().astype(
                np.uint8
            ), wrong
        values = numbers(batch, feature, np.dtype(sensor.space.dtype)).reshape(len(batch), *sensor.space.shape)
        if values.dtype.kind != "f":
            return values, ""
        first = _first_bad(np.isfinite(values).reshape(len(batch), -1).all(axis=1))
        return values[:first], f"'{feature.key}' holds what is no number"

    def _pictures(self, batch: pa.RecordBatch, feature: Feature) -> tuple[np.ndarray, str]:
        if feature.dtype == "video":
            return self._videos[feature.key].read(self.num_steps, len(batch))
        frames = np.empty((len(batch), *feature.shape), np.uint8)
        if batch.schema.get_field_index(feature.key) < 0:
            raise RecordingError(f"there is no column '{feature.key}'")
        for row, cell in enumerate(batch.column(feature.key)):
            try:
                picture = decode_picture(self._picture_bytes(cell.as_py()), f"'{feature.key}'")
                frames[row] = _fit(picture, feature)
            except (RecordingError, OSError) as error:
                return frames[:row], str(error).rstrip(".")
        return frames, ""

    def _picture_bytes(self, cell: Any) -> bytes:
        """A picture in the table itself, or in a file that the table names."""
        cell = {"bytes": cell} if isinstance(cell, bytes) else cell
        if not isinstance(cell, dict):
            raise RecordingError("there is no picture")
        data = cell.get("bytes")
        if data is None and isinstance(cell.get("path"), str):
            file = inside(self._info.root, cell["path"])
            if not file.is_file() or file.stat().st_size > MAX_TEXT_BYTES:
                raise RecordingError(f"the picture {file} is not there, or too large")
            data = file.read_bytes()
        return data if isinstance(data, bytes) else b""

    def _aftermath(self, batch: pa.RecordBatch) -> dict[str, Any]:
        """Rewards, ticks, times and events of whole steps; remembers how the last of them ended."""
        flags = {key: self._plain(batch, key, np.bool_) for key in (DONE, TRUNCATED, SUCCESS)}
        if len(batch):
            self._done, self._truncated = (_last(flags[key]) for key in (DONE, TRUNCATED))
        return {
            "rewards": self._plain(batch, REWARD, np.float32),
            "ticks": self._plain(batch, TICK, np.int64),
            "times_ns": self._times(batch),
            "events": self._events(batch, flags[SUCCESS]),
        }

    def _plain(self, batch: pa.RecordBatch, key: str, dtype: type) -> np.ndarray | None:
        if batch.schema.get_field_index(key) < 0:
            return None
        column = batch.column(key)
        if pa.types.is_boolean(column.type):
            column = column.fill_null(False)
        shape = (1,)
        return numbers(
            batch.set_column(batch.schema.get_field_index(key), key, column), Feature(key, "", shape), np.dtype(dtype)
        )[:, 0]

    def _times(self, batch: pa.RecordBatch) -> np.ndarray:
        """Nanoseconds of each step: those of the recording exported, or else its time in the data set."""
        exact = self._plain(batch, TIME, np.int64)
        if exact is not None:
            return exact
        due = (self.num_steps + np.arange(len(batch))) / self._info.fps
        found = self._plain(batch, "timestamp", np.float64)
        found = due if found is None else np.where(np.isfinite(found) & (np.abs(found) < 1e9), found, due)
        late = np.abs(found - due)
        self._late_steps += int((late > _TOLERANCE_S).sum())
        self._latest_s = max(self._latest_s, float(late.max(initial=0.0)))
        return np.round(np.where(late > _TOLERANCE_S, found, due) * 1e9).astype(np.int64)

    def _events(self, batch: pa.RecordBatch, success: np.ndarray | None) -> list[list[str]] | None:
        if batch.schema.get_field_index(EVENTS) >= 0:
            return [_words(cell.as_py()) for cell in batch.column(EVENTS)]
        return None if success is None else [["success"] if each else [] for each in success]

    def _note_times(self) -> None:
        if self._late_steps:
            what = (
                f"the times of {self._late_steps:,} steps are off the frame rate, by up to {self._latest_s * 1e3:.3g} "
                "ms; they are kept, and pictures are taken by the steps' numbers"
            )
            self.notes.append(Loss(self.where, what))


def _fit(picture: np.ndarray, feature: Feature) -> np.ndarray:
    """A picture with the channels announced; raises `RecordingError` if it is of another size."""
    if picture.shape[2] == 1 and feature.shape[2] == 3:
        picture = np.repeat(picture, 3, axis=2)
    if picture.shape != feature.shape:
        raise RecordingError(f"'{feature.key}' is {picture.shape}, where {feature.shape} was announced")
    return picture


def _words(text: Any) -> list[str]:
    try:
        words = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return []
    return [each for each in words if isinstance(each, str)] if isinstance(words, list) else []


def _last(flags: np.ndarray | None) -> bool:
    return flags is not None and bool(flags[-1])


def _first_bad(whole: np.ndarray) -> int:
    return len(whole) if whole.all() else int(np.argmin(whole))
