"""From decided actions to a `ModelInferResponse`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from understudy.serving.dialects.oip import oip_pb2 as pb
from understudy.serving.dialects.oip.datatypes import to_contents
from understudy.serving.dialects.oip.signature import Signature
from understudy.serving.request import Late


class Given(NamedTuple):
    """What some bots do.

    Attributes:
        actions: One array per action part, in the spec's order, of shape (rows, *part shape).
        next_state: For a client that keeps its bots' memory, float32, shape (rows, state_size).
        late: Whether these are fallbacks.
        seed: Of the first row, where it started now; to be told, so that it can be played again.
    """

    actions: Sequence[np.ndarray]
    next_state: np.ndarray | None = None
    late: Late = Late.NO
    seed: int | None = None


def to_response(
    request: pb.ModelInferRequest, signature: Signature, given: Given, wanted: Sequence[str], *, typed: bool
) -> pb.ModelInferResponse:
    """Return the answer.

    Args:
        request: That is answered.
        signature: Of the version it was checked against.
        given: What the bots do.
        wanted: Names of outputs, in their order; `next_state` is left out where there is none.
        typed: Whether the numbers go as typed contents rather than raw bytes.
    """
    names = signature.bundle.behavior.action_names
    arrays = dict(zip(names, given.actions, strict=True))
    if given.next_state is not None:
        arrays.setdefault("next_state", given.next_state)
    response = pb.ModelInferResponse(model_name=signature.bundle.name, model_version=signature.version, id=request.id)
    for name in wanted:
        if name in arrays:
            _add_output(response, signature, name, arrays[name], typed)
    if given.seed is not None:
        response.parameters["seed"].int64_param = _as_signed(given.seed)
    if given.late:
        response.parameters["late"].string_param = given.late.name.lower()
    return response


def _add_output(
    response: pb.ModelInferResponse, signature: Signature, name: str, array: np.ndarray, typed: bool
) -> None:
    tensor = signature.outputs[name]
    output = response.outputs.add(name=name, datatype=tensor.datatype, shape=array.shape)
    if typed:
        output.contents.CopyFrom(to_contents(array))
    else:
        response.raw_output_contents.append(tensor.field.encode(array))


def _as_signed(seed: int) -> int:
    """A seed of 64 bits as the int64 that has the same bits."""
    seed %= 2**64
    return seed - 2**64 if seed >= 2**63 else seed
