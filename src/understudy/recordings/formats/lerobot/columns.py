"""The columns of an export: how each sensor, action part and consequence of a step lies in LeRobot's tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from understudy.recordings.formats.lerobot.info import DONE, PLAIN, REWARD, TRUNCATED
from understudy.recordings.formats.lerobot.mapping import ACTION, action_slots, sensor_keys
from understudy.recordings.formats.lerobot.stats import NumberStats, PictureStats
from understudy.recordings.layout import encode_png, sensor_column
from understudy.recordings.reader import Episode
from understudy.spec import SensorSpec

_PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_PICTURE_NAMES = ["height", "width", "channels"]
TICK, TIME, EVENTS = "tick", "time_ns", "events"


class StepColumns:
    """Lays blocks of steps out as tables.

    Args:
        episodes: All that will be written, of one behaviour.
        as_video: Whether pictures go into videos instead of the table.
        discrete: How choices lie in the action vector.

    Attributes:
        features: By key, as in `info.json`.
        videos: By key of a video, its pictures' shape.
        stats_kinds: By key, what its statistics are taken by.
        schema: Of the tables.
    """

    def __init__(self, episodes: Sequence[Episode], as_video: bool, discrete: str) -> None:
        behavior = episodes[0].behavior
        self._behavior, self._keys = behavior, sensor_keys(behavior)
        self._slots = action_slots(behavior, discrete)
        self._rewarded = any(not np.isnan(each.reward).all() for each in episodes)
        self._eventful = any(any(each.events) for each in episodes)
        self.videos: dict[str, tuple[int, ...]] = {}
        self.features: dict[str, dict[str, Any]] = {}
        self._fields: list[tuple[str, pa.DataType]] = []
        for sensor in behavior.sensors:
            self._add_sensor(sensor, as_video)
        self._add_numbers(ACTION, np.dtype(np.float32), [name for each in self._slots for name in each.names])
        self._add_aftermath()
        self.schema = pa.schema(self._fields)
        self.stats_kinds: dict[str, type[NumberStats] | type[PictureStats]] = {
            key: PictureStats if form["dtype"] in ("image", "video") else NumberStats
            for key, form in self.features.items()
            if form["dtype"] != "string"
        }

    def new_stats(self, num_steps: int) -> dict[str, NumberStats | PictureStats]:
        """Statistics for an episode of so many steps, still empty."""
        return {key: kind(num_steps) for key, kind in self.stats_kinds.items()}

    def aftermath(self, episode: Episode, index: int, start: int, task: int) -> dict[str, np.ndarray]:
        """All of an episode but what was seen and done, by key, an element a step.

        Args:
            episode: Whose.
            index: Its number.
            start: Steps in all episodes before it.
            task: The number of its task.
        """
        steps = np.arange(episode.num_steps)
        last = steps == episode.num_steps - 1
        found = {
            REWARD: episode.reward,
            DONE: last & episode.terminated,
            TRUNCATED: last & episode.truncated,
            TICK: episode.tick,
            TIME: episode.time_ns,
            "timestamp": steps / self._behavior.decision_hz,
            "frame_index": steps,
            "episode_index": np.full(len(steps), index),
            "index": start + steps,
            "task_index": np.full(len(steps), task),
        }
        if self._eventful:
            found[EVENTS] = np.array([json.dumps(words) for words in episode.events], object)
        return {key: values for key, values in found.items() if key in self.features}

    def block(
        self,
        episode: Episode,
        rows: slice,
        aftermath: Mapping[str, np.ndarray],
        stats: Mapping[str, NumberStats | PictureStats],
    ) -> tuple[pa.Table, dict[str, np.ndarray]]:
        """Lay steps of an episode out, and add them to its statistics.

        Returns:
            Their table, and the pictures of each video, uint8, shape (n, height, width, channels).
        """
        numbers = {key: values[rows] for key, values in aftermath.items()}
        numbers[ACTION] = np.concatenate([s.to_numbers(episode.action(s.part.name, rows)) for s in self._slots], axis=1)
        columns: dict[str, pa.Array] = {}
        frames: dict[str, np.ndarray] = {}
        for sensor in self._behavior.sensors:
            key, values = self._keys[sensor.name], episode.observation(sensor.name, rows)
            if key in self.videos:
                frames[key] = values
                stats[key].update(np.repeat(values, 3, axis=3) if values.shape[3] == 1 else values)
            elif self.features[key]["dtype"] == "image":
                stats[key].update(values)
                columns[key] = pa.array([{"bytes": encode_png(each), "path": None} for each in values], _PICTURE)
            else:
                numbers[key] = values
        for key, values in numbers.items():
            if key in stats:
                stats[key].update(values.reshape(len(values), -1))
            columns[key] = self._column(key, values)
        return pa.table([columns[name] for name in self.schema.names], schema=self.schema), frames

    def _column(self, key: str, values: np.ndarray) -> pa.Array:
        kind = self.schema.field(key).type
        flat = np.ascontiguousarray(values).reshape(-1)
        if pa.types.is_fixed_size_list(kind):
            return pa.FixedSizeListArray.from_arrays(pa.array(flat, kind.value_type), type=kind)
        return pa.array(flat, kind) if flat.dtype == object else pa.array(flat.astype(kind.to_pandas_dtype()), kind)

    def _add_sensor(self, sensor: SensorSpec, as_video: bool) -> None:
        key, column = self._keys[sensor.name], sensor_column(sensor)
        if column.picture and as_video:
            # Decoders give three channels, whatever was put in.
            self.videos[key] = column.shape
            self._add_feature(key, "video", (*column.shape[:2], 3), _PICTURE_NAMES)
        elif column.picture:
            self._add_feature(key, "image", column.shape, _PICTURE_NAMES)
            self._fields.append((key, _PICTURE))
        else:
            width = int(np.prod(column.shape))
            names = [f"{sensor.name}_{at}" for at in range(width)] if width > 1 else [sensor.name]
            self._add_numbers(key, column.dtype, names)

    def _add_aftermath(self) -> None:
        if self._rewarded:
            self._add_numbers(REWARD, np.dtype(np.float32))
        for key in (DONE, TRUNCATED):
            self._add_numbers(key, np.dtype(np.bool_))
        for key in (TICK, TIME):
            self._add_numbers(key, np.dtype(np.int64))
        if self._eventful:
            self._add_feature(EVENTS, "string", (1,), None)
            self._fields.append((EVENTS, pa.string()))
        for key in PLAIN:
            self._add_numbers(key, np.dtype(np.float32 if key == "timestamp" else np.int64))

    def _add_numbers(self, key: str, dtype: np.dtype[Any], names: list[str] | None = None) -> None:
        """Add a feature of numbers; one alone is a plain value, for so LeRobot reads the shape (1,)."""
        width = len(names) if names else 1
        self._add_feature(key, dtype.name, (width,), names)
        item = pa.from_numpy_dtype(dtype)
        self._fields.append((key, item if width == 1 else pa.list_(item, width)))

    def _add_feature(self, key: str, dtype: str, shape: tuple[int, ...], names: list[str] | None) -> None:
        self.features[key] = {"dtype": dtype, "shape": list(shape), "names": names}
