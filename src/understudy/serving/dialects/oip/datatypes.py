"""The protocol's names of number types, and its typed contents, which repeat each number as a field of the message.

Source: Open Inference Protocol, "Tensor data types" and `InferTensorContents`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from understudy.errors import ObservationError
from understudy.serving.dialects.oip import oip_pb2 as pb

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
}

_NAMES = {dtype: name for name, dtype in DTYPES.items()}

# Which field of the contents holds which type. FP16 has none: it travels as raw bytes only.
_FIELDS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
}


def name_of(dtype: np.dtype[Any]) -> str:
    """Return the protocol's name of a dtype, such as `"FP32"`."""
    return _NAMES[np.dtype(dtype)]


def to_bytes(what: str, contents: pb.InferTensorContents, datatype: str) -> bytes:
    """Return typed contents as the raw bytes they stand for, little-endian.

    Args:
        what: The tensor, for messages.
        contents: Of one input.
        datatype: The protocol's name of its type.

    Raises:
        ObservationError: If the numbers lie in the field of another type, or do not fit this one.
    """
    field = _FIELDS.get(datatype)
    given = [each.name for each, _ in contents.ListFields()]
    if field is None or any(each != field for each in given):
        wanted = f"contents.{field}" if field else "raw_input_contents"
        raise ObservationError(
            f"{what} is {datatype}, so its numbers go into {wanted}, not {', '.join(given) or 'nowhere'}."
        )
    numbers, dtype = np.array(getattr(contents, field)), DTYPES[datatype]
    if dtype.kind in "iu" and numbers.size:
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        if numbers.min() < low or numbers.max() > high:
            raise ObservationError(f"{what} is {datatype}, whose numbers are from {low} to {high}.")
    return numbers.astype(dtype.newbyteorder("<")).tobytes()


def to_contents(array: np.ndarray) -> pb.InferTensorContents:
    """Return an array as typed contents."""
    return pb.InferTensorContents(**{_FIELDS[name_of(array.dtype)]: array.ravel().tolist()})
