"""The living sequences: each holds its rows' bots until it is ended, is idle for too long, or its stream breaks off."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from understudy.errors import ServingError
from understudy.serving.dialects.oip.options import OipOptions, SequenceLimitError
from understudy.serving.dialects.oip.parameters import SequenceId
from understudy.serving.session import Birth, Session


class Key(NamedTuple):
    """What names a sequence on this server; the integer 1 and the text "1" are two names, as in Triton."""

    model: str
    sequence: SequenceId


class Caller:
    """A connection that asks: a stream, or a single call.

    Args:
        peer: As gRPC names it.
    """

    def __init__(self, peer: str) -> None:
        self.peer = peer


class LivingSequence:
    """One sequence, made by `SequenceTable.turn`.

    Attributes:
        session: Its bots; None before it starts and after it ends.
        bots: Their numbers, which are those of the rows.
        caller: Who started it.
    """

    def __init__(self) -> None:
        self.session: Session | None = None
        self.bots: list[int] = []
        self.caller: Caller | None = None
        self.lock = asyncio.Lock()
        self.users = 0
        self.last_used = 0.0


class SequenceTable:
    """Every living sequence, the one that was quiet for longest first. It belongs to the event loop.

    Args:
        options: How many may live, and for how long unused.
    """

    def __init__(self, options: OipOptions) -> None:
        self._options = options
        self._sequences: OrderedDict[Key, LivingSequence] = OrderedDict()
        self._num_bots = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._sequences)

    @asynccontextmanager
    async def turn(self, key: Key, *, start: bool) -> AsyncIterator[LivingSequence]:
        """Have a sequence to oneself; those who ask for the same one are served in the order they asked.

        Args:
            key: Of the sequence.
            start: Whether it may be a new one.

        Raises:
            ServingError: If it does not live.
            SequenceLimitError: If there would be too many.
        """
        sequence = self._join(key, start)
        try:
            async with sequence.lock:
                yield sequence
        finally:
            self._leave(key, sequence)

    def begin(self, sequence: LivingSequence, session: Session, births: Sequence[Birth], caller: Caller) -> None:
        """Start a sequence, afresh if it lives already.

        Raises:
            SequenceLimitError: If there would be too many bots.
            ServingError: If the session refuses a birth.
        """
        self.end(sequence)
        try:
            self._check_bots(len(births))
            session.spawn(births)
        except ServingError:
            session.close()
            raise
        sequence.session, sequence.caller = session, caller
        sequence.bots = [each.bot for each in births]
        self._num_bots += len(births)

    def end(self, sequence: LivingSequence) -> None:
        """Free the bots of a sequence. Calling it twice does no harm."""
        if sequence.session is not None:
            sequence.session.close()
            sequence.session = None
            self._num_bots -= len(sequence.bots)

    def end_of(self, caller: Caller) -> None:
        """End what a stream started that broke off; what somebody else is using by now stays."""
        for key, sequence in list(self._sequences.items()):
            if sequence.caller is caller and not sequence.users:
                self.end(sequence)
                del self._sequences[key]

    def _join(self, key: Key, start: bool) -> LivingSequence:
        sequence = self._sequences.get(key)
        if sequence is None and not start:
            raise not_running(key, self._options.idle_s)
        if sequence is None:
            if len(self._sequences) >= self._options.max_sequences:
                raise SequenceLimitError(
                    f"{len(self._sequences)} sequences live, which is what this server allows; end some, or put "
                    "several bots into one as rows."
                )
            sequence = self._sequences[key] = LivingSequence()
        sequence.users += 1
        return sequence

    def _leave(self, key: Key, sequence: LivingSequence) -> None:
        sequence.users -= 1
        sequence.last_used = time.monotonic()
        if sequence.session is None and not sequence.users:
            del self._sequences[key]
            return
        self._sequences.move_to_end(key)
        self._watch()

    def _check_bots(self, more: int) -> None:
        if self._num_bots + more > self._options.max_bots:
            raise SequenceLimitError(
                f"{self._num_bots + more} bots in all sequences; this server allows {self._options.max_bots}."
            )

    def _watch(self) -> None:
        """Have the next sequence that could be idle for too long looked at in time."""
        if self._timer is None and self._sequences:
            oldest = next(iter(self._sequences.values()))
            wait = oldest.last_used + self._options.idle_s - time.monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(wait, 0.01), self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        limit = time.monotonic() - self._options.idle_s
        for key, sequence in list(self._sequences.items()):
            if sequence.users:
                continue
            if sequence.last_used > limit:
                break
            self.end(sequence)
            del self._sequences[key]
        self._watch()


def not_running(key: Key, idle_s: float) -> ServingError:
    """Return the error for a sequence that does not live."""
    return ServingError(
        f"No sequence {key.sequence!r} of '{key.model}' is running: its first request sets sequence_start, and one "
        f"that is not used for {idle_s:g} s ends."
    )
