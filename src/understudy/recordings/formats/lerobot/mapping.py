"""How a data set's features and a behaviour's sensors and action parts stand for each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.formats.lerobot.info import Feature, Info, safe_name
from understudy.recordings.layout import sensor_column
from understudy.spec import ActionSpec, BehaviorSpec, SensorSpec

ACTION = "action"
_MAX_CHOICES = 1024  # of an integer action that says nothing of its range


@dataclass(frozen=True)
class Slot:
    """Where an action part lies in a feature: `width` numbers from `start`, laid out as `how` says.

    `how` is `"one_hot"` or `"index"` for a choice, `"bits"` for buttons and `"numbers"` for numbers.
    """

    part: ActionSpec
    key: str
    start: int
    width: int
    how: str

    def to_numbers(self, values: np.ndarray) -> np.ndarray:
        """Lay values of shape (n, *part shape) out as float32 of shape (n, width)."""
        if self.how == "one_hot":
            return np.eye(self.width, dtype=np.float32)[values]
        return np.asarray(values, np.float32).reshape(len(values), self.width)

    def from_numbers(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read rows of the whole feature, shape (n, width of the feature), back.

        Returns:
            The values, shape (n, *part shape), and whether each row can be one, bool, shape (n,).
        """
        numbers = rows[:, self.start : self.start + self.width]
        if self.how == "one_hot":
            whole = ((numbers == 0) | (numbers == 1)).all(axis=1) & (numbers.sum(axis=1) == 1)
            values = numbers.argmax(axis=1)
        elif self.how == "index":
            whole = (numbers[:, 0] >= 0) & (numbers[:, 0] < self.part.num_labels) & (numbers[:, 0] % 1 == 0)
            values = np.where(whole, numbers[:, 0], 0)
        else:
            whole = ((numbers == 0) | (numbers == 1)).all(axis=1) if self.how == "bits" else _finite(numbers)
            values = np.where(whole[:, None], numbers, 0)
        return values.astype(self.part.dtype).reshape(len(rows), *self.part.shape), whole

    @property
    def names(self) -> list[str]:
        """A word for each number: the part's name, with the label or place where there are several."""
        part = self.part
        if self.width == 1:
            return [part.name]
        return [f"{part.name}.{part.labels[at] if part.labels else at}" for at in range(self.width)]


@dataclass(frozen=True)
class Meaning:
    """What the features of a data set are taken for.

    Attributes:
        behavior: Sensors, parts and rate.
        sensors: By sensor name, its feature.
        slots: Where each action part lies.
        left_out: Features that are nothing of this.
    """

    behavior: BehaviorSpec
    sensors: Mapping[str, Feature]
    slots: tuple[Slot, ...]
    left_out: tuple[str, ...] = field(default=())


def sensor_keys(behavior: BehaviorSpec) -> dict[str, str]:
    """By sensor, the feature an export writes it to; a lone vector gets the name that LeRobot's policies look for."""
    vectors = [each for each in behavior.sensors if not sensor_column(each).picture]
    keys = {}
    for each in behavior.sensors:
        if sensor_column(each).picture:
            keys[each.name] = f"observation.images.{each.name}"
        else:
            keys[each.name] = "observation.state" if len(vectors) == 1 else f"observation.{each.name}"
    return keys


def action_slots(behavior: BehaviorSpec, discrete: str) -> tuple[Slot, ...]:
    """Lay all parts out in one vector, in their order; `discrete` is `"one_hot"` or `"index"`."""
    slots: list[Slot] = []
    for part in behavior.actions:
        start = slots[-1].start + slots[-1].width if slots else 0
        if isinstance(part.space, spaces.Discrete):
            slots.append(Slot(part, ACTION, start, part.num_labels if discrete == "one_hot" else 1, discrete))
        else:
            how = "bits" if isinstance(part.space, spaces.MultiBinary) else "numbers"
            slots.append(Slot(part, ACTION, start, part.num_labels, how))
    return tuple(slots)


def find_meaning(info: Info, name: str, bounds: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Meaning:
    """Take a data set's features for sensors and action parts.

    Args:
        info: What the data set says of itself.
        name: For the behaviour, if the data set holds none of ours.
        bounds: By action feature, the least and greatest of each number in the data.

    Raises:
        RecordingError: If it holds nothing to see, or nothing done.
    """
    ours = _our_meaning(info)
    if ours is not None:
        return ours
    seen = {
        key: feature for key, feature in info.features.items() if key.startswith("observation") and _usable(feature)
    }
    sensors = {word: seen[key] for key, word in _identifiers(seen).items()}
    done = action_features(info)
    slots = tuple(_foreign_slot(word, done[key], bounds) for key, word in _identifiers(done).items())
    if not sensors or not slots:
        what = "nothing that was seen (observation.*)" if not sensors else "no action"
        raise RecordingError(f"{info.root} holds {what}; it has {', '.join(info.features) or 'no feature'}.")
    behavior = BehaviorSpec(
        safe_name(name, "lerobot"),
        tuple(_foreign_sensor(word, feature) for word, feature in sensors.items()),
        tuple(slot.part for slot in slots),
        info.fps,
    )
    used = {feature.key for feature in (*sensors.values(), *done.values())}
    return Meaning(behavior, sensors, slots, tuple(key for key in info.features if key not in used))


def action_features(info: Info) -> dict[str, Feature]:
    """The features that say what was done."""
    return {
        key: feature
        for key, feature in info.features.items()
        if (key == ACTION or key.startswith(f"{ACTION}.")) and feature.numbers is not None
    }


def _our_meaning(info: Info) -> Meaning | None:
    """What an export of ours says of itself, if the features are as it would have written them."""
    if info.behavior is None or info.behavior.decision_hz != info.fps:
        return None
    sensors = {name: info.features.get(key) for name, key in sensor_keys(info.behavior).items()}
    slots = action_slots(info.behavior, info.discrete)
    action = info.features.get(ACTION)
    fits = all(_holds(sensors[each.name], each) for each in info.behavior.sensors)
    if not fits or action is None or action.shape != (slots[-1].start + slots[-1].width,):
        return None
    return Meaning(info.behavior, {name: each for name, each in sensors.items() if each is not None}, slots)


def _holds(feature: Feature | None, sensor: SensorSpec) -> bool:
    if feature is None:
        return False
    column = sensor_column(sensor)
    if column.picture or feature.picture:
        # A grey picture goes into a video in three channels.
        same = feature.shape[:2] == column.shape[:2] and feature.shape[2] >= column.shape[2]
        return column.picture and feature.picture and same
    return feature.numbers == column.dtype and feature.shape == (max(1, int(np.prod(column.shape))),)


def _usable(feature: Feature) -> bool:
    return feature.picture or feature.numbers is not None


def _identifiers(keys: Iterable[str]) -> dict[str, str]:
    """A Python identifier for each feature: the last words of its name, as many as tell them apart."""
    words: dict[str, str] = {}
    for key in keys:
        short = re.sub(r"^(observation\.images?\.|observation\.|action\.)", "", key)
        word = re.sub(r"\W+", "_", short).strip("_") or "feature"
        word = word if word.isidentifier() else f"_{word}"
        while word in words.values():
            word = f"{word}_"
        words[key] = word
    return words


def _foreign_sensor(name: str, feature: Feature) -> SensorSpec:
    computed: dict[str, Any] = {"lerobot": feature.key}
    if feature.picture:
        return SensorSpec(name, spaces.Box(0, 255, feature.shape, np.uint8), computed=computed)
    if feature.names:
        computed["names"] = list(feature.names)
    dtype = feature.numbers if feature.numbers is not None and feature.numbers.kind != "b" else np.dtype(np.uint8)
    low, high = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return SensorSpec(name, spaces.Box(low, high, feature.shape, dtype.type), computed=computed)


def _foreign_slot(name: str, feature: Feature, bounds: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Slot:
    """Booleans are buttons, one whole number is a choice, all else numbers within what the data reaches."""
    width = int(np.prod(feature.shape))
    ones = (-np.ones(width), np.ones(width))
    low, high = bounds.get(feature.key, ones)
    kind = feature.numbers.kind if feature.numbers is not None else "f"
    if kind == "b":
        return Slot(ActionSpec(name, spaces.MultiBinary(width), labels=feature.names), feature.key, 0, width, "bits")
    if kind in "iu" and width == 1 and low[0] >= 0 and high[0] < _MAX_CHOICES:
        return Slot(ActionSpec(name, spaces.Discrete(int(high[0]) + 1)), feature.key, 0, 1, "index")
    high = np.where(low == high, low + 1, high)  # a number that never moved still needs room
    box = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
    return Slot(ActionSpec(name, box, labels=feature.names), feature.key, 0, width, "numbers")


def _finite(numbers: np.ndarray) -> np.ndarray:
    return np.isfinite(numbers).all(axis=1)
