"""Arrays to bytes and back, the same for the server and for every Python client.

An array on the wire is C-contiguous and little-endian. Its shape and dtype are not sent: the spec says them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from understudy.errors import ObservationError
from understudy.spec import BehaviorSpec, check_array


class Field:
    """One array of a message: a sensor or an action part.

    Args:
        what: Its name for messages, such as `"Sensor 'rays'"`.
        name: Its key in an observation or action.
        shape: Of one bot's row.
        dtype: Of the numbers, native.
    """

    def __init__(self, what: str, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.what = what
        self.name = name
        self.shape = shape
        self.dtype = dtype
        self._wire_dtype = dtype.newbyteorder("<")
        self._row_bytes = math.prod(shape) * dtype.itemsize

    def encode(self, array: np.ndarray) -> bytes:
        """Return the bytes of `array`, of shape (rows, *shape)."""
        return array.astype(self._wire_dtype, copy=False).tobytes()

    def decode(self, data: bytes, rows: int) -> np.ndarray:
        """Return a read-only array of shape (rows, *shape) over `data`, without a copy.

        Raises:
            ObservationError: If `data` has the wrong size.
        """
        if len(data) != rows * self._row_bytes:
            raise ObservationError(
                f"{self.what} should hold {rows * self._row_bytes} bytes ({rows} rows of {self.dtype} {self.shape}), "
                f"got {len(data)}."
            )
        array = np.frombuffer(data, self._wire_dtype).reshape(rows, *self.shape)
        return array.astype(self.dtype, copy=False)


class Codec:
    """Packs and unpacks the observations and actions of one behaviour.

    Args:
        behavior: The spec both sides agreed on; its order is the order of the wire.
    """

    def __init__(self, behavior: BehaviorSpec) -> None:
        self.behavior = behavior
        self.sensors = tuple(
            Field(f"Sensor '{each.name}'", each.name, each.space.shape, np.dtype(each.space.dtype))
            for each in behavior.sensors
        )
        self.parts = tuple(
            Field(f"Action part '{each.name}'", each.name, each.shape, each.dtype) for each in behavior.actions
        )

    def encode_sensors(self, observations: Mapping[str, np.ndarray]) -> list[bytes]:
        """Return the bytes of each sensor, in order; the arrays are already checked."""
        return [each.encode(observations[each.name]) for each in self.sensors]

    def decode_sensors(self, payloads: Sequence[bytes], rows: int) -> list[np.ndarray]:
        """Return one array per sensor, in order, of shape (rows, *sensor shape).

        Args:
            payloads: The bytes of each sensor, in order; may be empty if `rows` is 0.
            rows: How many bots decide.

        Raises:
            ObservationError: If a sensor is missing, has the wrong size or holds a number that is not finite.
        """
        if not rows and not payloads:
            return [np.zeros((0, *each.shape), each.dtype) for each in self.sensors]
        self._check_count("sensors", self.sensors, len(payloads))
        arrays = [each.decode(data, rows) for each, data in zip(self.sensors, payloads, strict=True)]
        for each, array in zip(self.sensors, arrays, strict=True):
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                check_array(each.what, array, array.shape, array.dtype)
        return arrays

    def encode_actions(self, actions: Sequence[np.ndarray]) -> list[bytes]:
        """Return the bytes of each action part, in order."""
        return [each.encode(array) for each, array in zip(self.parts, actions, strict=True)]

    def decode_actions(self, payloads: Sequence[bytes], rows: int) -> dict[str, np.ndarray]:
        """Return each action part by name, read-only, of shape (rows, *part shape).

        Raises:
            ObservationError: If a part is missing or has the wrong size.
        """
        return dict(zip(self.behavior.action_names, self.decode_parts(payloads, rows), strict=True))

    def decode_parts(self, payloads: Sequence[bytes], rows: int) -> list[np.ndarray]:
        """Return each action part, in order; see `decode_actions`."""
        self._check_count("action parts", self.parts, len(payloads))
        return [each.decode(data, rows) for each, data in zip(self.parts, payloads, strict=True)]

    def _check_count(self, what: str, fields: Sequence[Field], found: int) -> None:
        if found != len(fields):
            names = ", ".join(each.name for each in fields)
            raise ObservationError(
                f"Behaviour '{self.behavior.name}' has {len(fields)} {what} ({names}), got {found} arrays."
            )
