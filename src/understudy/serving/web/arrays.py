"""Arrays as web clients write them: bytes in base64, or plain numbers for languages that have no typed arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from understudy.errors import ObservationError, suggest
from understudy.serving.codec import Codec, Field
from understudy.serving.web import web_pb2 as pb
from understudy.spec import check_array


def decode_sensors(codec: Codec, arrays: Mapping[str, pb.WebArray], rows: int) -> list[np.ndarray]:
    """Return one array per sensor, in the spec's order, of shape (rows, *sensor shape).

    Args:
        codec: Of the behaviour.
        arrays: By sensor name; may be empty if `rows` is 0.
        rows: How many bots decide.

    Raises:
        ObservationError: If a sensor is missing or unknown, has the wrong size, or holds a number that is not finite
            or that its dtype cannot hold.
    """
    if not rows and not arrays:
        return codec.decode_sensors([], 0)
    names = [each.name for each in codec.sensors]
    for name in arrays:
        if name not in names:
            raise ObservationError(f"The bundle has no sensor '{name[:80]}'.{suggest(name[:80], names)}")
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ObservationError(f"The tick lacks the sensor '{missing[0]}'; send each of: {', '.join(names)}.")
    return [_decode(each, arrays[each.name], rows) for each in codec.sensors]


def encode_actions(codec: Codec, actions: Sequence[np.ndarray], form: pb.WebForm) -> dict[str, pb.WebArray]:
    """Return each action part by name, in the form that the client asked for."""
    return {each.name: _encode(each, array, form) for each, array in zip(codec.parts, actions, strict=True)}


def _encode(field: Field, array: np.ndarray, form: pb.WebForm) -> pb.WebArray:
    if form == pb.WEB_FORM_BYTES:
        return pb.WebArray(data=field.encode(array))
    return pb.WebArray(numbers=array.ravel().tolist())


def _decode(field: Field, array: pb.WebArray, rows: int) -> np.ndarray:
    if array.data and array.numbers:
        raise ObservationError(f"{field.what} comes as numbers and as data; send one of them.")
    decoded = field.decode(array.data, rows) if array.data else _from_numbers(field, array.numbers, rows)
    check_array(field.what, decoded, decoded.shape, decoded.dtype)
    return decoded


def _from_numbers(field: Field, numbers: Sequence[float], rows: int) -> np.ndarray:
    expected = rows * math.prod(field.shape)
    if len(numbers) != expected:
        raise ObservationError(
            f"{field.what} should hold {expected} numbers ({rows} rows of shape {field.shape}), got {len(numbers)}."
        )
    array = np.array(numbers, np.float32).reshape(rows, *field.shape)
    if field.dtype.kind not in "fc":
        _require_whole(field, array)
    return array.astype(field.dtype)


def _require_whole(field: Field, array: np.ndarray) -> None:
    bounds = np.iinfo(field.dtype)
    fits = (array >= bounds.min) & (array <= bounds.max) & (array == np.rint(array))
    if not fits.all():
        bad = np.argwhere(~fits)[0].tolist()
        raise ObservationError(
            f"{field.what} holds {array[tuple(bad)]:g} at index {bad}; it should be a whole number, {bounds.min} to "
            f"{bounds.max} ({field.dtype})."
        )
