"""From a `ModelInferRequest` to checked arrays; everything is compared before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from understudy.errors import ObservationError, ServingError, suggest
from understudy.serving.codec import Codec
from understudy.serving.dialects.oip import oip_pb2 as pb
from understudy.serving.dialects.oip.datatypes import to_bytes
from understudy.serving.dialects.oip.signature import Signature
from understudy.spec import check_array

_SHARED_MEMORY = "shared_memory_region"


class Inputs(NamedTuple):
    """The tensors of one request.

    Attributes:
        rows: How many bots decide.
        sensors: In the spec's order, each of shape (rows, *sensor shape).
        extras: `state`, `noise`, `style` and `seed`, those that were given, each of shape (rows, size).
        typed: Whether they came as typed contents, which is how the answer then goes.
    """

    rows: int
    sensors: list[np.ndarray]
    extras: Mapping[str, np.ndarray]
    typed: bool


def read_inputs(request: pb.ModelInferRequest, signature: Signature, codec: Codec, max_rows: int) -> Inputs:
    """Read and check the tensors of a request.

    Raises:
        ObservationError: If a tensor is missing, unknown, given twice, misshapen, of another type, or not finite.
        ServingError: If there are too many rows, or they lie in shared memory.
    """
    payloads = _payloads(request, signature)
    rows = _count_rows(request, signature, max_rows)
    missing = [name for name in signature.bundle.behavior.sensor_names if name not in payloads]
    if missing:
        raise ObservationError(f"The request lacks the input '{missing[0]}'; it has {', '.join(payloads) or 'none'}.")
    sensors = codec.decode_sensors([payloads.pop(name) for name in signature.bundle.behavior.sensor_names], rows)
    extras = {name: _read_extra(name, data, rows, signature) for name, data in payloads.items()}
    return Inputs(rows, sensors, extras, typed=not request.raw_input_contents)


def requested_outputs(request: pb.ModelInferRequest, signature: Signature) -> list[str]:
    """Return the names of the outputs that are wanted, all of them if the request names none.

    Raises:
        ServingError: If one is unknown, or is wanted in shared memory or as a classification.
    """
    for each in request.outputs:
        if each.name not in signature.outputs:
            name = each.name[:80]
            raise ServingError(
                f"The model '{signature.bundle.name}' has no output '{name}'.{suggest(name, signature.outputs)}"
            )
        for parameter in (_SHARED_MEMORY, "classification"):
            if parameter in each.parameters:
                raise ServingError(f"Output '{each.name}' asks for {parameter}, which this server does not offer.")
    return [each.name for each in request.outputs] or list(signature.outputs)


def _payloads(request: pb.ModelInferRequest, signature: Signature) -> dict[str, bytes]:
    """Return the raw bytes of each input, by name."""
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise ObservationError(f"The request has {len(request.inputs)} inputs, but {len(raw)} raw contents.")
    payloads: dict[str, bytes] = {}
    for index, tensor in enumerate(request.inputs):
        _check_tensor(tensor, signature, payloads)
        what = f"Input '{tensor.name}'"
        if raw and tensor.HasField("contents"):
            raise ObservationError(f"{what} comes both raw and typed; send one of them.")
        payloads[tensor.name] = raw[index] if raw else to_bytes(what, tensor.contents, tensor.datatype)
    return payloads


def _check_tensor(
    tensor: pb.ModelInferRequest.InferInputTensor, signature: Signature, seen: Mapping[str, bytes]
) -> None:
    known = signature.inputs.get(tensor.name)
    if known is None:
        name = tensor.name[:80]
        raise ObservationError(
            f"The model '{signature.bundle.name}' has no input '{name}'.{suggest(name, signature.inputs)}"
        )
    if tensor.name in seen:
        raise ObservationError(f"Input '{tensor.name}' is given twice.")
    if _SHARED_MEMORY in tensor.parameters:
        raise ServingError(f"Input '{tensor.name}' lies in shared memory, which this server does not read.")
    if tensor.datatype != known.datatype or tuple(tensor.shape[1:]) != known.shape or not tensor.shape:
        raise ObservationError(
            f"Input '{tensor.name}' should be {known.datatype} of shape {['bots', *known.shape]}, "
            f"got {tensor.datatype[:20]} of shape {list(tensor.shape[:9])}."
        )


def _count_rows(request: pb.ModelInferRequest, signature: Signature, max_rows: int) -> int:
    counts = {each.name: each.shape[0] for each in request.inputs}
    rows = next(iter(counts.values()), 0)
    if any(each != rows for each in counts.values()):
        raise ObservationError(f"The inputs have different numbers of rows: {counts}; each needs one row a bot.")
    if not 1 <= rows <= max_rows:
        raise ServingError(
            f"A request to '{signature.bundle.name}' has {rows} rows; this server takes from 1 to {max_rows}."
        )
    return int(rows)


def _read_extra(name: str, data: bytes, rows: int, signature: Signature) -> np.ndarray:
    field = signature.inputs[name].field
    array = field.decode(data, rows)
    check_array(field.what, array, array.shape, field.dtype)
    if name == "noise" and not ((array >= 0) & (array < 1)).all():
        raise ObservationError("Input 'noise' holds numbers outside [0, 1).")
    return array
