"""What clients of this dialect may use, and how they are refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc

from understudy.errors import ServingError, UnderstudyError
from understudy.serving.limits import RateLimits
from understudy.serving.refusals import Refusal, to_refusal


class UnknownModelError(ServingError):
    """Raised when a request names a model, or a version of it, that is not served."""


class SequenceLimitError(ServingError):
    """Raised when more sequences, or bots in them, would live than the server allows."""


_CODES: dict[type[UnderstudyError], grpc.StatusCode] = {
    UnknownModelError: grpc.StatusCode.NOT_FOUND,
    SequenceLimitError: grpc.StatusCode.RESOURCE_EXHAUSTED,
}


@dataclass(frozen=True)
class OipOptions:
    """What clients of this dialect may use.

    Attributes:
        idle_s: Seconds after which a sequence that nobody asks for ends; long enough for a paused game.
        max_sequences: Living at once, over all clients and models.
        max_bots: Living at once in all sequences together.
        max_rows: Of one request.
        rates: How often one connection may ask.

    Raises:
        ServingError: If a number is not positive.
    """

    idle_s: float = 300.0
    max_sequences: int = 4096
    max_bots: int = 65536
    max_rows: int = 4096
    rates: RateLimits = field(default_factory=RateLimits)

    def __post_init__(self) -> None:
        for name in ("idle_s", "max_sequences", "max_bots", "max_rows"):
            if not getattr(self, name) > 0:
                raise ServingError(f"The option {name} is {getattr(self, name)}; it must be above 0.")


def refuse(error: UnderstudyError) -> Refusal:
    """Return how `error` is told to a client of this dialect."""
    refusal = to_refusal(error)
    code = _CODES.get(type(error), refusal.code)
    return Refusal(code, refusal.details, refusal.trailing_metadata)
