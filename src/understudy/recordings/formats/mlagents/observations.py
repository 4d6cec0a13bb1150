"""From what an agent observed to sensors: pictures as levels, everything else as the game's own numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from understudy.errors import RecordingError
from understudy.recordings.formats.mlagents import demo_pb2 as pb
from understudy.recordings.formats.mlagents.framing import DamageError
from understudy.recordings.formats.mlagents.names import distinct, identifier
from understudy.recordings.formats.mlagents.pictures import decode_pictures, picture_shape
from understudy.spec import Json, SensorSpec

MAX_RANK = 8
_VARIABLE_SIZE = 4


@dataclass(frozen=True)
class ObservationReader:
    """Reads one sensor.

    Attributes:
        index: Of the observation among an agent's.
        shape: Of the observation, as the file gives it; it must stay.
        sensor: To fill.
        picture: Its shape (height, width, channels) if it is one, else None.
    """

    index: int
    shape: tuple[int, ...]
    sensor: SensorSpec
    picture: tuple[int, int, int] | None

    def fits(self, sensor: SensorSpec) -> bool:
        """Whether another sensor could be read from the same observation."""
        if self.picture is not None:
            return is_picture(sensor) and sensor.space.shape == self.picture
        return not is_picture(sensor) and math.prod(sensor.space.shape) == math.prod(self.shape)

    def read(self, info: pb.AgentInfoProto) -> np.ndarray:
        """Return what an agent observed, of the sensor's shape and dtype; raises `DamageError` if it does not fit."""
        try:
            values = self._values(info)
        except RecordingError as error:
            raise DamageError(f"observation {self.index} ('{self.sensor.name}'): {error}".rstrip(".")) from error
        return values.reshape(self.sensor.space.shape)

    def _values(self, info: pb.AgentInfoProto) -> np.ndarray:
        if self.index >= len(info.observations):
            raise DamageError(f"the agent has only {len(info.observations)} observations")
        observation = info.observations[self.index]
        if tuple(observation.shape) != self.shape:
            raise DamageError(f"its shape is {tuple(observation.shape[:MAX_RANK])}, and was {self.shape} before")
        if (observation.compression_type == pb.PNG) != (self.picture is not None):
            raise DamageError("it is compressed now and was not before, or the other way round")
        if self.picture is None:
            return _cast(_floats(observation, self.shape), self.sensor.space.dtype)
        if picture_shape(observation) != self.picture:
            raise DamageError("its picture has another size than before")
        return decode_pictures(observation, self.picture)


def readers(observations: Sequence[pb.ObservationProto]) -> list[ObservationReader]:
    """Return a reader for each observation that holds numbers, with a sensor as the file describes it.

    Args:
        observations: Of any agent of the file; the others observe alike.

    Raises:
        DamageError: If one is wrong in itself.
    """
    names = distinct([identifier(each.name) or f"obs_{index}" for index, each in enumerate(observations)])
    found = [_reader(index, each, name) for index, (each, name) in enumerate(zip(observations, names, strict=True))]
    kept = [each for each in found if math.prod(each.sensor.space.shape)]
    if not kept:
        raise DamageError("its agents observe nothing, or ML-Agents no longer reads files of that age either")
    return kept


def is_picture(sensor: SensorSpec) -> bool:
    """Whether a sensor is kept as PNG: uint8 of three dimensions, (height, width, channels)."""
    return sensor.space.dtype == np.uint8 and len(sensor.space.shape) == 3


def _reader(index: int, observation: pb.ObservationProto, name: str) -> ObservationReader:
    shape = tuple(observation.shape)
    try:
        if observation.compression_type == pb.PNG:
            picture = picture_shape(observation)
            return ObservationReader(index, shape, SensorSpec(name, spaces.Box(0, 255, picture, np.uint8)), picture)
        _floats(observation, shape)
    except DamageError as error:
        raise DamageError(f"observation {index} ('{name}'): {error}") from error
    space = spaces.Box(-np.inf, np.inf, shape, np.float32)
    return ObservationReader(index, shape, SensorSpec(name, space, computed=_computed(observation)), None)


def _floats(observation: pb.ObservationProto, shape: tuple[int, ...]) -> np.ndarray:
    data = observation.float_data.data
    if len(shape) > MAX_RANK or min(shape, default=0) < 0 or len(data) != math.prod(shape):
        raise DamageError(f"it holds {len(data)} numbers for the shape {shape[:MAX_RANK]}")
    values = np.fromiter(data, np.float32, len(data))
    if not np.isfinite(values).all():
        raise DamageError(f"it holds {values[~np.isfinite(values)][0]}; every number must be finite")
    return values


def _cast(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Return the values as a dtype that holds them just as well."""
    if dtype == np.float32:
        return values
    with np.errstate(invalid="ignore", over="ignore"):
        cast = values.astype(dtype)
        same = (cast.astype(np.float32) == values).all()
    if not same:
        raise DamageError(f"it holds numbers that are no {dtype}")
    return cast


def _computed(observation: pb.ObservationProto) -> dict[str, Json]:
    """What ML-Agents' networks would treat otherwise, kept for an export."""
    kept: dict[str, Json] = {}
    if observation.observation_type == pb.GOAL_SIGNAL:
        kept["goal"] = True
    properties = list(observation.dimension_properties)
    if len(properties) == len(observation.shape) and any(each & _VARIABLE_SIZE for each in properties):
        kept["dimension_properties"] = properties
    return {"mlagents": kept} if kept else {}
