"""A request's parameters: its sequence, and how the bots of that start. Those we do not know are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from understudy.errors import ServingError
from understudy.serving.dialects.oip import oip_pb2 as pb

SequenceId: TypeAlias = int | str

MAX_ID = 128
"""Characters of a sequence's name, as in Triton."""

_FLAG, _TEXT = ("bool_param",), ("string_param",)
_INTEGER = ("int64_param", "uint64_param")


class Parameters(NamedTuple):
    """What the parameters of a request say.

    Attributes:
        sequence: Its sequence; None if it belongs to none.
        start: Whether the sequence starts here.
        end: Whether it ends after this.
        seed: Of the first row's noise stream, the second row's is one more, and so on; None to have one drawn.
        style: Name of the style its bots start with; empty for the default.
    """

    sequence: SequenceId | None
    start: bool
    end: bool
    seed: int | None
    style: str


def read_parameters(parameters: Mapping[str, pb.InferParameter]) -> Parameters:
    """Read the parameters of a request.

    Raises:
        ServingError: If one has another type than it should, or starts or ends a sequence without naming it.
    """
    sequence = _get(parameters, "sequence_id", (*_INTEGER, *_TEXT), "an integer or a text")
    start = bool(_get(parameters, "sequence_start", _FLAG, "true or false"))
    end = bool(_get(parameters, "sequence_end", _FLAG, "true or false"))
    seed = _get(parameters, "seed", _INTEGER, "an integer")
    style = _get(parameters, "style", _TEXT, "the name of a style")
    if isinstance(sequence, str) and len(sequence) > MAX_ID:
        raise ServingError(f"A sequence_id has at most {MAX_ID} characters, got {len(sequence)}.")
    if not sequence and (start or end):
        raise ServingError("A request that starts or ends a sequence needs its sequence_id, which is not 0 or empty.")
    return Parameters(_identity(sequence), start, end, None if seed is None else int(seed), str(style or ""))


def _get(
    parameters: Mapping[str, pb.InferParameter], name: str, kinds: tuple[str, ...], expected: str
) -> int | str | bool | None:
    if name not in parameters:
        return None
    kind = parameters[name].WhichOneof("parameter_choice")
    if kind not in kinds:
        raise ServingError(f"The parameter {name} should be {expected}, got {kind or 'nothing'}.")
    return getattr(parameters[name], kind)


def _identity(sequence: int | str | bool | None) -> SequenceId | None:
    """0 and the empty text are the protocol's way to say that there is no sequence."""
    return sequence or None
