"""From what an agent of the game sends to the arrays of a sensor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from understudy.errors import ObservationError, SpecMismatchError
from understudy.serving.dialects.godot_rl.info import ObservationKey
from understudy.spec import BehaviorSpec, SensorSpec, check_array


class SensorReader:
    """Reads one sensor from an agent's observation.

    A picture's bytes are the rows of Godot's `Image.get_data()`, channels side by side, although the plug-in declares
    its shape channels first; so they take the sensor's own shape (height, width, channels) as they come.

    Args:
        sensor: To be read.
        key: Of the observation that holds it.
        planar: Whether this game sends pictures channel after channel, as their declared shape says.

    Raises:
        SpecMismatchError: If the key's size is not the sensor's.
    """

    def __init__(self, sensor: SensorSpec, key: ObservationKey, planar: bool = False) -> None:
        self._sensor = sensor
        self._key = key
        self._shape = tuple(sensor.space.shape)
        self._size = math.prod(self._shape)
        self._dtype = np.dtype(sensor.space.dtype)
        self._planar = planar and key.is_picture and self._shape == (*key.size[1:], key.size[0])
        self._what = f"Observation '{key.name}'"
        if math.prod(key.size) != self._size:
            raise SpecMismatchError(
                f"its observation '{key.name}' has the size {list(key.size)}, "
                f"but the sensor '{sensor.name}' has the shape {self._shape}"
            )

    def read(self, observation: Mapping[str, Any]) -> np.ndarray:
        """Return the sensor's array, of its very shape and dtype.

        Raises:
            ObservationError: If the value is missing, of another size, no number, or out of the dtype's range.
        """
        if self._key.name not in observation:
            raise ObservationError(f"{self._what} is missing.")
        value = observation[self._key.name]
        array = self._picture(value) if self._key.is_picture else self._numbers(value)
        array = self._convert(array)
        check_array(self._what, array, self._shape, self._dtype)
        return array

    def _picture(self, value: Any) -> np.ndarray:
        if not isinstance(value, str) or len(value) != 2 * self._size:
            found = f"{len(value)} characters" if isinstance(value, str) else type(value).__name__
            raise ObservationError(f"{self._what} should be {2 * self._size} hexadecimal characters, got {found}.")
        try:
            data = np.frombuffer(bytes.fromhex(value), np.uint8)
        except ValueError:
            data = np.empty(0, np.uint8)
        if data.size != self._size:
            raise ObservationError(f"{self._what} is not hexadecimal text.")
        return np.moveaxis(data.reshape(self._key.size), 0, -1) if self._planar else data.reshape(self._shape)

    def _numbers(self, value: Any) -> np.ndarray:
        try:
            array = np.array(value)
        except ValueError:
            array = np.array(None)
        if array.dtype.kind not in "biuf" or array.size != self._size:
            raise ObservationError(f"{self._what} should be {self._size} numbers; it is not.")
        if self._key.choices and not 0 <= array.item() < self._key.choices:
            raise ObservationError(f"{self._what} is {array.item():g}; it must be from 0 to {self._key.choices - 1}.")
        return array.reshape(self._shape)

    def _convert(self, array: np.ndarray) -> np.ndarray:
        if self._dtype.kind == "f":
            with np.errstate(over="ignore"):  # what overflows is refused as not finite
                return array.astype(self._dtype)
        limits = np.iinfo(self._dtype.name)
        fraction = array.dtype.kind == "f" and (array != np.round(array)).any()
        if fraction or array.min() < limits.min or array.max() > limits.max:
            raise ObservationError(f"{self._what} should be whole numbers from {limits.min} to {limits.max}.")
        return array.astype(self._dtype)


def bind_sensors(behavior: BehaviorSpec, keys: Sequence[ObservationKey], planar: bool) -> list[SensorReader]:
    """Find each sensor among the keys an agent sends: by name, or the only one for the only one.

    Raises:
        SpecMismatchError: If a sensor is not among them, or is there with another size; the message has no subject.
    """
    by_name = {each.name: each for each in keys}
    if len(behavior.sensors) == len(keys) == 1:
        by_name = {behavior.sensors[0].name: keys[0]}
    for each in behavior.sensors:
        if each.name not in by_name:
            raise SpecMismatchError(
                f"it sends no observation '{each.name}', which the bundle reads (it sends {_list(by_name)})"
            )
    return [SensorReader(each, by_name[each.name], planar) for each in behavior.sensors]


def _list(names: Mapping[str, ObservationKey]) -> str:
    return ", ".join(f"'{each}'" for each in names)
