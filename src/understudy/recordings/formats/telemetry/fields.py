"""The parts of a mapping: the clock, and what columns become a sensor, an action part, a reward or an event."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
from gymnasium import spaces
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from understudy.errors import SpecError
from understudy.spec import ActionSpec, SensorSpec

Missing = Literal["hold", "zero", "drop", "error"]
Bound = float | tuple[float, ...] | None
_DTYPES = Literal[
    "float32", "float64", "float16", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"
]


def as_word(value: Any) -> str:
    """Write a value as the tables do, so that YAML's `true` and `3` mean the cells `true` and `3`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


Word = Annotated[str, BeforeValidator(as_word)]
Column = Annotated[Word, Field(min_length=1)]


class MapPart(BaseModel):
    """A part of the mapping, in which a key that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ClockMap(MapPart):
    """The column that says when."""

    column: Column
    unit: Literal["s", "ms", "us", "ns", "iso"] = Field(description="of its numbers; iso for dates in ISO 8601")
    timezone: str = Field("UTC", description="of dates that name none, such as Europe/Berlin")


def sensor_key(name: str) -> str:
    """The key of a sensor among all that a row holds."""
    return f"sensor {name}"


def action_key(name: str) -> str:
    """The key of an action part likewise."""
    return f"action {name}"


class _Field(MapPart):
    name: str
    missing: Missing | None = Field(None, description="instead of the table's own rule")

    @property
    def key(self) -> str:
        """What tells it apart: a sensor and an action part may have the same name."""
        return action_key(self.name)

    @property
    @abstractmethod
    def inputs(self) -> tuple[str, ...]:
        """The columns, in order."""

    @property
    def empty(self) -> Missing:
        """What a missing value is without a rule."""
        return "hold"


class SensorMap(_Field):
    """Columns that become one sensor."""

    columns: tuple[Column, ...] = Field(min_length=1)
    shape: tuple[int, ...] | None = Field(None, description="by default one dimension with all columns")
    units: str = ""
    dtype: _DTYPES = "float32"
    low: Bound = None
    high: Bound = None
    resample: Literal["last", "mean", "sum", "any"] = "last"
    privileged: bool = Field(False, description="a person playing could not perceive it")

    @property
    def key(self) -> str:
        """What tells it apart."""
        return sensor_key(self.name)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.columns

    @property
    def empty(self) -> Missing:
        """What a missing value is without a rule."""
        return "zero" if self.resample in ("sum", "any") else "hold"

    def spec(self) -> SensorSpec:
        """The sensor."""
        shape, dtype = _shape(self.name, self.shape, self.columns), np.dtype(self.dtype)
        info: Any = np.iinfo(dtype) if dtype.kind in "iu" else None
        low = _bound(self.low, info.min if info else -math.inf, shape, dtype)
        high = _bound(self.high, info.max if info else math.inf, shape, dtype)
        return SensorSpec(self.name, spaces.Box(low, high, shape, dtype.type), self.units, self.privileged)


class ButtonsMap(_Field):
    """Columns of 0 and 1, or of true and false, that become a set of buttons."""

    kind: Literal["buttons"]
    columns: tuple[Column, ...] = Field(min_length=1)
    labels: tuple[Word, ...] = ()
    resample: Literal["any", "last"] = "any"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.columns

    @property
    def empty(self) -> Missing:
        """What a missing value is without a rule."""
        return "zero"

    def spec(self) -> ActionSpec:
        """The action part."""
        return ActionSpec(self.name, spaces.MultiBinary(len(self.columns)), labels=self.labels or self.columns)


class ChoiceMap(_Field):
    """A column whose words become the choices, in the order of `values`."""

    kind: Literal["choice"]
    column: Column
    values: tuple[Word, ...] = Field(min_length=1)
    labels: tuple[Word, ...] = ()
    resample: Literal["last"] = "last"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    def spec(self) -> ActionSpec:
        """The action part."""
        return ActionSpec(self.name, spaces.Discrete(len(self.values)), labels=self.labels or self.values)


class AxesMap(_Field):
    """Columns that become bounded numbers."""

    kind: Literal["axes"]
    columns: tuple[Column, ...] = Field(min_length=1)
    shape: tuple[int, ...] | None = None
    low: float | tuple[float, ...]
    high: float | tuple[float, ...]
    units: str = ""
    labels: tuple[Word, ...] = ()
    resample: Literal["last", "mean", "sum"] = "last"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.columns

    @property
    def empty(self) -> Missing:
        """What a missing value is without a rule."""
        return "zero" if self.resample == "sum" else "hold"

    def spec(self) -> ActionSpec:
        """The action part."""
        shape = _shape(self.name, self.shape, self.columns)
        low, high = (_bound(each, 0.0, shape, np.dtype(np.float32)) for each in (self.low, self.high))
        return ActionSpec(self.name, spaces.Box(low, high, shape, np.float32), self.units, self.labels)


ActionMap = Annotated[ButtonsMap | ChoiceMap | AxesMap, Field(discriminator="kind")]


class RewardMap(MapPart):
    """The column of the reward that followed."""

    column: Column
    resample: Literal["sum", "last"] = "sum"


class EventMap(MapPart):
    """A column of events: its own words, or one word wherever it is true."""

    column: Column
    word: str | None = Field(None, description="said where the column is true or not 0; else its own words are taken")
    separator: str = Field("|", min_length=1, description="between the words of one cell")


def _shape(name: str, shape: tuple[int, ...] | None, columns: tuple[str, ...]) -> tuple[int, ...]:
    shape = (len(columns),) if shape is None else shape
    if math.prod(shape) != len(columns) or min(shape, default=1) < 1:
        raise SpecError(f"'{name}' has {len(columns)} columns, which do not fill the shape {list(shape)}.")
    return shape


def _bound(value: Bound, default: float, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    given = np.asarray(default if value is None else value)
    if given.ndim and given.size != math.prod(shape):
        raise SpecError(f"{given.size} bounds are given for {math.prod(shape)} values.")
    return (given.reshape(shape) if given.ndim else np.full(shape, given)).astype(dtype)
