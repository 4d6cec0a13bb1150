"""From what an ML-Agents agent observes to the sensors of a bundle.

A sensor takes the observation of its own name. The sensors that find none take the remaining observations in order;
there must then be just as many. Each pair must fit:

    observation                       fits a sensor of shape
    (n,), or a sensor that is flat    with just as many numbers, row by row
    any                               the very same
    (height, width, channels)         (channels, height, width), and the other way round

Stacks need no rule of their own: a game that stacks sends a longer vector, or a picture of more channels.

A float sensor gets ML-Agents' own numbers, where a picture's levels are 0 to 1. A uint8 sensor gets a picture's levels
from 0 to 255. Other numbers for a sensor of integers are rounded and kept within its dtype.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.mlagents import mlagents_pb2 as pb
from understudy.serving.dialects.mlagents.pictures import decode_pictures
from understudy.spec import SensorSpec

_EXACT = 2.0**53
"""Up to here a float64 holds every integer."""

MAX_RANK, MAX_LISTED = 6, 16
"""What a message about a stranger's observations prints of them."""


class Reader:
    """Reads one sensor from one observation.

    Args:
        sensor: To fill.
        index: Of the observation among an agent's.
        shape: Of the observation, as the game gave it at first; it must stay.

    Raises:
        SpecMismatchError: If an observation of that shape does not fit the sensor.
    """

    def __init__(self, sensor: SensorSpec, index: int, shape: tuple[int, ...]) -> None:
        self.sensor = sensor
        self.index = index
        self.shape = shape
        self._axes = _axes(sensor, index, shape)
        self._dtype = np.dtype(sensor.space.dtype)

    @property
    def is_picture(self) -> bool:
        """Whether the observation may come as PNG."""
        return len(self.shape) == 3

    def read(self, agents: Sequence[pb.AgentInfoProto]) -> np.ndarray:
        """Return the sensor of some agents, of shape (agents, *sensor shape) and the sensor's dtype.

        Raises:
            ObservationError: If an observation has another shape, another size or a number that is not finite.
        """
        values = np.empty((len(agents), *self.shape), np.float32)
        for row, agent in enumerate(agents):
            try:
                values[row] = self._read_one(agent)
            except ObservationError as error:
                raise self._wrong(agent, str(error)) from None
        self._check_finite(values, agents)
        ordered = values if self._axes is None else values.transpose(0, *(axis + 1 for axis in self._axes))
        return self._to_dtype(ordered).reshape(len(agents), *self.sensor.space.shape)

    def _read_one(self, agent: pb.AgentInfoProto) -> np.ndarray:
        """Return ML-Agents' own numbers, float32, of the observation's shape."""
        if self.index >= len(agent.observations):
            raise ObservationError(f"the agent has only {len(agent.observations)} observations")
        observation = agent.observations[self.index]
        if tuple(observation.shape) != self.shape:
            raise ObservationError(f"it has the shape {_text(observation.shape)}, and had {_text(self.shape)} before")
        return self._from_png(observation) if observation.compression_type == pb.PNG else self._from_floats(observation)

    def _from_png(self, observation: pb.ObservationProto) -> np.ndarray:
        if not self.is_picture:
            raise ObservationError(f"it is a PNG, but its shape is {_text(self.shape)}")
        height, width, channels = self.shape
        mapping = observation.compressed_channel_mapping
        return decode_pictures(observation.compressed_data, (height, width, channels), mapping) / np.float32(255)

    def _from_floats(self, observation: pb.ObservationProto) -> np.ndarray:
        data = observation.float_data.data
        if len(data) != math.prod(self.shape):
            raise ObservationError(f"it holds {len(data)} numbers for the shape {_text(self.shape)}")
        return np.array(data, np.float32).reshape(self.shape)

    def _check_finite(self, values: np.ndarray, agents: Sequence[pb.AgentInfoProto]) -> None:
        finite = np.isfinite(values)
        if not finite.all():
            row = int(np.argwhere(~finite)[0][0])
            found = values[row][~finite[row]].flat[0]
            raise self._wrong(agents[row], f"it holds {found}, and every number must be finite")

    def _to_dtype(self, values: np.ndarray) -> np.ndarray:
        if self._dtype.kind == "f":
            largest = float(np.finfo(min(self._dtype, values.dtype).name).max)
            return np.clip(values, -largest, largest).astype(self._dtype)
        bounds = np.iinfo(self._dtype.name)
        low, high = max(bounds.min, -_EXACT), min(bounds.max, _EXACT)
        scale = 255 if self.is_picture and self._dtype == np.uint8 else 1
        return np.clip(np.rint(values.astype(np.float64) * scale), low, high).astype(self._dtype)

    def _wrong(self, agent: pb.AgentInfoProto, problem: str) -> ObservationError:
        return ObservationError(
            f"Observation {self.index} of agent {agent.id}, for the sensor '{self.sensor.name}', is wrong: {problem}."
        )


def match(sensors: Sequence[SensorSpec], observations: Sequence[pb.ObservationProto]) -> list[Reader]:
    """Return a reader for each sensor, in order; see the module for the rule.

    Args:
        sensors: Of the bundle.
        observations: Of the first agent of the behaviour.

    Raises:
        SpecMismatchError: If they do not fit.
    """
    chosen = _by_name(sensors, observations)
    rest = [index for index in range(len(observations)) if index not in chosen.values()]
    nameless = [each.name for each in sensors if each.name not in chosen]
    if nameless and len(nameless) != len(rest):
        raise SpecMismatchError(
            f"the bundle reads {_list([_describe(each) for each in sensors])}, the game sends "
            f"{_list([_describe_observation(each) for each in observations])}"
        )
    chosen |= dict(zip(nameless, rest, strict=bool(nameless)))
    return [Reader(each, chosen[each.name], tuple(observations[chosen[each.name]].shape)) for each in sensors]


def _by_name(sensors: Sequence[SensorSpec], observations: Sequence[pb.ObservationProto]) -> dict[str, int]:
    """The index of the observation of each sensor's name, where there is just one."""
    names = [each.name for each in observations]
    return {each.name: names.index(each.name) for each in sensors if names.count(each.name) == 1}


def _axes(sensor: SensorSpec, index: int, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The transposition that gives the sensor's shape; None if the numbers' order stays."""
    wanted = sensor.space.shape
    flat = len(shape) == 1 or len(wanted) <= 1
    possible = min(shape, default=1) > 0
    if possible and (shape == wanted or (flat and math.prod(shape) == math.prod(wanted))):
        return None
    if possible and len(shape) == 3:
        for axes in ((1, 2, 0), (2, 0, 1)):
            if tuple(shape[axis] for axis in axes) == wanted:
                return axes
    raise SpecMismatchError(
        f"the bundle's sensor {_describe(sensor)} does not fit observation {index} of the game, {_text(shape)}"
    )


def _describe(sensor: SensorSpec) -> str:
    return f"'{sensor.name}' {_text(sensor.space.shape)}"


def _describe_observation(observation: pb.ObservationProto) -> str:
    name = f"'{observation.name[:40]}' " if observation.name else ""
    return f"{name}{_text(observation.shape)}"


def _text(shape: Sequence[int]) -> str:
    return str(tuple(shape[:MAX_RANK])) if len(shape) <= MAX_RANK else f"{len(shape)} dimensions"


def _list(words: Sequence[str]) -> str:
    more = f" and {len(words) - MAX_LISTED} more" if len(words) > MAX_LISTED else ""
    return (", ".join(words[:MAX_LISTED]) or "nothing") + more
