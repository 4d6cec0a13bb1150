"""What a bot sees, what it can do, and how often it decides.

A `BehaviorSpec` is written into every recording, every bundle and every server answer, and compared at every door:
`require_equal` where two must be the same, `require_from` where one side may offer more than the other needs.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from gymnasium import spaces

from understudy.errors import ObservationError, SpecError, SpecMismatchError, suggest

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Observation: TypeAlias = Mapping[str, np.ndarray]
Action: TypeAlias = Mapping[str, np.ndarray]
ActionSpace: TypeAlias = "spaces.Discrete | spaces.MultiBinary | spaces.Box"

FORMAT = 1
_NOTHING = "nothing"
_MOST_VALUES = 1 << 28


@dataclass(frozen=True, eq=False)
class SensorSpec:
    """One named array of the observation.

    Attributes:
        name: The key of this array in an observation.
        space: Shape, dtype and range.
        units: Of the values, such as `"map units"` or `"1"`; empty where they have none.
        privileged: True if a person playing could not perceive it (design decision 5).
        computed: How it is computed, in JSON: the table of ray directions, the crop of a picture.
    """

    name: str
    space: spaces.Box
    units: str = ""
    privileged: bool = False
    computed: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_name("sensor", self.name)
        if not isinstance(self.space, spaces.Box):
            raise SpecError(f"Sensor '{self.name}' needs a gymnasium Box as its space, not {self.space!r}.")

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of this sensor's values."""
        return np.dtype(self.space.dtype)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of one value of this sensor."""
        return tuple(self.space.shape)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "space": _space_to_dict(self.space),
            "units": self.units,
            "privileged": self.privileged,
            "computed": json.loads(json.dumps(self.computed)),
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> SensorSpec:
        """Rebuild from the JSON form."""
        space = _space_from_dict(form["space"])
        if not isinstance(space, spaces.Box):
            raise SpecError(f"Sensor '{form['name']}' has a space of type {form['space']['type']!r}; it must be 'box'.")
        return cls(form["name"], space, form["units"], form["privileged"], form["computed"])


@dataclass(frozen=True, eq=False)
class ActionSpec:
    """One part of the action: a choice, a set of buttons, or bounded numbers.

    Attributes:
        name: The key of this part in an action.
        space: `Discrete` (a choice, from 0), `MultiBinary` (buttons) or a bounded float32 `Box` (numbers).
        units: Of a `Box`, such as `"degrees per decision"`.
        labels: A word for each choice, button or number; may be empty.
    """

    name: str
    space: ActionSpace
    units: str = ""
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_name("action part", self.name)
        if isinstance(self.space, spaces.Box):
            if not self.space.is_bounded() or self.space.dtype != np.float32:
                raise SpecError(f"Action part '{self.name}' needs a bounded float32 Box, not {self.space}.")
        elif isinstance(self.space, spaces.Discrete):
            if self.space.start != 0:
                raise SpecError(f"Action part '{self.name}' must count its choices from 0, not {self.space.start}.")
        elif not isinstance(self.space, spaces.MultiBinary) or not isinstance(self.space.n, (int, np.integer)):
            raise SpecError(f"Action part '{self.name}' must be Discrete, flat MultiBinary or Box, not {self.space!r}.")
        if self.labels and len(self.labels) != self.num_labels:
            raise SpecError(f"Action part '{self.name}' has {len(self.labels)} labels for {self.num_labels} values.")

    @property
    def num_labels(self) -> int:
        """How many words `labels` holds if it holds any."""
        if isinstance(self.space, spaces.Box):
            return math.prod(self.space.shape)
        return int(np.asarray(self.space.n))

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of this part on the wire and on disk: int64, int8 or float32."""
        return np.dtype(self.space.dtype)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of one value of this part."""
        return tuple(self.space.shape or ())

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "space": _space_to_dict(self.space),
            "units": self.units,
            "labels": list(self.labels),
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> ActionSpec:
        """Rebuild from the JSON form."""
        return cls(form["name"], _space_from_dict(form["space"]), form["units"], tuple(form["labels"]))


@dataclass(frozen=True, eq=False)
class BehaviorSpec:
    """What a bot sees, what it can do, and how often it decides.

    Attributes:
        name: Of the behaviour, such as `"doom"`.
        sensors: The arrays of an observation, in order (the order of the wire).
        actions: The parts of an action, in order (the order of the wire).
        decision_hz: Decisions a second of game time.
    """

    name: str
    sensors: tuple[SensorSpec, ...]
    actions: tuple[ActionSpec, ...]
    decision_hz: float

    def __post_init__(self) -> None:
        if not self.sensors or not self.actions:
            raise SpecError(f"Behaviour '{self.name}' needs at least one sensor and one action part.")
        for what, names in (("sensor", self.sensor_names), ("action part", self.action_names)):
            twice = {each for each in names if names.count(each) > 1}
            if twice:
                raise SpecError(f"Behaviour '{self.name}' names the {what} {min(twice)!r} twice.")
        if not (0 < self.decision_hz < math.inf):
            raise SpecError(f"Behaviour '{self.name}' decides at {self.decision_hz} Hz; it must be above 0.")

    @property
    def sensor_names(self) -> tuple[str, ...]:
        """The sensors' names, in order."""
        return tuple(each.name for each in self.sensors)

    @property
    def action_names(self) -> tuple[str, ...]:
        """The action parts' names, in order."""
        return tuple(each.name for each in self.actions)

    @property
    def observation_space(self) -> spaces.Dict:
        """The observation as a gymnasium space."""
        return spaces.Dict({each.name: each.space for each in self.sensors})

    @property
    def action_space(self) -> spaces.Dict:
        """The action as a gymnasium space."""
        return spaces.Dict({each.name: each.space for each in self.actions})

    def sensor(self, name: str) -> SensorSpec:
        """Return the sensor called `name`, or raise `SpecError` with a suggestion."""
        for each in self.sensors:
            if each.name == name:
                return each
        raise SpecError(f"Behaviour '{self.name}' has no sensor '{name}'.{suggest(name, self.sensor_names)}")

    def action(self, name: str) -> ActionSpec:
        """Return the action part called `name`, or raise `SpecError` with a suggestion."""
        for each in self.actions:
            if each.name == name:
                return each
        raise SpecError(f"Behaviour '{self.name}' has no action part '{name}'.{suggest(name, self.action_names)}")

    def select(self, sensors: Sequence[str]) -> BehaviorSpec:
        """Return the same behaviour with only the named sensors, in the order given."""
        return BehaviorSpec(self.name, tuple(self.sensor(each) for each in sensors), self.actions, self.decision_hz)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "format": FORMAT,
            "name": self.name,
            "sensors": [each.to_dict() for each in self.sensors],
            "actions": [each.to_dict() for each in self.actions],
            "decision_hz": float(self.decision_hz),
        }

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> BehaviorSpec:
        """Rebuild from the JSON form; raises `SpecError` if it is not one."""
        try:
            if form["format"] != FORMAT:
                raise SpecError(f"Behaviour spec of format {form['format']!r}; this version reads format {FORMAT}.")
            sensors = tuple(SensorSpec.from_dict(each) for each in form["sensors"])
            actions = tuple(ActionSpec.from_dict(each) for each in form["actions"])
            return cls(form["name"], sensors, actions, form["decision_hz"])
        except SpecError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, AssertionError, OverflowError) as error:
            # gymnasium's spaces assert what they are given.
            raise SpecError(f"Not a behaviour spec: {type(error).__name__} at {error}.") from error

    def to_json(self) -> str:
        """Return the canonical JSON text: the same spec always gives the same text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> BehaviorSpec:
        """Rebuild from JSON text; raises `SpecError` if it is not a spec."""
        try:
            form = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"Not a behaviour spec: {error}.") from error
        return cls.from_dict(form)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON, in hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BehaviorSpec) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def require_equal(self, found: BehaviorSpec, *, expected: str, where: str) -> None:
        """Raise `SpecMismatchError`, naming each difference, unless `found` is this spec.

        Args:
            found: The spec to compare.
            expected: Who holds this spec, such as `"the bundle 'bots/rusher'"`.
            where: Who brought `found`, such as `"the game"`.
        """
        if found is not self:
            _raise_differences(self.to_dict(), found.to_dict(), expected, where)

    def require_from(self, offered: BehaviorSpec, *, expected: str, where: str) -> None:
        """Raise `SpecMismatchError` unless `offered` has each sensor needed here and the very same actions and rate."""
        sensors = tuple(each for each in offered.sensors if each.name in self.sensor_names)
        order = {name: index for index, name in enumerate(self.sensor_names)}
        kept = {**offered.to_dict(), "name": self.name}
        kept["sensors"] = [each.to_dict() for each in sorted(sensors, key=lambda each: order[each.name])]
        _raise_differences(self.to_dict(), kept, expected, where)

    def check_observation(self, observation: Observation, *, rows: int | None = None) -> None:
        """Raise `ObservationError` unless each sensor is there with its shape and dtype, finite and in no other form.

        Args:
            observation: Arrays by sensor name.
            rows: If given, each array has this many rows before its own shape (a batch of bots).
        """
        lead = () if rows is None else (rows,)
        for each in self.sensors:
            if each.name not in observation:
                found = ", ".join(sorted(observation)) or "nothing"
                raise ObservationError(f"Observation lacks '{each.name}'; it has {found}.")
            check_array(f"Sensor '{each.name}'", observation[each.name], (*lead, *each.shape), each.dtype)


def check_array(what: str, array: np.ndarray, shape: tuple[int, ...], dtype: Any) -> None:
    """Raise `ObservationError` unless `array` has `shape` and `dtype` and is finite."""
    if not isinstance(array, (np.ndarray, np.generic)):
        raise ObservationError(f"{what} should be a numpy array, got {type(array).__name__}.")
    if array.shape != shape or array.dtype != dtype:
        raise ObservationError(
            f"{what} should be {np.dtype(dtype)} of shape {shape}, got {array.dtype} of shape {array.shape}."
        )
    # A game's many scalars are checked at every tick; numpy takes ten times as long for one.
    if array.dtype.kind == "f" and not (np.isfinite(array).all() if shape else math.isfinite(array)):
        bad = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ObservationError(f"{what} holds {array[tuple(bad)]} at index {bad}; every value must be finite.")


def _check_name(what: str, name: str) -> None:
    if not (isinstance(name, str) and name.isidentifier()):
        raise SpecError(f"A {what} needs a name of letters, digits and underscores, not {name!r}.")


def _bound(values: np.ndarray) -> Json:
    """A number if all are equal, else nested lists. Infinities are words, since JSON has none."""
    flat = np.unique(values)
    return _encode(values.flat[0].item() if flat.size == 1 else values.tolist())


def _encode(value: Any) -> Any:
    if isinstance(value, list):
        return [_encode(each) for each in value]
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(each) for each in value]
    return float(value) if isinstance(value, str) else value


def _space_to_dict(space: ActionSpace) -> dict[str, Any]:
    if isinstance(space, spaces.Discrete):
        return {"type": "discrete", "n": int(space.n)}
    if isinstance(space, spaces.MultiBinary):
        return {"type": "multi_binary", "n": int(np.asarray(space.n))}
    return {
        "type": "box",
        "shape": list(space.shape),
        "dtype": np.dtype(space.dtype).name,
        "low": _bound(space.low),
        "high": _bound(space.high),
    }


def _space_from_dict(form: Mapping[str, Any]) -> ActionSpace:
    kind = form["type"]
    if kind in ("discrete", "multi_binary"):
        _require_size(form["n"])
        return spaces.Discrete(form["n"]) if kind == "discrete" else spaces.MultiBinary(form["n"])
    if kind != "box":
        raise SpecError(f"Unknown space type {kind!r}.{suggest(kind, ['box', 'discrete', 'multi_binary'])}")
    shape, dtype = tuple(form["shape"]), np.dtype(form["dtype"])
    _require_size(math.prod(shape))
    low, high = (np.broadcast_to(np.asarray(_decode(form[key]), dtype), shape) for key in ("low", "high"))
    return spaces.Box(low, high, shape, dtype.type)


def _require_size(size: int) -> None:
    """Refuse what no game has before memory is taken for it: specs come with files and messages of strangers."""
    if size > _MOST_VALUES:
        raise SpecError(f"A space of {size:,} values is larger than the {_MOST_VALUES:,} allowed.")


def _differences(expected: Any, found: Any, path: str = "") -> list[str]:
    """Each leaf where two JSON forms differ, as `path: expected X, found Y`."""
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for key in [*expected, *(key for key in found if key not in expected)]:
            inner = f"{path}.{key}".lstrip(".")
            lines += _differences(expected.get(key, _NOTHING), found.get(key, _NOTHING), inner)
        return lines
    if isinstance(expected, list) and isinstance(found, list) and _named(expected) and _named(found):
        return _named_differences(expected, found, path)
    return [] if expected == found else [f"{path}: expected {_short(expected)}, found {_short(found)}"]


def _named(items: list[Any]) -> bool:
    return all(isinstance(each, dict) and "name" in each for each in items)


def _named_differences(expected: list[Any], found: list[Any], path: str) -> list[str]:
    ours, theirs = ({each["name"]: each for each in items} for items in (expected, found))
    lines = _differences(ours, theirs, path)
    if not lines and list(ours) != list(theirs):
        lines = [f"{path}: expected the order {', '.join(ours)}, found {', '.join(theirs)}"]
    return lines


def _short(value: Any) -> str:
    text = _NOTHING if value == _NOTHING else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _raise_differences(expected_form: Any, found_form: Any, expected: str, where: str) -> None:
    lines = _differences(expected_form, found_form)
    if lines:
        raise SpecMismatchError(f"The spec of {where} does not match {expected}: {'; '.join(lines)}.")
