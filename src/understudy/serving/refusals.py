"""How an error travels: a gRPC status with one sentence, and the kind of error in the trailing metadata.

The server turns an `UnderstudyError` into a `Refusal`; the client turns what gRPC raised back into the same error.
"""

from __future__ import annotations

from dataclasses import dataclass

import grpc

from understudy.errors import (
    BundleError,
    ObservationError,
    RecordingError,
    ServingError,
    SpecError,
    SpecMismatchError,
    UnderstudyError,
)
from understudy.serving.credentials import unreachable
from understudy.serving.limits import RateLimitError
from understudy.serving.security import UnauthenticatedError

KIND_KEY = "understudy-error"
MAX_DETAIL_BYTES = 1800
"""Of a sentence: gRPC escapes a byte as up to three, and HTTP/2 peers refuse more than 8 KiB of metadata."""


class BotLimitError(ServingError):
    """Raised when a stream asks for more bots than the server allows it."""


class StoppingError(ServingError):
    """Raised when the server is about to stop."""


_KINDS: dict[str, type[UnderstudyError]] = {
    each.__name__: each
    for each in (
        *(BotLimitError, BundleError, ObservationError, RateLimitError, RecordingError, ServingError, SpecError),
        *(SpecMismatchError, StoppingError, UnauthenticatedError),
    )
}
_CODES: dict[type[UnderstudyError], grpc.StatusCode] = {
    BotLimitError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    RateLimitError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    StoppingError: grpc.StatusCode.UNAVAILABLE,
}


@dataclass(frozen=True)
class Refusal:
    """What `context.abort` takes.

    Attributes:
        code: `INVALID_ARGUMENT` for a mistake, `RESOURCE_EXHAUSTED` for a limit, `UNAVAILABLE` for a server that stops.
        details: One sentence.
        trailing_metadata: The kind of error.
    """

    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, str], ...]


def to_refusal(error: UnderstudyError) -> Refusal:
    """Return how `error` is told to a client."""
    details = str(error).encode(errors="backslashreplace")  # JSON may hold half a character
    if len(details) > MAX_DETAIL_BYTES:
        details = details[:MAX_DETAIL_BYTES] + b"..."
    code = _CODES.get(type(error), grpc.StatusCode.INVALID_ARGUMENT)
    return Refusal(code, details.decode(errors="ignore"), ((KIND_KEY, type(error).__name__),))


def to_error(failure: grpc.RpcError, address: str) -> UnderstudyError:
    """Return the error that the server refused with, or a `ServingError` that says what else went wrong."""
    kind = dict(failure.trailing_metadata() or ()).get(KIND_KEY)
    if kind is not None:
        return _KINDS.get(str(kind), ServingError)(failure.details())
    if failure.code() is grpc.StatusCode.UNAVAILABLE:
        return ServingError(unreachable(str(failure.details()), address))
    return ServingError(f"The server at {address} answered {failure.code().name}: {failure.details()}")
